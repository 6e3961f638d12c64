import random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.hashing import mix
from curate.metrics.types import SampledTypes, Text, ngrams

CORPUS = st.lists(st.integers(0, 60), max_size=200)


def hashes(values):
    return mix(np.array(values, np.uint64))


def same(left, right):
    return (
        left.hashes.tolist() == right.hashes.tolist()
        and left.counts.tolist() == right.counts.tolist()
        and (left.total, left.threshold) == (right.total, right.threshold)
    )


@settings(max_examples=200, deadline=None)
@given(CORPUS, CORPUS, CORPUS, st.integers(1, 40))
def test_any_partition_gives_equal_counters(a, b, c, limit):
    one, two, three = (SampledTypes.of(hashes(part), limit) for part in (a, b, c))
    whole = SampledTypes.of(hashes(a + b + c), limit)
    assert same(one.merge(two).merge(three), whole)
    assert same(three.merge(one.merge(two)), whole)
    assert same(two.merge(three).merge(one), whole)
    assert same(whole.merge(SampledTypes.of(hashes([]), limit)), whole)


@given(CORPUS)
def test_without_too_many_types_it_counts_exactly(values):
    found = SampledTypes.of(hashes(values), 100)
    assert found.types == len(set(values)) and found.total == len(values)
    assert found.occurring(2) == sum(values.count(value) == 2 for value in set(values))


def test_what_is_kept_is_counted_exactly_and_what_is_estimated_is_close():
    """The standard error of a number of types is 1/√limit: 2 %."""
    draw = np.random.default_rng(3)
    values = hashes(draw.zipf(1.2, 400_000) % 1_000_000)
    exact, found = SampledTypes.of(values, 10**6), SampledTypes.of(values, 2_500)
    assert len(found.hashes) == 2_500 and found.share < 0.1
    counts = dict(zip(exact.hashes.tolist(), exact.counts.tolist(), strict=True))
    assert found.counts.tolist() == [counts[kept] for kept in found.hashes.tolist()]
    assert found.types == pytest.approx(exact.types, rel=0.06)
    assert found.occurring(1) == pytest.approx(exact.occurring(1), rel=0.1)


def test_equal_types_are_sampled_in_all_corpora():
    """Of two corpora of other sizes, the one with the lower threshold keeps a part of what the other one keeps."""
    left, right = SampledTypes.of(hashes(range(5_000)), 500), SampledTypes.of(hashes(range(1_000, 3_000)), 500)
    low = min(left.threshold, right.threshold)
    both = set(hashes(range(1_000, 3_000)).tolist())
    kept = {value for value in left.hashes.tolist() if value < low and value in both}
    assert kept == {value for value in right.hashes.tolist() if value < low}


def test_ngrams_stay_within_documents():
    text = Text.of(pa.array([[1, 2, 3], [4], [], [1, 2]], pa.large_list(pa.uint32())))
    found, owners = ngrams(text, 2)
    assert owners.tolist() == [0, 0, 3]
    assert found[0] == found[2] != found[1]
    assert [len(ngrams(text, n)[0]) for n in (1, 2, 3, 4)] == [6, 3, 1, 0]
    assert len(ngrams(Text.of(pa.array([], pa.large_list(pa.uint32()))), 3)[0]) == 0


def test_order_within_an_ngram_counts():
    text = Text.of(pa.array([[1, 2], [2, 1], [1, 2, 0], [0, 1, 2]], pa.large_list(pa.uint32())))
    pairs, _ = ngrams(text, 2)
    assert pairs[0] != pairs[1]
    assert len(set(ngrams(text, 3)[0].tolist())) == 2


def test_texts_are_tokenised_as_everywhere():
    text = Text.of_texts(pa.array(["One two", None, "two, ONE"]))
    assert text.documents.tolist() == [0, 0, 2, 2]
    assert text.codes[0] == text.codes[3] and text.codes[1] == text.codes[2]


def test_shuffled_parts_merge_to_the_same():
    draw = random.Random(1)
    values = [draw.randint(0, 3_000) for _ in range(9_000)]
    parts = [SampledTypes.of(hashes(values[start::7]), 300) for start in range(7)]
    whole = SampledTypes.of(hashes(values), 300)
    for _ in range(5):
        draw.shuffle(parts)
        merged = parts[0]
        for part in parts[1:]:
            merged = merged.merge(part)
        assert same(merged, whole)
