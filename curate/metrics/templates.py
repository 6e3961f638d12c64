"""Templates: documents that share a run of words with many others."""

import math

import numpy as np
from numpy.typing import NDArray

from curate.hashing import UInt64Array
from curate.metrics.types import Text, ngrams

RUN = 4
SHARED = 3
"""Documents that a run of four words makes a template of, among the hundred or so of a part."""


def distinct_pairs(hashes: UInt64Array, owners: NDArray[np.int64]) -> tuple[UInt64Array, NDArray[np.int64]]:
    """The distinct n-grams of each document, ascending by hash, then document."""
    order = np.lexsort((owners, hashes))
    hashes, owners = hashes[order], owners[order]
    first = np.ones(len(hashes), dtype=bool)
    first[1:] = (hashes[1:] != hashes[:-1]) | (owners[1:] != owners[:-1])
    return hashes[first], owners[first]


def template_share(text: Text) -> float:
    """Share of the documents that contain a 4-gram which `SHARED` documents or more contain; NaN without documents.

    It grows with the number of documents, so compare equal ones. After `self_repetition_score` of Salkar et al. (2022).
    """
    everyone = len(np.unique(text.documents))
    hashes, owners = distinct_pairs(*ngrams(text, RUN))
    starts = np.flatnonzero(np.concatenate([[True], hashes[1:] != hashes[:-1]]))
    sizes = np.diff(starts, append=len(hashes))
    return len(np.unique(owners[np.repeat(sizes >= SHARED, sizes)])) / everyone if everyone else math.nan
