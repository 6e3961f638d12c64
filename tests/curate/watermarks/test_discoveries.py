import numpy as np
import pyarrow as pa
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.schema import WATERMARKS
from curate.watermarks.discoveries import LEAST_HUMANS, SURE, Discoveries, Results, bh_threshold
from curate.watermarks.evidence import STRONGEST, watermark_evidence
from curate.watermarks.green_list import GreenList
from curate.watermarks.synthid import SynthID

TEST = "house/synthid/1/00ff"
Q = 0.01


def documents(p_values, contents=None, test=TEST):
    """Documents with one result each; None for none."""
    results = [None if p is None else [{"detector": test, "statistic": 0.5, "p_value": p, "n": 100}] for p in p_values]
    contents = range(len(results)) if contents is None else contents
    return pa.table({"watermarks": pa.array(results, WATERMARKS), "content": pa.array(contents, pa.uint64())})


def found_in(p_values, real=(), q=Q, **options):
    return Results.collect(documents(p_values, **options), documents(real), q).discoveries(q)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), max_size=60), st.floats(0.01, 0.5))
def test_discoveries_are_those_of_scipy(p_values, q):
    found, threshold = bh_threshold(np.array([p for p in p_values if p <= q]), len(p_values), q)
    adjusted = scipy.stats.false_discovery_control(p_values) if p_values else np.empty(0)
    exact = adjusted[np.abs(adjusted - q) > 1e-12]
    if len(exact) == len(adjusted):  # no p-value on the edge, where rounding decides
        assert found == (adjusted <= q).sum()
        assert sorted(p for p in p_values if p <= threshold)[:found] == sorted(p_values)[:found]


@pytest.mark.parametrize("watermarked", [0, 20, 400])
def test_the_share_of_false_discoveries_is_controlled(watermarked):
    rng = np.random.default_rng(watermarked)
    false, right = [], []
    for _ in range(200):
        null, marked = rng.random(2_000), scipy.stats.norm.sf(rng.normal(5, 1, watermarked))
        found, threshold = bh_threshold(np.concatenate([null, marked]), 2_000 + watermarked, 0.05)
        false.append((null <= threshold).sum() / max(found, 1) if found else 0.0)
        right.append((marked <= threshold).mean() if watermarked else 1.0)
    assert np.mean(false) <= 0.05 + 3 * np.std(false) / 200**0.5 + 1e-9
    assert np.mean(right) > 0.85


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(1e-12, 1), st.integers(0, 2)), min_size=1, max_size=40))
def test_parts_merge_to_the_whole(given):
    p_values, parts = zip(*given, strict=True)
    whole = found_in(p_values, real=p_values)
    merged = Results()
    for part in (2, 0, 1):
        own = [p if at == part else None for p, at in zip(p_values, parts, strict=True)]
        merged = merged.merge(Results.collect(documents(own), documents(own), Q))
    assert merged.discoveries(Q) == whole
    assert merged.merge(Results()).discoveries(Q) == whole


def test_copies_of_a_text_count_once_by_the_largest_p_value():
    found = found_in([1e-4, 2e-4, 1e-4, 0.5], contents=[1, 1, 1, 2])[TEST]
    assert found == Discoveries(tested=2, found=1, threshold=2e-4)


def test_tests_are_judged_apart():
    both = pa.concat_tables([documents([1e-12] * 5 + [0.9] * 5), documents([0.009] * 10, test="other/synthid/1/aa")])
    both = both.set_column(1, "content", pa.array(range(20), pa.uint64()))
    found = Results.collect(both, documents([]), Q).discoveries(Q)
    assert [(result.tested, result.found) for result in found.values()] == [(10, 5), (10, 10)]


def test_trusted_humans_correct_a_test_that_leans():
    """A key that frequent words happen to please: all results lean, those of human documents too."""
    rng = np.random.default_rng(4)
    leaning = scipy.stats.norm.sf(rng.normal(0.8, 1.4, 5_000))
    assert found_in(leaning)[TEST].found > 0
    found = found_in([*leaning, *[1e-30] * 50], real=leaning[:2_000])[TEST]
    assert (found.found, found.humans) == (50, 2_000)
    assert found.shift == pytest.approx(0.8, abs=0.1) and found.scale == pytest.approx(1.4, abs=0.1)
    few = found_in(leaning, real=leaning[: LEAST_HUMANS - 1])[TEST]
    assert (few.shift, few.scale) == (0, 1)


def test_humans_never_make_a_test_bolder():
    rng = np.random.default_rng(4)
    timid = scipy.stats.norm.sf(rng.normal(-0.5, 0.5, 1_000))
    found = found_in(timid, real=timid)[TEST]
    assert (found.shift, found.scale) == (0, 1)


def test_evidence_is_that_of_the_discoveries():
    lists = documents([1e-3, 1e-20, 0.2, None, 0.0])["watermarks"]
    evidence, watermarked = watermark_evidence(lists, {TEST: Discoveries(1_000, 30, 2e-3)})
    assert watermarked.tolist() == [True, True, False, False, True]
    items = [item and item[0] for item in evidence.to_pylist()]
    assert [item and (item["family"], item["kind"], item["claim"]) for item in items] == [
        ("watermark", "synthid", "synthetic") if chosen else None for chosen in watermarked
    ]
    assert items[0]["llr"] == pytest.approx(-0.5 * np.log(1e-3)) and items[1]["llr"] == items[4]["llr"] == STRONGEST
    assert items[0]["detail"] == "house: statistic 0.5, p = 10^-3, 100 distinct n-grams; found in 30 of 1,000 texts"


def test_thresholds_of_a_run_without_the_test_leave_what_is_beyond_chance():
    lists = documents([SURE, 2 * SURE])["watermarks"]
    assert watermark_evidence(lists, {})[1].tolist() == [True, False]
    assert watermark_evidence(lists, {TEST: Discoveries(10, 0, 0.0)})[1].tolist() == [True, False]


@pytest.mark.parametrize("kind", ["green-list", "unigram", "google", "transformers"])
def test_prose_of_people_is_not_taken_for_watermarked(prose, writer, kind):
    """Nor is what a model writes without a watermark."""
    texts = [*prose, *writer.write(300, 120, lambda numbers, candidates: np.zeros(len(candidates), np.int64), 1)]
    for key in range(5):
        if kind in ("google", "transformers"):
            detector = SynthID(writer.words, [key * 100 + depth for depth in range(30)], 4, kind, "weighted-mean")
        else:
            detector = GreenList(writer.words, key, gamma=0.25, context=0 if kind == "unigram" else 4)
        p_value = detector.score(pa.array(texts)).p_value
        given = documents([None if np.isnan(p) else p for p in p_value])
        found = Results.collect(given, given.slice(0, len(prose)), Q).discoveries(Q)[TEST]
        assert found.tested > 1_000 and found.found == 0
