"""Limits by language: whom they let through, and that nothing depends on the order."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.hashing import mix
from curate.quality.calibration import QualityLimits, QualitySample, level_column, levels_of
from curate.quality.catalogue import NAMES, SIGNALS
from curate.quality.signals import UNDEFINED

MOJIBAKE, LENGTH, SURPRISE = NAMES.index("mojibake"), NAMES.index("word_length"), NAMES.index("surprise")


def people(count, seed, center=60):
    """Levels of documents by people: every signal scatters in its own way."""
    draw = np.random.default_rng(seed)
    levels = np.clip(center + draw.normal(0, 8, (count, len(SIGNALS))), 0, 254).astype(np.uint8)
    levels[:, MOJIBAKE] = 0
    levels[draw.random((count, len(SIGNALS))) < 0.02] = UNDEFINED
    levels[:, LENGTH] = np.maximum(levels[:, LENGTH], 1) % UNDEFINED
    return levels


def collected(language, levels, seed=0):
    keys = mix(np.arange(len(levels), dtype=np.uint64), seed + sum(map(ord, language)))
    names = pa.chunked_array([pa.array([language] * len(levels), pa.string())])
    return QualitySample.collect(names, pa.chunked_array([level_column(levels, np.ones(len(levels), bool))]), keys)


@pytest.fixture(scope="module")
def limits():
    sample = collected("en", people(2_000, 1)).merge(collected("de", people(600, 2, 90)))
    return sample.merge(collected("fi", people(30, 3))).calibrate(0.02, 200, 7)


def judged(limits, language, levels):
    return limits.judge(pa.array([language] * len(levels), pa.string()), levels)


@pytest.mark.parametrize(("language", "center"), [("en", 60), ("de", 90), ("fi", 60), ("is", 60)])
def test_new_documents_by_people_pass(limits, language, center):
    found = judged(limits, language, people(2_000, 11, center))
    assert 1 - found.passed.mean() <= 0.035
    assert found.quality[found.passed].min() >= 0.01 - 1e-9


def test_what_is_far_from_people_fails(limits):
    junk = people(200, 5)
    junk[:, MOJIBAKE] = 100
    for language in ("en", "fi", "is"):
        found = judged(limits, language, junk)
        assert not found.passed.any()
        assert found.broken[:, MOJIBAKE].all() and (found.quality < 0.02).all()
    assert any(reason.startswith("mojibake 0.155 > 0") for reason in limits.explain(pa.array(["en"]), junk[:1])[0])
    assert limits.explain(pa.array(["en"]), np.full((1, len(SIGNALS)), UNDEFINED, np.uint8)) == [[]]


def test_junk_in_the_reference_does_not_make_a_wrong_encoding_usual():
    levels = people(1_000, 1)
    levels[:100, MOJIBAKE] = 100
    found = judged(collected("en", levels).calibrate(0.02, 200, 7), "en", levels)
    assert not found.passed[:100].any() and found.passed[100:].mean() > 0.95


def test_small_languages_are_not_judged_by_the_words_of_others(limits):
    foreign = people(50, 6)
    foreign[:, [SURPRISE, LENGTH]] = 250
    assert judged(limits, "is", foreign).passed.mean() > 0.9
    assert not judged(limits, "en", foreign).passed.any()


def test_without_people_everything_passes():
    found = judged(QualitySample().calibrate(0.02, 200, 7), "en", people(5, 1))
    assert found.passed.all() and not found.broken.any() and np.isnan(found.quality).all()


def test_limits_survive_as_plain_data(limits):
    again = QualityLimits.from_dict(limits.to_dict())
    documents = people(300, 8)
    for before, after in zip(judged(limits, "en", documents), judged(again, "en", documents), strict=True):
        assert np.array_equal(before, after, equal_nan=True)
    assert again.to_dict() == limits.to_dict()


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(40)), st.lists(st.integers(0, 40), max_size=4))
def test_the_order_and_the_parts_do_not_matter(order, cuts):
    levels = people(40, 9)
    keys = mix(np.arange(40, dtype=np.uint64))
    names = np.array(["en", "zh"])[np.arange(40) % 2]
    levels[names == "zh", LENGTH] = UNDEFINED

    def sample(rows):
        column = level_column(levels[rows], rows % 7 != 0)
        return QualitySample.collect(
            pa.chunked_array([pa.array(names[rows], pa.string())]), pa.chunked_array([column]), keys[rows]
        )

    whole = sample(np.arange(40))
    parts = [sample(rows) for rows in np.split(np.array(order), sorted(cuts))]
    merged = QualitySample()
    for part in parts:
        merged = merged.merge(part).merge(part)
    assert merged.table.equals(whole.table)
    assert len(whole.table) == sum(i % 7 != 0 for i in range(40))


def test_levels_survive_as_a_column():
    levels = people(5, 3)
    column = level_column(levels, np.array([True, False, True, True, True]))
    assert column.null_count == 1
    back = levels_of(pa.chunked_array([column[:2], column[2:]]))
    assert np.array_equal(back[[0, 2, 3, 4]], levels[[0, 2, 3, 4]])
    assert (back[1] == UNDEFINED).all()
    assert levels_of(column[:0]).shape == (0, len(SIGNALS))
