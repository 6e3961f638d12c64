import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.mixture import overlap
from curate.mixture.overlap import TextSample, Totals, without_known

KEYS = st.sets(st.integers(0, 60), max_size=40)


def documents(keys, clusters=3):
    """Texts by number: a text is in one cluster and has one length, wherever it is found."""
    keys = np.array(sorted(keys), dtype=np.uint64)
    columns = {
        "cluster": (keys % clusters).astype(np.int32),
        "content": keys,
        "tokens": (7 * keys % 50).astype(np.int32),
    }
    return pa.table(columns)


@given(KEYS, KEYS)
@settings(deadline=None)
def test_of_few_texts_each_counts_once(own, known):
    mine, theirs = documents(own), documents(known)
    rest = without_known(Totals.of(mine), TextSample.collect(mine), TextSample.collect(theirs))
    assert rest.merge(Totals.of(theirs)) == Totals.of(documents(own | known))


@given(KEYS, KEYS, KEYS, st.integers(1, 9))
@settings(deadline=None)
def test_samples_merge_in_any_order(a, b, c, most):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(overlap, "MOST", most)
        parts = [TextSample.collect(documents(keys)) for keys in (a, b, c)]
        whole = TextSample.collect(documents(a | b | c))
        assert parts[0].merge(parts[1]).merge(parts[2]).table.equals(whole.table)
        assert parts[2].merge(parts[1].merge(parts[0])).merge(whole).table.equals(whole.table)
    counts = np.unique(whole.table["cluster"].to_numpy(), return_counts=True)[1]
    assert counts.max(initial=0) <= most


@pytest.mark.parametrize(("own", "known"), [(60_000, 60_000), (60_000, 3_000), (3_000, 60_000)])
@pytest.mark.parametrize("shared", [0.0, 0.2, 1.0])
def test_of_many_texts_the_sum_of_both_is_close(own, known, shared):
    keys = np.random.default_rng(8).integers(0, 2**64, own + known, dtype=np.uint64)
    both = int(shared * min(own, known))
    mine, theirs = documents(set(keys[:own].tolist())), documents(set(keys[own - both : own + known - both].tolist()))
    rest = without_known(Totals.of(mine), TextSample.collect(mine), TextSample.collect(theirs))
    true = Totals.of(documents({*mine["content"].to_pylist(), *theirs["content"].to_pylist()}))
    for found, expected in zip(rest.merge(Totals.of(theirs)), true, strict=True):
        for cluster in range(3):
            assert found[cluster] == pytest.approx(expected[cluster], rel=0.04)


def test_a_text_that_is_in_another_cluster_now_counts_once():
    mine, theirs = documents({3, 6, 9}, clusters=3), documents({3, 9, 12}, clusters=2)
    rest = without_known(Totals.of(mine), TextSample.collect(mine), TextSample.collect(theirs))
    assert rest.documents == {0: 1} and rest.tokens == {0: 42}
    gone = without_known(Totals.of(mine), TextSample.collect(mine), TextSample.collect(mine))
    assert gone == Totals.none()


def test_totals_survive_json_and_documents_without_cluster_are_left_out():
    rows = documents({1, 2, 4, 10_000_000_019})
    rows = rows.set_column(0, "cluster", pa.array([1, None, 1, 2], pa.int32()))
    totals = Totals.of(rows)
    assert sum(totals.documents.values()) == 3 and len(TextSample.collect(rows).table) == 3
    assert Totals.from_dict(json.loads(json.dumps(totals.to_dict()))) == totals
