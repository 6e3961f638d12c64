"""A document embedding fitted on the corpus itself: hashed TF-IDF of words and characters, truncated SVD, unit length.

No model is downloaded and no script is favoured: a token is a word, or one character of a script without spaces, as the
text kernel cuts them, and beside tokens count character n-grams (`curate.clusters.characters`). Latent semantic
analysis (Deerwester et al. 1990) spends its dimensions on what is frequent; so that a rare language or topic gets a
direction of its own instead of vanishing into others, the fit is done twice, the second time with documents weighted by
the inverse square root of the size of their provisional cluster, on average over a few rough partitions. Dimensions
are scaled by the square root of their singular values, so that those that hold little more than chance count less.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy
from numba import njit
from numpy.typing import NDArray

from curate.clusters.artefact import digest, from_bytes, read_file, to_bytes
from curate.clusters.characters import BUCKET_BITS, character_ngrams
from curate.clusters.counting import clear, count_in, empty_slots
from curate.clusters.decomposition import right_singular_vectors
from curate.clusters.kmeans import choose_k, inverse_sizes
from curate.errors import UsageError
from curate.hashing import UInt64Array, stage_seed

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

BUCKETS = 2**16  # indices fit uint16
_WORD_BUCKETS = BUCKETS - 2**BUCKET_BITS  # the first ones; those of characters follow
MAX_TOKENS = 2_000  # of a document are read: enough for its topic, and a bound on the cost of a novel
FORMAT = 2  # of the artefact: another when features fall into other buckets
_NGRAM_WEIGHT = 0.5  # of n-grams against words; more and a dialect is lost among the topics that it speaks of
_PROVISIONAL = 8_000  # documents, about, that the first of the two fits is on
_FIBONACCI = np.uint64(0x9E3779B97F4A7C15)
_SMALL_CORPUS = 200  # documents below which features of a single document count too
_TERM_WEIGHTS = np.concatenate([[0], 1 + np.log(np.arange(1, 2**16))]).astype(np.float32)  # by count; 0 for 0


@dataclass(frozen=True, eq=False)
class SparseFeatures:
    """Feature counts of documents, in compressed sparse rows.

    Attributes:
        indices: uint16[m], bucket of each feature, in the order of first occurrence in its document.
        counts: uint16[m], occurrences.
        offsets: int64[n + 1], document i owns the features offsets[i]:offsets[i + 1].
    """

    indices: NDArray[np.uint16]
    counts: NDArray[np.uint16]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def take(self, rows: NDArray[np.int64]) -> "SparseFeatures":
        """The documents at these positions, in this order."""
        lengths = np.diff(self.offsets)[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        shift = np.repeat(self.offsets[:-1][rows] - offsets[:-1], lengths)
        picked = np.arange(offsets[-1], dtype=np.int64) + shift
        return SparseFeatures(self.indices[picked], self.counts[picked], offsets)

    def beside(self, other: "SparseFeatures") -> "SparseFeatures":
        """The features of the same documents in both, those of this one first."""
        rows = self.offsets, other.offsets
        return SparseFeatures(
            _interleave(self.indices, other.indices, *rows),
            _interleave(self.counts, other.counts, *rows),
            self.offsets + other.offsets,
        )

    @staticmethod
    def concatenate(parts: Sequence["SparseFeatures"]) -> "SparseFeatures":
        """The documents of all parts, one after the other."""
        lengths = [np.diff(part.offsets) for part in parts]
        return SparseFeatures(
            np.concatenate([np.empty(0, np.uint16), *(part.indices for part in parts)]),
            np.concatenate([np.empty(0, np.uint16), *(part.counts for part in parts)]),
            np.concatenate([[0], np.cumsum(np.concatenate([np.empty(0, np.int64), *lengths]))]).astype(np.int64),
        )


@dataclass(frozen=True, eq=False)
class Embedding:
    """A fitted embedding, an artefact.

    Attributes:
        idf: float32[BUCKETS], 0 where the fit saw no such feature.
        components: float16[BUCKETS, d], right singular vectors; zero columns where the corpus had a lower rank.
        words: string[BUCKETS], by which people may call the buckets (`curate.clusters.terms`); empty without one.
    """

    idf: NDArray[np.float32]
    components: NDArray[np.float16]
    words: pa.Array = field(default_factory=lambda: pa.array([""] * BUCKETS))

    @property
    def dimensions(self) -> int:
        """Length of the vectors that `transform` gives."""
        return int(self.components.shape[1])

    @cached_property
    def id(self) -> str:
        """Digest of the fitted arrays."""
        return digest(self._arrays())

    def transform(self, features: SparseFeatures) -> NDArray[np.float16]:
        """Embeds documents: the same bits for a document whatever else is in the batch.

        Returns:
            float16[n, d] of unit rows; an all-zero row for a document without a feature known to the fit.
        """
        return _project(features.indices, features.counts, features.offsets, self._projection, _TERM_WEIGHTS).astype(
            np.float16
        )

    def with_words(self, words: pa.Array) -> "Embedding":
        """The same embedding with words for the buckets that the fit saw."""
        return replace(self, words=pc.if_else(pa.array(self.idf > 0), words, ""))

    def to_bytes(self) -> bytes:
        """An .npz archive without pickles."""
        return to_bytes(self._arrays())

    @classmethod
    def from_bytes(cls, content: bytes) -> "Embedding":
        """Reads what `to_bytes` gave; the same bytes give the same object, so that blocks can share it.

        Raises:
            UsageError: it is not such an archive.
        """
        return _read_embedding(content)

    def save(self, path: str) -> None:
        """Writes `to_bytes` to a file."""
        with open(path, "wb") as file:
            file.write(self.to_bytes())

    @classmethod
    def load(cls, path: str) -> "Embedding":
        """Reads what `save` wrote.

        Raises:
            UsageError: the file cannot be read or is not such an archive.
        """
        return cls.from_bytes(read_file(path))

    @cached_property
    def _projection(self) -> NDArray[np.float32]:
        return self.components.astype(np.float32) * self.idf[:, None]

    def _arrays(self) -> dict[str, NDArray]:
        words = np.frombuffer("\n".join(self.words.to_pylist()).encode(), np.uint8)
        return {"format": np.array(FORMAT), "idf": self.idf, "components": self.components, "words": words}


@lru_cache(maxsize=2)
def _read_embedding(content: bytes) -> Embedding:
    arrays = from_bytes(content, ["format", "idf", "components", "words"])
    if arrays["format"] != FORMAT:
        raise UsageError(f"the embedding has format {arrays['format']}, expected {FORMAT}; fit another one by a run")
    words = pa.array(arrays["words"].tobytes().decode(errors="replace").split("\n"))
    return Embedding(arrays["idf"].astype(np.float32), arrays["components"].astype(np.float16), words)


def buckets_of(hashes: UInt64Array) -> NDArray[np.uint16]:
    """The bucket of each token hash: by Fibonacci hashing, whose upper bits depend on all bits of the hash."""
    with np.errstate(over="ignore"):
        upper = (hashes * _FIBONACCI) >> np.uint64(32)
    return ((upper * np.uint64(_WORD_BUCKETS)) >> np.uint64(32)).astype(np.uint16)


def document_features(
    hashes: UInt64Array, offsets: NDArray[np.int64], texts: pa.Array, max_tokens: int = MAX_TOKENS
) -> SparseFeatures:
    """Counts the hashed tokens and character n-grams of each document.

    Args:
        hashes: uint64[m], token hashes of all documents (`curate.text.kernel.token_hashes`).
        offsets: int64[n + 1], document i owns hashes[offsets[i]:offsets[i + 1]].
        texts: any kind of strings [n], that the tokens are of.
        max_tokens: tokens read from the start of each document, at most 65,535.
    """
    words = SparseFeatures(*_count(hashes, offsets, min(max_tokens, 65_535)))
    buckets, counts, starts = character_ngrams(texts)
    return words.beside(SparseFeatures(buckets + np.uint16(_WORD_BUCKETS), counts, starts))


def fit_embedding(features: SparseFeatures, dimensions: int, seed: int) -> Embedding:
    """Fits TF-IDF weights and components.

    Term weight (1 + ln count)·idf, idf = ln((1 + n)/(1 + df)) + 1, rows of unit length.

    Args:
        features: of the sampled documents, in the order of their keys.
        dimensions: of the embedding.
        seed: of the decomposition and of the provisional clusters.
    """
    idf = _inverse_document_frequency(features)
    matrix = _weighted_matrix(features, idf)
    k = choose_k(len(features))
    if k > 1:
        part = matrix[:: 1 + len(features) // _PROVISIONAL]
        provisional = Embedding(idf, right_singular_vectors(part, dimensions, seed, 1)[0].astype(np.float16))
        shares = inverse_sizes(provisional.transform(features), k, stage_seed(seed, "provisional"))
        matrix = (scipy.sparse.diags(np.sqrt(shares)) @ matrix).tocsr()
    vectors, values = right_singular_vectors(matrix, dimensions, seed)
    scale = np.sqrt(values / max(values[0], np.finfo(np.float32).tiny))
    return Embedding(idf, (vectors * scale).astype(np.float16))


def _inverse_document_frequency(features: SparseFeatures) -> NDArray[np.float32]:
    documents = len(features)
    frequency = np.bincount(features.indices, minlength=BUCKETS)
    least = 2 if documents >= _SMALL_CORPUS else 1
    idf = np.log((1 + documents) / (1 + frequency)) + 1
    idf[_WORD_BUCKETS:] *= _NGRAM_WEIGHT
    return np.where(frequency >= least, idf, 0).astype(np.float32)


def _weighted_matrix(features: SparseFeatures, idf: NDArray[np.float32]) -> "csr_matrix":
    values = _TERM_WEIGHTS[features.counts] * idf[features.indices]
    shape = (len(features), BUCKETS)
    matrix = scipy.sparse.csr_matrix((values, features.indices.astype(np.int32), features.offsets), shape=shape)
    matrix.eliminate_zeros()
    norms = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return (scipy.sparse.diags((1 / np.where(norms > 0, norms, 1)).astype(np.float32)) @ matrix).tocsr()


@njit(nogil=True, cache=True)
def _interleave(first, second, first_offsets, second_offsets):  # type: ignore[no-untyped-def]
    """For each document its values of the first, then those of the second."""
    joined, used = np.empty(len(first) + len(second), dtype=np.uint16), 0
    for i in range(len(first_offsets) - 1):
        for values, offsets in ((first, first_offsets), (second, second_offsets)):
            for j in range(offsets[i], offsets[i + 1]):
                joined[used] = values[j]
                used += 1
    return joined


@njit(nogil=True, cache=True)
def _count(hashes, offsets, max_tokens):  # type: ignore[no-untyped-def]
    documents = len(offsets) - 1
    capacity = 0
    for i in range(documents):
        capacity += min(offsets[i + 1] - offsets[i], max_tokens)
    indices = np.empty(capacity, dtype=np.uint16)
    counts = np.empty(capacity, dtype=np.uint16)
    rows = np.zeros(documents + 1, dtype=np.int64)
    slots = empty_slots(BUCKETS)  # where the current document counts each bucket
    used = 0
    for i in range(documents):
        first = used
        for j in range(offsets[i], min(offsets[i + 1], offsets[i] + max_tokens)):
            upper = (hashes[j] * _FIBONACCI) >> np.uint64(32)  # as in buckets_of
            bucket = (upper * np.uint64(_WORD_BUCKETS)) >> np.uint64(32)
            used = count_in(slots, indices, counts, first, used, bucket)
        clear(slots, indices, first, used)
        rows[i + 1] = used
    return indices[:used].copy(), counts[:used].copy(), rows


@njit(nogil=True, cache=True)
def _project(indices, counts, offsets, projection, term_weights):  # type: ignore[no-untyped-def]
    documents = len(offsets) - 1
    dimensions = projection.shape[1]
    vectors = np.zeros((documents, dimensions), dtype=np.float32)
    for i in range(documents):
        vector = vectors[i]
        for j in range(offsets[i], offsets[i + 1]):
            weight = term_weights[counts[j]]
            component = projection[indices[j]]
            for d in range(dimensions):
                vector[d] += weight * component[d]
        square = 0.0
        for d in range(dimensions):
            square += np.float64(vector[d]) * np.float64(vector[d])
        if square > 0.0:
            scale = np.float32(1.0 / np.sqrt(square))
            for d in range(dimensions):
                vector[d] *= scale
    return vectors
