"""The groups that documents are calibrated in, from special to general; back-off never leaves a language.

A cluster within a source, a length bin within a source, the source, the language. Documents that name no source are
taken together: of those, a cluster or a length bin within the language. The source comes before all else because
genres differ most: under thresholds by length and language alone people of one source are suspected many times as often
as those of another.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

LENGTH_EDGES = (50, 100, 200, 500, 1_000)
"""Tokens at which the length bins part."""

LENGTH_BINS = ("0-50", "50-100", "100-200", "200-500", "500-1000", "1000+")


class GroupNames(NamedTuple):
    """Names of the groups of n documents, string[n] each; null where a document has no such group.

    Attributes:
        cluster: language/source-NAME/cluster-NUMBER, or language/cluster-NUMBER where no source is named.
        length: language/source-NAME/BIN, or language/BIN.
        source: language/source-NAME.
        language: the language, und where it is null.
    """

    cluster: pa.Array
    length: pa.Array
    source: pa.Array
    language: pa.Array


def group_names(language: pa.Array, source: pa.Array, tokens: NDArray[np.integer], cluster: pa.Array) -> GroupNames:
    """The groups of documents.

    A slash in the name of a language or of a source would look like the start of a part of it, so it becomes a dash.

    Args:
        language: string[n], null counts as und.
        source: string[n], null where there is none.
        tokens: int[n].
        cluster: int[n], null where there is none.
    """
    language = _plain(pc.fill_null(language.cast(pa.string()), "und"))
    by_source = pc.binary_join_element_wise(language, _plain(source.cast(pa.string())), "/source-")
    within = pc.coalesce(by_source, language)
    by_cluster = pc.binary_join_element_wise(within, pc.cast(cluster, pa.string()), "/cluster-")
    by_length = pc.binary_join_element_wise(within, length_bins(tokens), "/")
    return GroupNames(by_cluster, by_length, by_source, language)


def length_bins(tokens: NDArray[np.integer]) -> pa.Array:
    """The length bin of each document.

    Args:
        tokens: int[n].

    Returns:
        string[n], values of `LENGTH_BINS`.
    """
    return pa.array(LENGTH_BINS).take(pa.array(np.searchsorted(LENGTH_EDGES, tokens, side="right")))


def is_language(group: str) -> bool:
    """Whether a group is that of a whole language."""
    return "/" not in group


def cluster_of(group: str) -> int | None:
    """The number of the cluster that a group is of; None for other groups."""
    _, separator, number = group.rpartition("/cluster-")
    return int(number) if separator else None


def _plain(names: pa.Array) -> pa.Array:
    return pc.replace_substring(names, "/", "-")
