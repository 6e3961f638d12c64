"""What the benchmark of the detector measures with: attacks, folds, rates."""

import numpy as np
import pyarrow as pa
import pytest
from attacks import ATTACKS, LOOKALIKES, ZERO_WIDTH, dropped, homoglyphs, random_spaces, swapped, truncated, zero_width
from bench_detector import caught, limited, threshold, tied
from transfer import auroc, data_set_folds, generator_folds, transfer, within

from curate.detector.evaluate import count_tokens
from curate.detector.fit import FitSettings
from curate.detector.model import load_detector
from curate.detector.trees import BoostingSettings
from curate.detector.word_vectors import FastTextSettings

TEXT = " ".join(f"The {n}th parcel's cover, quietly opened, was received in Göttingen." for n in range(50))
LATIN = {glyph: letter for letter, glyphs in LOOKALIKES.items() for glyph in glyphs}


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_change_a_text_always_in_the_same_way(name):
    attack = ATTACKS[name]
    assert attack(TEXT) == attack(TEXT) != TEXT
    assert attack("") == ""


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_attacks_change_as_much_as_they_say(share):
    glyphs = homoglyphs(TEXT, share)
    assert "".join(LATIN.get(letter, letter) for letter in glyphs) == TEXT
    able = sum(letter in LOOKALIKES for letter in TEXT)
    assert sum(letter in LATIN for letter in glyphs) == pytest.approx(share * able, rel=0.15)

    hidden = zero_width(TEXT, share)
    assert hidden.translate(dict.fromkeys(map(ord, ZERO_WIDTH))) == TEXT
    assert len(hidden) - len(TEXT) == pytest.approx(share * sum(map(str.isalpha, TEXT)), rel=0.15)

    assert sorted(swapped(TEXT, share).split()) == sorted(TEXT.split())
    assert len(dropped(TEXT, share).split()) == pytest.approx((1 - share) * len(TEXT.split()), rel=0.1)


def test_truncation_counts_what_curate_counts():
    short = [truncated(text, 100) for text in (TEXT, "一二三四五六七八九十" * 20)]
    assert count_tokens(pa.array(short)) == pytest.approx([100, 100], abs=12)
    assert all(text.startswith(part) for text, part in zip((TEXT, "一二三四五六七八九十" * 20), short, strict=True))
    assert truncated("too short", 100) == "too short"


@pytest.mark.slow
def test_layout_and_hidden_characters_cost_nothing(tiny_corpus):
    texts = tiny_corpus["text"].to_pylist()[:20]
    changed = [
        [*texts],
        [random_spaces(text) for text in texts],
        [zero_width(text, 0.5) for text in texts],
    ]
    detector = load_detector()
    clean, *others = (detector.score(pa.array(part), count_tokens(pa.array(part)), 0) for part in changed)
    assert len(np.unique(clean)) > 10
    for scores in others:
        np.testing.assert_array_equal(scores, clean)


def test_folds_train_on_nothing_that_is_held_out():
    datasets = ["a", "fastdetect-squad", "imbd-squad", "b"]
    rows = [
        {"id": f"{name}/{group}/{n}", "text": f"{name} {group} {n}", "dataset": name, "label": label, "generator": by}
        for name in datasets
        for group in range(60)
        for n, (label, by) in enumerate([("human", "human"), ("machine", "gpt-4"), ("machine", f"only-{name}")])
    ]
    documents = pa.Table.from_pylist(rows)
    names, by = documents["dataset"].to_numpy(), documents["generator"].to_numpy()
    family = np.array([row["id"].rsplit("/", 1)[0] for row in rows])

    found = list(data_set_folds(documents))
    assert [fold.name for fold in found] == ["a", "b", "squad"]
    assert set(names[found[2].test]) == {"fastdetect-squad", "imbd-squad"}
    assert all((fold.train ^ fold.test).all() for fold in found)

    folds = {fold.name: fold for fold in generator_folds(documents)}
    assert set(folds) == {"claude-3 and gpt-4", *(f"only-{name}" for name in datasets)}
    for name, members, units in (("only-a", ["only-a"], {"a"}), ("claude-3 and gpt-4", ["gpt-4"], set(datasets))):
        fold = folds[name]
        assert not np.isin(by[fold.train], members).any()
        assert not set(family[fold.train]) & set(family[fold.test])
        assert set(by[fold.test]) == {"human", *members}
        assert set(names[fold.test]) == units
        assert 0.2 < np.mean(fold.test[np.isin(by, members) & np.isin(names, list(units))]) < 0.45


def test_transfer_trains_and_judges(tiny_corpus):
    documents = tiny_corpus.append_column("dataset", pa.array([f"set-{n % 20 // 10}" for n in range(200)]))
    small = FitSettings(
        boosting=BoostingSettings(trees=50), fasttext=FastTextSettings(buckets=1 << 11, least_count=1, epochs=5)
    )
    outcome = transfer(documents, next(data_set_folds(documents)), load_detector().numbers, small)
    assert (outcome.name, outcome.human, outcome.machine) == ("set-0", 50, 50)
    assert list(outcome.aurocs) == ["stack", "trees", "regression", "vectors"]
    assert outcome.aurocs["stack"] > 0.9, outcome.aurocs


def test_rates():
    rng = np.random.default_rng(0)
    scores, machine = np.round(rng.normal(size=300), 1), rng.random(300) < 0.4
    human, found = scores[~machine], scores[machine]
    pairs = (found[:, None] > human) + 0.5 * (found[:, None] == human)
    assert auroc(scores, machine) == pytest.approx(pairs.mean())
    assert within(scores, machine, np.where(machine, "a", "a")) == pytest.approx(pairs.mean())
    assert within(np.r_[0, 1, 10, 9], np.array([False, True] * 2), np.array([*"aabb"])) == 0.5

    limit = threshold(human, 0.05)
    assert caught(human, limit) <= 0.05
    assert caught(human, np.nextafter(limit, -np.inf)) > 0.05
    assert tied(np.array([1, 2, 2, 3])) == 0.5


def test_limited_texts():
    texts = pa.array(["é" * 5, "a" * 10, "b"])
    assert [len(limited(texts, size)) for size in (1, 19, 20, 21, 99)] == [1, 1, 2, 3, 3]
