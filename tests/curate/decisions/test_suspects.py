import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.decisions.suspects import BINS, beyond_errors, score_cells

CLEAR, SUSPECT = BINS // 2 - 8, BINS // 2 + 8  # bins of -1 and of 1 nats


def cells(suspects, total, cluster=1):
    return {cluster * BINS + SUSPECT: suspects, cluster * BINS + CLEAR: total - suspects}


@pytest.mark.parametrize(
    ("texts", "people", "beyond"),
    [
        ((80, 100), (0, 6), True),
        ((80, 100), (3, 6), False),  # its people are suspected as often
        ((30, 100), (0, 6), False),  # of six people one does not know
        ((30, 100), (4, 100), True),
        ((5, 100), (5, 100), False),
        ((9, 10), (0, 0), True),
        ((0, 0), (0, 0), False),
    ],
)
def test_suspects_beyond_what_the_errors_on_people_explain(texts, people, beyond):
    clusters = np.array([0, 1], dtype=np.int32)
    found = beyond_errors(cells(*texts), cells(*people), clusters, -0.1, 0.05)
    assert found.tolist() == [False, beyond]


def test_without_a_threshold_no_text_is_suspected():
    assert not beyond_errors(cells(100, 100), {}, np.array([1], np.int32), float("nan"), 0.05).any()


@given(st.lists(st.tuples(st.integers(0, 2), st.floats(-20, 20, width=32), st.integers(0, 99)), max_size=30))
def test_cells_count_distinct_texts_and_add_up(rows):
    scores = {content: score for _, score, content in rows}
    table = pa.table(
        {
            "cluster": pa.array([cluster for cluster, _, _ in rows], pa.int32()),
            "detector_score": pa.array([scores[content] for _, _, content in rows], pa.float32()),
            "content": pa.array([content for _, _, content in rows], pa.uint64()),
        }
    )
    found = score_cells(table)
    assert sum(found.values()) == len({(cluster, content) for cluster, _, content in rows})
    assert found == score_cells(pa.concat_tables([table, table]))


def test_texts_without_score_or_cluster_are_left_out():
    table = pa.table(
        {
            "cluster": pa.array([1, None, 1, 0], pa.int32()),
            "detector_score": pa.array([None, 1.0, 0.3, -99.0], pa.float32()),
            "content": pa.array([1, 2, 3, 4], pa.uint64()),
        }
    )
    assert dict(score_cells(table)) == {BINS + 130: 1, 0: 1}
