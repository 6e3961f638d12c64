"""The text documents of the demo: human prose, a machine author's samples, rare groups, spam and copies."""

from dataclasses import dataclass, replace
from datetime import datetime, timezone

import numpy as np

from curate.demo.language_model import TrigramModel
from curate.demo.languages import rare_language_documents
from curate.demo.prose import Prose, human_prose, word_shingles
from curate.hashing import stage_seed


def _microseconds(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, tzinfo=timezone.utc).timestamp()) * 1_000_000


_START, _CUTOFF, _END = _microseconds(2019, 1, 1), _microseconds(2022, 11, 30), _microseconds(2025, 6, 30)
_LONG_AGO = _microseconds(2012, 1, 1)

_RESERVED = 0.3  # share of the prose that the machine author learns from and the corpus leaves out
_HUMAN, _EXACT, _NEAR, _SPAM = 0.38, 0.09, 0.12, 0.04  # shares of the corpus; machine documents are the rest

_SPAM_SENTENCES = (
    "Looking for {adjective} {product} in {city}? You have come to the right place for {product} in {city}.",
    "Our {product} {city} team offers the {adjective} {product} deals, {product} discounts and {product} reviews.",
    "Buy {product} online today and save up to {number} percent on every {product} order in {city}.",
    "Customers who searched for {adjective} {product} {city} also searched for discount {product} near me.",
    "Click here now for {adjective} {product}, {product} coupons, free {product} shipping and {product} sale {city}.",
    "With {number} years of {product} experience we are the number one {product} shop in {city} and around {city}.",
    "Do not miss this {adjective} {product} offer, call our {city} {product} hotline within {number} minutes.",
    "Top {number} {product} in {city}, compare {product} prices, find {adjective} {product} and order {product} now.",
)
_SPAM_PRODUCTS = ("mattresses", "running shoes", "phone cases", "garden sheds", "office chairs", "car insurance")
_SPAM_CITIES = ("Springfield", "Riverton", "Lakeview", "Fairmont", "Greenville", "Kingston", "Ashland", "Milford")
_SPAM_ADJECTIVES = ("cheap", "best", "affordable", "premium", "discount", "amazing")


@dataclass(frozen=True)
class DemoDocument:
    """A row of the input together with its truth.

    Attributes:
        kind: see `curate.demo.corpus.TRUTH`.
        label: human or machine; None where the text is evidence of neither.
        text: None for images.
        timestamp: capture time; like `published` in microseconds since the Unix epoch.
        original: position of the original in the list of documents, for copies.
        similarity: Jaccard similarity of the word 5-grams of a copy and its original.
        containment: the larger share of the 5-grams of one found in the other.
    """

    kind: str
    label: str | None
    text: str | None
    source: str
    language: str | None = "en"
    timestamp: int | None = None
    published: int | None = None
    origin: str | None = None
    image: bytes | None = None
    original: int | None = None
    similarity: float | None = None
    containment: float | None = None


def make_documents(seed: int, documents: int) -> list[DemoDocument]:
    """About so many text documents, originals before their copies; fewer where this Python holds too little prose."""
    reserved, prose = split_prose(seed)
    human = _human(prose, round(_HUMAN * documents), _rng(seed, "human"))
    total = round(len(human) / _HUMAN)
    rare = _rare_language(seed, _rng(seed, "letters"))
    spam = _spam(round(_SPAM * total), _rng(seed, "spam"))
    exact, near = round(_EXACT * total), round(_NEAR * total)
    model = TrigramModel.fit(item.text for item in reserved)
    machine = _machine(model, total - len(human) - len(rare) - len(spam) - exact - near, _rng(seed, "machine"))

    rng = _rng(seed, "copies")
    copied = len(human) + len(machine) // 8  # about nine copies of ten are of human documents
    rows = [*human, *machine, *rare, *spam]
    copies = [_copy(rows, i, rng) for i in rng.choice(copied, exact).tolist()]
    copies += [_edited_copy(rows, i, rng) for i in rng.permutation(copied)[:near].tolist()]
    return rows + copies


def training_texts(seed: int) -> tuple[list[str], list[str]]:
    """Human and machine texts to train a detector on, as many of each, none of which `make_documents` uses.

    The human ones are what the machine author of the same seed has learnt from, the machine ones are more of its work.
    """
    human = [item.text for item in split_prose(seed)[0]]
    return human, TrigramModel.fit(human).write(len(human), _rng(seed, "training"))


def split_prose(seed: int) -> tuple[list[Prose], list[Prose]]:
    """The prose that the machine author learns from, and the prose of the corpus, which holds all of the rare topic."""
    prose = human_prose()
    rng = _rng(seed, "reserve")
    taken = [
        bool(draw < _RESERVED) and not item.rare_topic for item, draw in zip(prose, rng.random(len(prose)), strict=True)
    ]
    return [p for p, t in zip(prose, taken, strict=True) if t], [p for p, t in zip(prose, taken, strict=True) if not t]


