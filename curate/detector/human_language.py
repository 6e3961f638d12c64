"""Tables of words that are learnt from texts by people: which pairs of words people use, and what to count.

`human_bigrams` is a bigram model with absolute discounting (Ney et al., 1994), of seen pairs only. A document that
it was learnt from would look all too human to it, so training learns it several times, each time without the
documents that it is then applied to.
"""

import numpy as np
from numpy.typing import NDArray

from curate.detector.statistics import LEAST_WITH_ENDING, RANK_STEPS, UNRANKED, TokenFacts, pair_slots, slots
from curate.detector.stream import MARK, WORD, TokenStream

_PAIRS = 1 << 20
_WORDS = 1 << 18
_COLUMNS = 1 << 17
_DISCOUNT = 0.4

Bools = NDArray[np.bool_]


def human_bigrams(stream: TokenStream, human: Bools) -> NDArray[np.uint8]:
    """`Tables.bigrams` from some of the texts.

    Args:
        stream: tokens of n texts.
        human: bool[n], the texts to learn from.
    """
    texts = _texts(stream)
    words = np.flatnonzero((stream.kinds != MARK) & human[texts])
    text = texts[words]
    inside = text[1:] == text[:-1]
    first, second = stream.hashes[words[:-1][inside]], stream.hashes[words[1:][inside]]
    pairs, befores = pair_slots(first, second, _PAIRS), slots(first, _WORDS)
    counts, before_counts = np.bincount(pairs, minlength=_PAIRS), np.bincount(befores, minlength=_WORDS)
    total = np.ones(_PAIRS)
    total[pairs] = before_counts[befores]
    table = np.full(_PAIRS, UNRANKED, np.uint8)
    seen = counts > 0
    surprise = -np.log((counts[seen] - _DISCOUNT) / total[seen])
    table[seen] = np.clip(np.round(RANK_STEPS * surprise), 0, UNRANKED - 1)
    return table


def frequent_tokens(stream: TokenStream, sources: NDArray[np.int64], count: int) -> NDArray[np.int16]:
    """`Tables.tokens`: a column for each of the tokens in the largest share of texts, averaged over sources.

    Args:
        stream: tokens of n texts.
        sources: int64[n], the data set of each text, from 0.
        count: of columns.
    """
    return _frequent(stream.hashes, _texts(stream), sources, count)


def frequent_endings(
    stream: TokenStream, facts: TokenFacts, sources: NDArray[np.int64], count: int
) -> NDArray[np.int16]:
    """`Tables.endings`: the same of the endings of words."""
    long = (stream.kinds == WORD) & (facts.lengths[facts.number] >= LEAST_WITH_ENDING)
    return _frequent(facts.endings[facts.number[long]], _texts(stream)[long], sources, count)


def _frequent(
    hashes: NDArray[np.uint32], texts: NDArray[np.int64], sources: NDArray[np.int64], count: int
) -> NDArray[np.int16]:
    shares = np.zeros(_COLUMNS)
    places = slots(hashes, _COLUMNS)
    for source in range(int(sources.max(initial=-1)) + 1):
        inside = sources[texts] == source
        found = np.unique(texts[inside] * _COLUMNS + places[inside]) % _COLUMNS
        shares += np.bincount(found, minlength=_COLUMNS) / max(int((sources == source).sum()), 1)
    columns = np.full(_COLUMNS, -1, np.int16)
    chosen = np.argsort(-shares, kind="stable")[:count]
    chosen = chosen[shares[chosen] > 0]
    columns[chosen] = np.arange(len(chosen))
    return columns


def _texts(stream: TokenStream) -> NDArray[np.int64]:
    """The text of each token."""
    return np.repeat(np.arange(len(stream.offsets) - 1), np.diff(stream.offsets))
