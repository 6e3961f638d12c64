"""The human documents that a world is made of: generated ones, or those of a Parquet file.

The generated corpus is free of licences and its tail is known: 40 topics of Zipf(1.1) sizes, and words by a
hierarchical process. A word is, with fixed chances, one that the document has used before (burstiness, which no trigram
model has), a successor of the last word, a function word, a word of the topic, or any word; each of Zipf-like
frequencies. Sentences have about normal lengths.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from curate.demo.prose import Prose, human_prose
from curate.errors import UsageError
from curate.hashing import hash_strings, stage_seed, uniform
from curate.language_model.words import Int64Array

MIN_WORDS, MAX_WORDS = 60, 250
"""Words of a passage: detectors judge from 50 on."""
LEAST_DOCUMENTS = 1_000
_LEAST_OF_TOPIC = 8

TOPICS = 40
_FUNCTION_WORDS, _TOPIC_WORDS, _WORDS = 120, 250, 6_000
_SUCCESSORS = 12
_REPEATED, _FOLLOWING, _FUNCTION, _OF_TOPIC = 0.15, 0.40, 0.20, 0.15  # any word else


@dataclass(frozen=True)
class Corpus:
    """Human documents.

    Attributes:
        texts: string[n].
        topics: int64[n], topic of each.
        names: of the topics.
        language: what the crawls say of all documents; None where it is to be identified.
    """

    texts: pa.Array
    topics: Int64Array
    names: tuple[str, ...]
    language: str | None


def generated_corpus(documents: int, seed: int) -> Corpus:
    """Generates documents of 80 to 160 words."""
    rng = np.random.default_rng(stage_seed(seed, "simulate.corpus"))
    shares = np.arange(1, TOPICS + 1) ** -1.1
    topics = rng.choice(TOPICS, size=documents, p=shares / shares.sum())
    successors = rng.integers(_WORDS, size=(_WORDS, _SUCCESSORS))
    of_topic = np.stack([rng.choice(_WORDS, _TOPIC_WORDS, replace=False) for _ in range(TOPICS)])
    lengths = rng.integers(80, 161, size=documents)
    words = np.zeros((int(lengths.max()), documents), dtype=np.int64)
    bounds = np.cumsum([_REPEATED, _FOLLOWING, _FUNCTION, _OF_TOPIC])
    for step in range(len(words)):
        kind = np.searchsorted(bounds, rng.random(documents), side="right")
        before = (rng.random(documents) * step).astype(np.int64)
        last = words[max(step - 1, 0)]
        choices = np.stack(
            [
                words[before, np.arange(documents)],
                successors[last, _zipf(_SUCCESSORS, 1.0, documents, rng)],
                _zipf(_FUNCTION_WORDS, 1.0, documents, rng),
                of_topic[topics, _zipf(_TOPIC_WORDS, 0.9, documents, rng)],
                _zipf(_WORDS, 0.8, documents, rng),
            ]
        )
        words[step] = choices[kind if step else np.maximum(kind, 2), np.arange(documents)]
    forms = [_word(number) for number in range(_WORDS)]
    texts = [_sentences([forms[word] for word in words[:length, column]], rng) for column, length in enumerate(lengths)]
    return Corpus(pa.array(texts), topics, tuple(f"topic-{number}" for number in range(TOPICS)), "qaa")


def prose_corpus() -> Corpus:
    """The prose that ships with Python, for whoever has no other; its topics are kinds of texts.

    Raises:
        UsageError: this Python came without the sources of its standard library.
    """
    prose = human_prose()
    names = sorted({_kind(item) for item in prose})
    topics = np.array([names.index(_kind(item)) for item in prose], dtype=np.int64)
    return Corpus(pa.array([item.text for item in prose]), topics, tuple(names), "en")


def _kind(item: Prose) -> str:
    return "rare topic" if item.rare_topic else item.source


def read_corpus(path: str, documents: int, seed: int) -> Corpus:
    """Takes passages from a Parquet file, one from each document, chosen by hash.

    Args:
        path: Parquet with a column text, and topic or source for the topics, language if it is known.
        documents: at most so many.
        seed: of the choice.

    Raises:
        UsageError: no such file or column, or too few documents of 60 words.
    """
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        reason = " ".join(str(error).split())
        raise UsageError(
            f"corpus {path!r} cannot be read ({reason}), expected a Parquet file; check --corpus"
        ) from None
    topic = next((name for name in ("topic", "source") if name in table.column_names), None)
    if "text" not in table.column_names or topic is None:
        raise UsageError(
            f"corpus {path!r} has the columns {', '.join(table.column_names)}, expected text, and topic or source; "
            "rename them"
        )
    texts = table["text"].cast(pa.string()).combine_chunks()
    order = np.argsort(uniform(hash_strings(texts), stage_seed(seed, "simulate.choice")), kind="stable")
    names = pc.fill_null(table[topic].cast(pa.string()), "other").to_pylist()
    chosen: dict[str, str] = {}
    for row in order.tolist():
        passage = _passage(texts[row].as_py() or "")
        if passage is not None:
            chosen.setdefault(passage, names[row])
        if len(chosen) == documents:
            break
    if len(chosen) < LEAST_DOCUMENTS:
        raise UsageError(
            f"corpus {path!r} holds {len(chosen):,} distinct documents of at least {MIN_WORDS} words, expected "
            f"{LEAST_DOCUMENTS:,}; give more"
        )
    found, numbers = np.unique(np.array(list(chosen.values())), return_inverse=True)
    rare = np.bincount(numbers) < _LEAST_OF_TOPIC  # too few to be in all parts of the world
    kept = np.flatnonzero(~rare[numbers])
    found, numbers = np.unique(found[numbers[kept]], return_inverse=True)
    language = table["language"].drop_null() if "language" in table.column_names else table["text"].slice(0, 0)
    spoken = pc.unique(language).to_pylist()
    return Corpus(
        pa.array(list(chosen)).take(pa.array(kept)),
        numbers.astype(np.int64),
        tuple(found.tolist()),
        spoken[0] if len(spoken) == 1 else None,
    )


def _passage(text: str) -> str | None:
    """The beginning of a text, at most `MAX_WORDS` and to the end of a sentence; None where it is too short."""
    words = text.split()
    if len(words) > MAX_WORDS:
        words = words[:MAX_WORDS]
        ends = [place for place, word in enumerate(words) if word[-1] in ".!?"]
        words = words[: ends[-1] + 1] if ends else words
    return " ".join(words) if len(words) >= MIN_WORDS else None


def _zipf(values: int, exponent: float, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    weights = np.cumsum(np.arange(1, values + 1) ** -exponent)
    return np.minimum(np.searchsorted(weights, rng.random(count) * weights[-1]), values - 1)


def _word(number: int) -> str:
    """A pronounceable word, short for small numbers."""
    consonants, vowels = "bdfgklmnprstvz", "aeiou"
    word = ""
    while True:
        number, syllable = divmod(number, len(consonants) * len(vowels))
        word += consonants[syllable // len(vowels)] + vowels[syllable % len(vowels)]
        if not number:
            return word
        number -= 1


def _sentences(words: list[str], rng: np.random.Generator) -> str:
    parts, start = [], 0
    while start < len(words):
        end = start + max(4, round(rng.normal(13, 3)))
        sentence = words[start:end]
        parts.append(" ".join([sentence[0].capitalize(), *sentence[1:]]) + ".")
        start = end
    return " ".join(parts)
