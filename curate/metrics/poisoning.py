"""What may have been planted: runs of words that many documents share and no human one has, and clusters of one source.

Absolute numbers matter: about 250 documents can suffice whatever the size of the corpus (Souly et al. 2025, arXiv
2510.07192). These are lists for review, not verdicts: a new product has a new name too.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curate.hashing import UInt64Array
from curate.metrics.tail import contained
from curate.metrics.templates import distinct_pairs
from curate.metrics.types import Text, ngrams

Pairs = tuple[UInt64Array, NDArray[np.int64]]

SOURCES = 3
SHARED = {1: 50, 4: 50, 8: 10}
"""Tokens of a run → documents that share it from which on it is listed: runs of eight are near-identical triggers."""

EXPECTED = 10.0
"""Human documents that would be there if people were as the others: of fewer, the absence says little."""

ALIKE = 0.5
"""Share of their documents that two runs have in common to be told as one."""

LISTED = 20
EXAMPLES = 3
ONE_SOURCE = 0.9
_BUCKETS = 22  # bits


class SharedRun(NamedTuple):
    """A run of words that documents of several sources share, and no human document has.

    Attributes:
        tokens: its length; runs that overlap are told once, by the one that most documents share.
        documents: that contain it.
        sources: of these.
        examples: ids of the first few.
    """

    tokens: int
    documents: int
    sources: int
    examples: Sequence[str]


class BornCluster(NamedTuple):
    """A cluster without human documents that one source makes up, by `share` of its documents."""

    cluster: int
    source: str | None
    documents: int
    share: float


def shared_runs(
    text: Text,
    human: NDArray[np.bool_],
    suspects: NDArray[np.bool_],
    sources: pa.Array,
    languages: pa.Array,
    ids: pa.Array,
) -> list[SharedRun]:
    """Rare n-grams, absent in human documents of the language, that many of the others share across sources.

    Args:
        text: of d documents.
        human: bool[d], documents that show what is known.
        suspects: bool[d], those that are looked at; among them are no copies, or copies are what is found.
        sources: string[d], null where unknown: all of these are one source.
        languages: string[d].
        ids: string[d].

    Returns:
        At most `LISTED`, those that most documents share first.
    """
    of_source, of_language = (
        column.dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False)
        for column in (sources, languages)
    )
    found: list[SharedRun] = []
    told: list[NDArray[np.int64]] = []
    asked = suspects & ~human
    text = text.first(human | asked, len(text.codes))
    for n in sorted(SHARED, reverse=True):
        hashes, owners = distinct_pairs(*_candidates(*ngrams(text, n), human, SHARED[n]))
        _, starts, sizes = np.unique(hashes, return_index=True, return_counts=True)
        wanted = np.flatnonzero(sizes >= SHARED[n])
        new = 0
        for place in wanted[np.argsort(-sizes[wanted], kind="stable")]:
            sharing = owners[starts[place] : starts[place] + sizes[place]]
            across = len(np.unique(of_source[sharing]))
            if across < SOURCES or not _telling(of_language[sharing], of_language, human, asked):
                continue
            if any(_alike(sharing, earlier) for earlier in told):
                continue
            examples = sorted(ids.take(pa.array(sharing)).to_pylist())[:EXAMPLES]
            found.append(SharedRun(n, len(sharing), across, examples))
            told.append(sharing)
            new += 1
            if new == LISTED:
                break
    return sorted(found, key=lambda run: (-run.documents, -run.tokens, run.examples))[:LISTED]


def _candidates(hashes: UInt64Array, owners: NDArray[np.int64], human: NDArray[np.bool_], times: int) -> Pairs:
    """The n-grams that occur so many times in documents that are not human, and in no human one.

    Most are told by a bucket of hashes, without sorting.
    """
    buckets, known = (hashes >> np.uint64(64 - _BUCKETS)).astype(np.int64), human[owners]
    often = (np.bincount(buckets[~known], minlength=1 << _BUCKETS) >= times)[buckets]
    hashes, owners, buckets, known = hashes[often], owners[often], buckets[often], known[often]
    types, counts = np.unique(hashes[~known], return_counts=True)
    wanted = types[counts >= times]
    marked = np.zeros(1 << _BUCKETS, dtype=bool)
    marked[(wanted >> np.uint64(64 - _BUCKETS)).astype(np.int64)] = True
    near = marked[buckets]
    hashes, owners, known = hashes[near], owners[near], known[near]
    exact = contained(hashes, wanted[~contained(wanted, np.sort(hashes[known]))])
    return hashes[exact], owners[exact]


def _telling(
    of_run: NDArray[np.int32], of_all: NDArray[np.int32], human: NDArray[np.bool_], asked: NDArray[np.bool_]
) -> bool:
    """Whether human documents in the main language of a run would have it by now, were they as the others."""
    language = np.bincount(of_run + 1).argmax() - 1
    here = of_all == language
    frequency = (of_run == language).sum() / (asked & here).sum()
    return bool(frequency * (human & here).sum() >= EXPECTED)


def _alike(left: NDArray[np.int64], right: NDArray[np.int64]) -> bool:
    """Whether two runs are shared by about the same documents, as runs that overlap are."""
    both = len(np.intersect1d(left, right, assume_unique=True))
    return both >= ALIKE * min(len(left), len(right))


def born_clusters(rows: Sequence[tuple[int, str | None, int, int]]) -> list[BornCluster]:
    """Clusters without any human document that one source makes up.

    Args:
        rows: (cluster, source, documents, human documents).

    Returns:
        The largest first; those of which human documents were to be expected.
    """
    totals: dict[int, int] = {}
    human: dict[int, int] = {}
    top: dict[int, tuple[int, str | None]] = {}
    for cluster, source, documents, people in rows:
        totals[cluster] = totals.get(cluster, 0) + documents
        human[cluster] = human.get(cluster, 0) + people
        if documents > top.get(cluster, (0, None))[0]:
            top[cluster] = (documents, source)
    everyone, people = sum(totals.values()), sum(human.values())
    share = people / max(everyone - people, 1)
    found = [
        BornCluster(cluster, source, totals[cluster], documents / totals[cluster])
        for cluster, (documents, source) in top.items()
        if not human[cluster] and totals[cluster] * share >= EXPECTED and documents > ONE_SOURCE * totals[cluster]
    ]
    return sorted(found, key=lambda found: (-found.documents, found.cluster))
