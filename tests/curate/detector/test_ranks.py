import sys
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from curate.detector import ranks
from curate.detector.statistics import RANK_STEPS, UNRANKED, slots
from curate.detector.stream import token_stream


def entry(table, word):
    return int(table[slots(token_stream(pa.array([word])).hashes, len(table))[0]])


def test_shipped_table():
    table = ranks.load()
    assert table.shape == (1 << 19,) and table.dtype == np.uint8
    assert 0.3 < np.mean(table == UNRANKED) < 0.9
    ordered = [entry(table, word) for word in ("the", "people", "tapestry")]
    assert ordered == sorted(ordered) and ordered[0] == round(RANK_STEPS * np.log(2)) and ordered[-1] > 138
    for word in ("de", "und", "и", "的", "है", "그"):
        assert entry(table, word) < 92  # among the hundred most frequent
    with pytest.raises(ValueError, match="read-only"):
        table[0] = 0


def test_build(monkeypatch):
    lists = {
        "en": {"the": 0.5, "naïve": 0.2, "aa": 0.1, "ab": 0.1, "don't": 0.05, "3.5": 0.04},
        "fr": {"naïve": 0.9},
        "zh": {"中文": 0.5, "中": 0.2, "字": 0.1},
    }
    fake = SimpleNamespace(
        available_languages=lambda size: lists, get_frequency_dict=lambda language, size: lists[language]
    )
    monkeypatch.setitem(sys.modules, "wordfreq", fake)
    table = ranks.build()
    rank = {"the": 1, "naive": 1, "aa": 3, "ab": 4, "don't": 5, "中": 5, "文": 10, "字": 15}
    expected = {word: round(RANK_STEPS * np.log1p(number)) for word, number in rank.items()}
    assert {word: entry(table, word) for word in rank} == expected
    assert np.count_nonzero(table != UNRANKED) == len(rank)  # what is several tokens is left out
