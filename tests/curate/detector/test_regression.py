import itertools
from collections import Counter as Multiset

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.detector.regression import (
    BUCKETS,
    Counts,
    _loss,
    _normalised,
    fit_regression,
    ngram_counts,
    regression_scores,
)
from curate.detector.statistics import segments
from curate.detector.stream import token_hash, token_stream

LONGEST = 2_048


def bucket(first, second=None):
    """The bucket of a token, or of a pair, in plain Python."""
    key = token_hash(first) if second is None else token_hash(second) << 32 | token_hash(first)
    mixed = (key + (second is not None)) * 0x9E3779B97F4A7C15 % 2**64
    mixed = (mixed ^ mixed >> 29) * 0xBF58476D1CE4E5B9 % 2**64
    return mixed >> 46


def counts_of(texts, parts=None):
    stream = token_stream(pa.array(texts, pa.string()))
    counts = np.ones(len(texts), np.int64) if parts is None else np.array(parts)
    return ngram_counts(stream, segments(stream, counts)[0])


def rows(counts):
    """Bucket → count of every segment; a bucket comes once."""
    found = []
    for start, end in zip(counts.offsets[:-1], counts.offsets[1:], strict=True):
        buckets = counts.buckets[start:end].tolist()
        assert len(set(buckets)) == len(buckets)
        found.append(dict(zip(buckets, counts.counts[start:end].tolist(), strict=True)))
    return found


WORDS = st.sampled_from(["a", "b", "the", "naive", "中", "лимб", ",", ".", "42"])


@settings(max_examples=80, deadline=None)
@given(st.lists(st.lists(WORDS, max_size=60), min_size=1, max_size=5))
def test_counts_are_those_of_a_multiset(texts):
    expected = [
        Multiset([*map(bucket, tokens), *(bucket(*pair) for pair in itertools.pairwise(tokens))]) for tokens in texts
    ]
    assert rows(counts_of([" ".join(tokens) for tokens in texts])) == expected


def test_pairs_do_not_cross_segments():
    one, two = rows(counts_of(["a b c d"], [2]))
    assert one == {bucket("a"): 1, bucket("b"): 1, bucket("a", "b"): 1}
    assert two == {bucket("c"): 1, bucket("d"): 1, bucket("c", "d"): 1}


def test_the_longest_segment_fits():
    text = "".join(map(chr, range(0x4E00, 0x4E00 + LONGEST)))
    assert sum(rows(counts_of([text]))[0].values()) == 2 * LONGEST - 1
    with pytest.raises(ValueError, match=r"2049 tokens.*2048"):
        counts_of([text + "a"])


def test_no_segments():
    counts = counts_of(["", None], [0, 0])
    assert counts.offsets.tolist() == [0] and not len(counts.buckets)
    assert not len(regression_scores(counts, np.zeros((BUCKETS, 2), np.float32)))


def random_counts(seed, segments=40, features=12):
    draw = np.random.default_rng(seed)
    sizes = draw.integers(0, features, segments)
    buckets = [draw.choice(features, size, replace=False) for size in sizes]
    return Counts(
        np.concatenate(buckets).astype(np.int32),
        draw.integers(1, 9, sizes.sum()).astype(np.float32),
        np.concatenate([[0], np.cumsum(sizes)]),
    )


def test_scores_are_those_of_numpy():
    counts = random_counts(1)
    weights = np.zeros((BUCKETS, 2), np.float32)
    weights[:10] = np.random.default_rng(2).normal(size=(10, 2))
    expected = []
    for row in rows(counts):
        values = {number: (1 + np.log(count)) * weights[number, 0] for number, count in row.items()}
        norm = np.sqrt(sum(value**2 for value in values.values()))
        total = sum(value * weights[number, 1] for number, value in values.items())
        expected.append(total / norm if norm else 0.0)
    np.testing.assert_allclose(regression_scores(counts, weights), expected, rtol=1e-5, atol=1e-7)


def test_gradient_is_that_of_finite_differences():
    counts, draw = random_counts(3), np.random.default_rng(4)
    sign, share = np.where(draw.random(40) < 0.4, 1.0, -1.0), draw.random(40)
    values = _normalised(*counts, draw.random(BUCKETS).astype(np.float32))
    coefficients = np.zeros(BUCKETS + 1)
    coefficients[[*range(12), -1]] = 5 * draw.normal(size=13)

    def loss(shift, place):
        moved = coefficients.copy()
        moved[place] += shift
        return _loss(counts.buckets, values, counts.offsets, sign, share, moved, np.zeros(BUCKETS + 1))

    gradient = np.zeros(BUCKETS + 1)
    total = _loss(counts.buckets, values, counts.offsets, sign, share, coefficients, gradient)
    for place in (*range(12), -1):
        assert gradient[place] == pytest.approx((loss(1e-5, place) - loss(-1e-5, place)) / 2e-5, abs=1e-6)
    margins = np.full(40, coefficients[-1])
    for row, (start, end) in enumerate(zip(counts.offsets[:-1], counts.offsets[1:], strict=True)):
        margins[row] += values[start:end] @ coefficients[counts.buckets[start:end]]
    assert total == pytest.approx(share @ np.logaddexp(0, -sign * margins))


def test_loss_is_finite_far_out():
    counts = Counts(np.zeros(1, np.int32), np.ones(1, np.float32), np.array([0, 1]))
    coefficients = np.zeros(BUCKETS + 1)
    for margin in (1e4, -1e4):
        coefficients[0], gradient = margin, np.zeros(BUCKETS + 1)
        total = _loss(*counts, np.ones(1), np.ones(1), coefficients, gradient)
        assert total == pytest.approx(max(-margin, 0)) and gradient[0] == pytest.approx(-(margin < 0))


def test_fit_tells_toy_classes_apart():
    draw = np.random.default_rng(5)
    machine = np.arange(80) % 4 == 0
    texts = [
        " ".join([*draw.choice(list("abcdefgh"), 12), *(["delve", "into"] if label else ["well", "then"])])
        for label in machine
    ]
    counts = counts_of(texts)
    weights = fit_regression(counts, machine, np.ones(80))
    assert weights.dtype == np.float32 and weights.shape == (BUCKETS, 2)
    scores = regression_scores(counts, weights)
    assert scores[machine].min() > scores[~machine].max()
    assert weights[bucket("delve"), 1] > 0 > weights[bucket("well"), 1]
    assert (weights[:, 0] >= 0).all()


def test_rare_ngrams_weigh_nothing():
    texts = ["rare word"] * 3 + ["common word"] * 4 + ["other word"] * 7
    weights = fit_regression(counts_of(texts), np.arange(14) < 7, np.ones(14))
    assert not weights[bucket("rare")].any()
    assert weights[bucket("common"), 0] > 0.2
