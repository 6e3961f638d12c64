"""Views of the training texts for fastText, so that it leans on no length, order or layout.

Of every text: the whole, random halves of its sentences in random order, its consecutive pieces of about eighty
tokens, and a copy in which a tenth of the tokens have changed places with their neighbours. Case, accents, white space
and look-alike letters need no views, since the token stream has none.
"""

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from curate.detector.stream import TokenStream
from curate.hashing import UInt64Array, mix, stage_seed, uniform

HALVES = 3
PIECE = 80
SWAPPED = 0.1


def training_views(
    stream: TokenStream, ends: NDArray[np.bool_], keys: UInt64Array, seed: int
) -> tuple[list[str], NDArray[np.int64]]:
    """All views of all texts, in hashed order.

    Args:
        stream: tokens of n texts.
        ends: bool[m], tokens that end a sentence.
        keys: uint64[n], hashes of the texts; the views of a text depend on its hash and the seed alone.
        seed: of the choices and of the order.

    Returns:
        The tokens of each view joined by spaces, and the text it is of, int64.
    """
    views, texts, order = [], [], []
    for text, key in enumerate(keys):
        first, last = stream.offsets[text], stream.offsets[text + 1]
        tokens = _tokens(stream, int(first), int(last))
        cuts = [0, *(np.flatnonzero(ends[first:last]) + 1).tolist(), len(tokens)]
        own_seed = stage_seed(seed, "views") ^ int(key)
        for number, view in enumerate(_views(tokens, cuts, own_seed)):
            views.append(" ".join(view))
            texts.append(text)
            order.append((own_seed + number) % 2**64)
    ranks = np.argsort(mix(np.array(order, dtype=np.uint64), stage_seed(seed, "order")), kind="stable")
    return [views[rank] for rank in ranks], np.array(texts, dtype=np.int64)[ranks]


def _tokens(stream: TokenStream, first: int, last: int) -> list[str]:
    places = stream.places[first : last + 1]
    letters = stream.characters[places[0] : places[-1]].astype("<u4").tobytes().decode("utf-32-le", "replace")
    bounds = (places - places[0]).tolist()
    return [letters[start:end].rstrip(" ") for start, end in itertools.pairwise(bounds)]


def _views(tokens: list[str], cuts: list[int], seed: int) -> Iterator[list[str]]:
    yield tokens
    sentences = [tokens[start:end] for start, end in itertools.pairwise(cuts) if end > start]
    for half in range(HALVES):
        order = np.argsort(mix(np.arange(len(sentences), dtype=np.uint64), seed + half), kind="stable")
        yield [token for number in order[: max(1, len(order) // 2)] for token in sentences[number]]
    size = -(-len(tokens) // max(1, round(len(tokens) / PIECE)))
    for start in range(0, len(tokens), max(size, 1)):
        yield tokens[start : start + size]
    swapped = list(tokens)
    draws = uniform(np.arange(max(len(tokens) - 1, 0), dtype=np.uint64), seed)
    for place in np.flatnonzero(draws < SWAPPED).tolist():
        swapped[place], swapped[place + 1] = swapped[place + 1], swapped[place]
    yield swapped
