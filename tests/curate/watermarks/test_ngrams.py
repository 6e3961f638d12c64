import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.watermarks.ngrams import first_in_document, ngrams
from curate.watermarks.tokens import Tokens


def tokens(*documents):
    return Tokens(
        np.array([token for document in documents for token in document], np.int64),
        np.cumsum([0, *map(len, documents)]),
    )


def test_ngrams_stay_within_their_text():
    found = ngrams(tokens([1, 2, 3], [], [4], [5, 6]), 2)
    listed = [found.tokens[start : start + 2].tolist() for start in found.starts]
    assert listed == [[1, 2], [2, 3], [5, 6]] and found.documents.tolist() == [0, 0, 3]
    assert ngrams(tokens([], [1]), 2).starts.tolist() == []


@pytest.mark.parametrize("kind", [np.int64, np.uint64])
@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 6))))
def test_keys_are_first_once_in_each_document(kind, documents):
    keys = np.array([key << 40 for document in documents for key in document], kind)
    rows = np.repeat(np.arange(len(documents)), [len(document) for document in documents])
    expected = [key not in document[:at] for document in documents for at, key in enumerate(document)]
    assert first_in_document(keys, rows).tolist() == expected


@pytest.mark.parametrize("factor", [1, 0x9E3779B97F4A7C15])
def test_keys_whose_upper_bits_are_alike_do_not_share_a_slot(factor):
    """Their own, or those of a product: whoever knows a linear rule chooses such. It would take 45 billion steps."""
    inverse = pow(factor, -1, 1 << 64)
    keys = np.array([number * inverse % (1 << 64) for number in range(300_000)], np.uint64)
    assert (keys * np.uint64(factor) >> np.uint64(44) == 0).all()
    assert first_in_document(keys, np.zeros(len(keys), np.int64)).all()
