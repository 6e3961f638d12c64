"""How words are written once they are folded: all spellings with the same hash the same way, many words at a time."""

import unicodedata
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from curate.text import reference, unicode_tables


def folded_words(words: Sequence[str]) -> list[str]:
    """Each word as `reference.tokens` folds it, composed (NFC).

    Characters are folded by table all at once; words whose folding takes more (Hangul, marks to be put in order,
    characters that are no part of a token) are left to the reference.
    """
    unicode = unicode_tables.load()
    codes = np.frombuffer("".join(words).encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.int64)
    owners = np.repeat(np.arange(len(words)), [len(word) for word in words])

    def entries(codes: np.ndarray) -> np.ndarray:
        return unicode.pages[codes >> 8].astype(np.int64) << 8 | codes & 255

    kinds, folds = unicode.kinds[entries(codes)], unicode.folds[entries(codes)].astype(np.int64)
    way = kinds >> 3 & 3
    expands = way == unicode_tables.EXPAND
    hard = (way == unicode_tables.HANGUL) | (~expands & (kinds & 7 == unicode_tables.IGNORABLE))

    lengths = np.where(expands, folds & 31, 1)
    starts = np.cumsum(lengths) - lengths
    place = np.arange(lengths.sum()) - np.repeat(starts, lengths)
    runs = np.repeat(np.where(expands, folds >> 5, 0), lengths) + place
    folded = np.where(
        np.repeat(expands, lengths),
        unicode.expansions[np.where(np.repeat(expands, lengths), runs, 0)],
        np.repeat(codes + np.where(expands | hard, 0, folds), lengths),
    )
    own = np.repeat(owners, lengths)

    kinds = unicode.kinds[entries(folded)]
    mark = kinds & 7 == unicode_tables.MARK
    combining = kinds >> 5 > 0
    same = np.append(False, own[1:] == own[:-1])[: len(own)]
    plain = (kinds & 7 == unicode_tables.WORD) | (kinds & 7 == unicode_tables.UNSEGMENTED) | (mark & same)
    unordered = np.append(False, combining[1:] & combining[:-1])[: len(own)] & same
    by_reference = np.zeros(len(words), dtype=bool)
    by_reference[owners[hard]] = True
    by_reference[own[~plain | unordered]] = True

    text = folded.astype(np.uint32).tobytes().decode("utf-32-le", "surrogatepass")
    ends = np.searchsorted(own, np.arange(len(words) + 1))
    return [
        unicodedata.normalize("NFC", "".join(reference.tokens(word)) if slow else text[start:stop])
        for word, slow, (start, stop) in zip(words, by_reference.tolist(), pairwise(ends.tolist()), strict=True)
    ]
