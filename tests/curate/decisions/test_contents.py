import numpy as np
import pyarrow as pa
import pytest

from curate.config import Config
from curate.decisions.contents import content_graph, unresolved_pairs

PAIR = (0.9, 0.9, 0.9)


@pytest.mark.parametrize(
    ("texts", "pairs", "expected"),
    [
        ("ab", [("a", "b")], 0),
        ("a", [("a", "b")], 1),
        ("b", [("a", "b")], 1),  # whichever end is the left one
        ("", [("a", "b")], 1),
        ("abc", [("a", "b"), ("b", "c"), ("c", "d"), ("a", "d")], 2),
        ("aab", [("a", "b")], 0),
        ("", [], 0),
    ],
)
def test_pairs_with_an_end_elsewhere_are_unresolved(world, texts, pairs, expected):
    rows = [{"id": str(number), "text": text} for number, text in enumerate(texts)]
    documents, table = world.document_table(rows, Config()), world.pair_table([(*pair, *PAIR) for pair in pairs])
    assert unresolved_pairs(documents, table) == expected
    graph = content_graph(documents, table, np.ones(len(rows), dtype=bool))
    assert len(graph.left) == len(pairs) - expected


def test_pairs_of_documents_that_take_no_part_are_resolved(world):
    documents = world.document_table([{"id": "1", "text": "a"}, {"id": "2", "text": "b", "rights": "deny"}], Config())
    pairs = world.pair_table([("a", "b", *PAIR)])
    assert len(content_graph(documents, pairs, np.array([True, False])).left) == 0
    assert unresolved_pairs(documents, pairs) == 0
    assert unresolved_pairs(documents.filter(pa.array([True, False])), pairs) == 1
