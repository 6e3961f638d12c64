"""What the batch job shuffles, as `bench_shuffle.py` counts it, against what the design allows."""

import pytest
from bench_shuffle import BOUNDED, FEATURES, SHINGLES, of_a_run, totals

from curate.demo.corpus import build_demo

DOCUMENTS = 1_500


@pytest.fixture(scope="module")
def shuffles(tmp_path_factory):
    demo = build_demo(tmp_path_factory.mktemp("corpus"), seed=3, documents=DOCUMENTS)
    return of_a_run(demo.input, partitions=2)[0]


@pytest.mark.slow
def test_features_are_less_than_a_kilobyte_a_document(shuffles):
    found = totals(shuffles)
    assert found.keys() == {FEATURES, SHINGLES, BOUNDED}
    assert 100 < found[FEATURES].bytes / DOCUMENTS < 1024


@pytest.mark.slow
def test_shingles_are_those_of_candidates_in_eight_bytes_each(shuffles):
    found = totals(shuffles)[SHINGLES]
    assert found.shingles > 0
    assert found.bytes < 8.5 * found.shingles
    assert [label for label, shuffle in shuffles.items() if shuffle.shingles] == [
        "FindPairs/GroupForVerification/CoGroupByKeyImpl/GroupByKey"
    ]
