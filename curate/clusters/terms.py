"""What clusters are about, from artefacts alone: a word for each hash bucket, and the weightiest buckets of a centroid.

Buckets are numbers; the fit of the embedding draws words to name them by. Of all pairs of a sampled document and one
of its words, each bucket keeps the few with the smallest hashes. That is a uniform draw of documents, the same in any
order and in bounded space, so the word of most draws is that of most documents as far as so few draws can tell.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit
from threadpoolctl import threadpool_limits

from curate.arrays import changes
from curate.clusters.embedding import BUCKETS, Embedding, buckets_of
from curate.clusters.kmeans import Centroids
from curate.clusters.spelling import folded_words
from curate.hashing import UInt64Array, mix
from curate.text.kernel import text_features

DRAWN = pa.schema([("bucket", pa.uint16()), ("draw", pa.uint64()), ("hash", pa.uint64()), ("word", pa.string())])
"""Words drawn: hash is that of the folded word, draw that of the word in its document."""

DRAWS = 8
"""Draws kept of each bucket."""

LEAST_DOCUMENTS = 3
"""Of the draws of a bucket that fall on a word that names it: what one text alone says, a name or a password, is no
key term, and is told nowhere."""

TERMS = 8
"""Key terms of a cluster."""

_READ = 500  # characters of each document that words are drawn from
_LONGEST = 32  # characters of a word
_CENTROIDS = 64  # projected at a time
_UNSEGMENTED = r"([\p{Han}\p{Hiragana}\p{Katakana}])"
_BETWEEN = r"[^\p{L}\p{M}\p{N}]+"


def draw_words(texts: pa.Array, keys: UInt64Array) -> pa.Table:
    """Draws words from the beginnings of documents.

    Args:
        texts: string or large_string[n], without null.
        keys: uint64[n], of the documents.

    Returns:
        `DRAWN`, at most `DRAWS` rows for each bucket, as `least_draws` gives them. What is drawn from a document
        depends on it alone.
    """
    texts = pc.utf8_slice_codeunits(texts, 0, _READ)
    unsegmented = pc.match_substring_regex(texts, _UNSEGMENTED)
    if pc.any(unsegmented).as_py():
        spaced = pc.replace_substring_regex(texts.filter(unsegmented), _UNSEGMENTED, r" \1 ")
        texts = pc.replace_with_mask(texts, unsegmented, spaced)
    pieces = pc.split_pattern_regex(texts, _BETWEEN)
    rows, words = pc.list_parent_indices(pieces).to_numpy(), pieces.flatten().dictionary_encode()
    found = text_features(words.dictionary, shingle=1, permutations=0, seed=0, with_tokens=True)
    fitting = (found.tokens == 1) & (pc.utf8_length(words.dictionary).to_numpy() <= _LONGEST)
    hashes = np.zeros(len(fitting), dtype=np.uint64)
    hashes[fitting] = found.token_hashes[found.token_offsets[:-1][fitting]]
    codes = words.indices.to_numpy()
    kept = fitting[codes]
    rows, codes = rows[kept], codes[kept]
    buckets, draws = buckets_of(hashes[codes]), mix(hashes[codes] ^ mix(keys[rows]))
    first = _least(buckets, draws, DRAWS)
    columns = [pa.array(buckets[first]), pa.array(draws[first]), pa.array(hashes[codes[first]])]
    drawn = pa.table([*columns, words.dictionary.take(pa.array(codes[first]))], names=DRAWN.names).cast(DRAWN)
    return least_draws(drawn)


def least_draws(drawn: pa.Table) -> pa.Table:
    """The `DRAWS` smallest draws of each bucket, sorted by both; a word counts once for a document.

    Associative and commutative over concatenation, but for the case of the words.
    """
    buckets, draws = drawn["bucket"].to_numpy(), drawn["draw"].to_numpy()
    order = np.lexsort((draws, buckets))
    buckets, draws = buckets[order], draws[order]
    fresh = changes(buckets) | changes(draws)
    order, buckets = order[fresh], buckets[fresh]
    places = np.arange(len(order)) - np.searchsorted(buckets, buckets)
    return drawn.take(pa.array(order[places < DRAWS])).combine_chunks()


def bucket_words(drawn: pa.Table) -> pa.Array:
    """The word that most draws of each bucket fell on, `LEAST_DOCUMENTS` or more, the smallest hash on a tie; folded.

    Args:
        drawn: from `least_draws`.

    Returns:
        string[BUCKETS], empty where none was drawn so often.
    """
    words = [""] * BUCKETS
    counted = drawn.group_by(["bucket", "hash"]).aggregate([("draw", "count"), ("word", "min")])
    counted = counted.filter(pc.greater_equal(counted["draw_count"], LEAST_DOCUMENTS))
    ranked = counted.sort_by([("bucket", "ascending"), ("draw_count", "descending"), ("hash", "ascending")])
    buckets = ranked["bucket"].to_numpy()
    first = np.flatnonzero(np.append(True, buckets[1:] != buckets[:-1])[: len(buckets)])
    found = folded_words(ranked["word_min"].take(pa.array(first)).to_pylist())
    for bucket, word in zip(buckets[first].tolist(), found, strict=True):
        words[bucket] = word
    return pa.array(words, pa.string())


def cluster_terms(embedding: Embedding, centroids: Centroids, terms: int = TERMS) -> list[list[str]]:
    """The words of the buckets that weigh more in each cluster than elsewhere, the weightiest first.

    Centroids are projected back through the components: the entry of a bucket is its mean TF-IDF weight, as far as the
    dimensions tell. From that of a cluster the entry of the mean of all is taken off, but where it is negative, which
    no weight is. The rest counts by the cube of the cosine of bucket and centroid: the words of a rare language have
    little weight, but they point at their cluster, while frequent words of others do so by chance.

    Args:
        embedding: with its words.
        centroids: fitted in its space, k of them.
        terms: most words of a cluster.

    Returns:
        k lists.
    """
    named = np.flatnonzero(pc.not_equal(embedding.words, "").to_numpy(zero_copy_only=False) & (embedding.idf > 0))
    words = embedding.words.to_pylist()
    components = embedding.components[named].astype(np.float32)
    vectors, lengths = centroids.vectors, np.linalg.norm(components, axis=1)
    found: list[list[str]] = []
    with threadpool_limits(1):  # sums in the same order on any number of cores
        everywhere = np.maximum(vectors.mean(axis=0) @ components.T, 0) if len(vectors) > 1 else np.zeros(len(named))
        for start in range(0, len(vectors), _CENTROIDS):
            weights = vectors[start : start + _CENTROIDS] @ components.T
            cosines = np.maximum(weights / np.maximum(lengths, np.finfo(np.float32).tiny), 0)
            for row in np.round((weights - everywhere) * cosines**3, 6):
                heavy = np.flatnonzero(row > 0)
                best = heavy[np.argsort(-row[heavy], kind="stable")[:terms]]
                found.append([words[place] for place in named[best]])
    return found


@njit(nogil=True, cache=True)
def _least(buckets, draws, most):  # type: ignore[no-untyped-def]
    """Places of the smallest draws of each bucket, each draw once, in no order."""
    held = np.zeros(BUCKETS, dtype=np.int64)
    places = np.empty((BUCKETS, most), dtype=np.int64)  # by draw, ascending
    for i in range(len(buckets)):
        own, used = places[buckets[i]], held[buckets[i]]
        at = used
        while at > 0 and draws[own[at - 1]] > draws[i]:
            at -= 1
        if at == most or (at > 0 and draws[own[at - 1]] == draws[i]):
            continue
        for j in range(min(used, most - 1), at, -1):
            own[j] = own[j - 1]
        own[at] = i
        held[buckets[i]] = min(used + 1, most)
    found = np.empty(held.sum(), dtype=np.int64)
    used = 0
    for bucket in range(BUCKETS):
        for j in range(held[bucket]):
            found[used] = places[bucket, j]
            used += 1
    return found