def _rng(seed: int, stage: str) -> np.random.Generator:
    return np.random.default_rng(stage_seed(seed, f"demo.{stage}"))


def _human(prose: list[Prose], most: int, rng: np.random.Generator) -> list[DemoDocument]:
    """Human documents: 60 % captured before the cut-off, the others later or at an unknown time."""
    chosen = rng.permutation(len(prose))[:most].tolist()
    rows = []
    for item in (prose[i] for i in chosen):
        rows.append(
            DemoDocument(
                kind="rare_topic" if item.rare_topic else "human",
                label="human",
                text=item.text,
                source="content-farm" if rng.random() < 0.03 else item.source,
                timestamp=_capture(rng, early=0.6),
                published=_between(_LONG_AGO, _CUTOFF, rng) if rng.random() < 0.2 else None,
                origin="human" if rng.random() < 0.2 else None,
            )
        )
    return rows


def _machine(model: TrigramModel, count: int, rng: np.random.Generator) -> list[DemoDocument]:
    """Machine documents: never captured before the cut-off; some say what they are, some lie about it or their date."""
    rows = []
    for text in model.write(count, rng):
        rows.append(
            DemoDocument(
                kind="machine",
                label="machine",
                text=text,
                source=str(rng.choice(["content-farm", "web-forum", "handbook"], p=[0.60, 0.35, 0.05])),
                timestamp=_capture(rng, early=0.0),
                published=_between(_LONG_AGO, _CUTOFF, rng) if rng.random() < 0.1 else None,
                origin=[None, "synthetic", "human"][rng.choice(3, p=[0.82, 0.15, 0.03])],
            )
        )
    return rows


def _rare_language(seed: int, rng: np.random.Generator) -> list[DemoDocument]:
    return [
        DemoDocument("rare_language", "human", text, "letters", language, timestamp=_capture(rng, early=0.6))
        for text, language in rare_language_documents(stage_seed(seed, "demo.languages"))
    ]


def _spam(count: int, rng: np.random.Generator) -> list[DemoDocument]:
    """Advertisements from one template: sentences, order and keywords vary."""
    rows = []
    for _ in range(count):
        keywords = {
            "product": rng.choice(_SPAM_PRODUCTS),
            "city": rng.choice(_SPAM_CITIES),
            "adjective": rng.choice(_SPAM_ADJECTIVES),
            "number": rng.integers(10, 90),
        }
        sentences = [_SPAM_SENTENCES[i].format(**keywords) for i in rng.permutation(len(_SPAM_SENTENCES))[:6]]
        source = "content-farm" if rng.random() < 0.7 else "web-forum"
        rows.append(DemoDocument("spam", None, " ".join(sentences), source, timestamp=_capture(rng, early=0.0)))
    return rows


def _copy(rows: list[DemoDocument], position: int, rng: np.random.Generator) -> DemoDocument:
    """The same text, captured after the original, mostly by the content farm, without what the original declared."""
    original = rows[position]
    return DemoDocument(
        kind="exact_copy",
        label=original.label,
        text=original.text,
        source="content-farm" if rng.random() < 0.7 else "web-forum",
        timestamp=_between(max(original.timestamp or 0, _CUTOFF), _END, rng) if rng.random() < 0.85 else None,
        original=position,
        similarity=1.0,
        containment=1.0,
    )


def _edited_copy(rows: list[DemoDocument], position: int, rng: np.random.Generator) -> DemoDocument:
    """A copy with 1 to 5 % of its words dropped or swapped with the next one; few edits are commoner than many."""
    words = (rows[position].text or "").split(" ")
    edits = max(1, round((0.01 + 0.04 * rng.random() ** 2) * len(words)))
    for place in sorted(rng.choice(len(words) - 1, edits, replace=False).tolist(), reverse=True):
        if rng.random() < 0.5:
            del words[place]
        else:
            words[place : place + 2] = words[place : place + 2][::-1]
    text = " ".join(words)
    left, right = word_shingles(rows[position].text or ""), word_shingles(text)
    shared = len(left & right)
    return replace(
        _copy(rows, position, rng),
        kind="near_copy",
        text=text,
        similarity=shared / len(left | right),
        containment=shared / min(len(left), len(right)),
    )


def _capture(rng: np.random.Generator, early: float) -> int | None:
    """A capture time: before the cut-off with the given probability, else after it or, one time in six, unknown."""
    draw, late, unknown = rng.random(3)
    if draw < early:
        return _between(_START, _CUTOFF, rng)
    return None if unknown < 1 / 6 else _CUTOFF + int(late * (_END - _CUTOFF))


def _between(first: int, last: int, rng: np.random.Generator) -> int:
    return first + int(rng.random() * (last - first))
