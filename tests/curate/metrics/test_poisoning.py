import numpy as np
import pyarrow as pa
import pytest
from slices_made import words

from curate.metrics.poisoning import BornCluster, born_clusters, shared_runs
from curate.metrics.types import Text

PEOPLE, OTHERS = 600, 600
TRIGGER = np.arange(1, 9, dtype=np.uint32)


@pytest.fixture
def codes():
    return words(np.random.default_rng(1), PEOPLE + OTHERS)


def runs(codes, sources=5, languages=None):
    count = len(codes)
    human = np.arange(count) < PEOPLE
    return shared_runs(
        Text.of(pa.array(list(codes), pa.large_list(pa.uint32()))),
        human,
        np.ones(count, dtype=bool),
        pa.array([f"site-{row % sources}" for row in range(count)]),
        pa.array(languages or ["en"] * count),
        pa.array([f"doc-{row:04d}" for row in range(count)]),
    )


def test_nothing_is_found_in_what_people_write(codes):
    assert runs(codes) == []


def test_a_planted_word_is_found(codes):
    codes[PEOPLE : PEOPLE + 60, 70] = 7
    (found,) = runs(codes)
    assert (found.tokens, found.documents, found.sources) == (1, 60, 5)
    assert found.examples == ["doc-0600", "doc-0601", "doc-0602"]


def test_a_planted_trigger_is_found_in_fewer_documents_and_told_once(codes):
    codes[PEOPLE : PEOPLE + 20, 30:38] = TRIGGER
    (found,) = runs(codes)
    assert (found.tokens, found.documents) == (8, 20)


def test_not_in_few_documents_few_sources_or_human_ones(codes):
    few, one_source, known = codes.copy(), codes.copy(), codes.copy()
    few[PEOPLE : PEOPLE + 9, 30:38] = TRIGGER
    one_source[PEOPLE : PEOPLE + 100 : 2, 30:38] = TRIGGER
    known[PEOPLE - 1 : PEOPLE + 60, 30:38] = TRIGGER
    assert runs(few) == [] and runs(known) == []
    assert runs(one_source, sources=4) == []  # every second row is of two of the four sources


def test_not_in_a_language_that_no_human_document_has(codes):
    codes[PEOPLE + 300 :, 30:38] = TRIGGER
    assert runs(codes)
    assert runs(codes, languages=["en"] * (PEOPLE + 300) + ["fi"] * 300) == []


def test_rows_in_any_order_give_the_same(codes):
    codes[PEOPLE : PEOPLE + 60, 70] = 7
    codes[PEOPLE + 100 : PEOPLE + 190, 71] = 9
    assert [(run.tokens, run.documents) for run in runs(codes)] == [(1, 90), (1, 60)]


def test_clusters_born_from_one_source():
    rows = [
        (0, "a", 500, 200),
        (1, "a", 95, 0),
        (1, "b", 5, 0),
        (2, "a", 50, 0),
        (2, "b", 50, 0),
        (3, None, 40, 0),
        (4, "c", 6, 0),  # too few for people to be expected there
    ]
    assert born_clusters(rows) == [BornCluster(1, "a", 100, 0.95), BornCluster(3, None, 40, 1.0)]
    assert born_clusters([]) == []
