"""From Arrow text to tokens, signatures, content hashes and shingle sets in one pass over the bytes.

`curate.text.reference` defines what is computed here, `curate.text.compiled` computes it on the buffers of
the array: no Python string is made, and the GIL is released.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasketch import MinHash
from numpy.typing import NDArray

from curate.errors import UsageError
from curate.text import compiled, reference, unicode_tables


class TextFeatures(NamedTuple):
    """Numbers of n texts; all zero where the text is null.

    Attributes:
        tokens: int32[n].
        shingles: int32[n], shingles counted with repetition: max(0, tokens - shingle + 1).
        chars: int32[n], code points.
        signatures: uint32[n, permutations], datasketch's affine32 MinHash values; 0xFFFFFFFF without shingles.
        content: uint64[n], upper half of the 128-bit hash of the normalised text: the folded tokens in order, or,
            where there are none, the folded characters other than spaces (hashed to 64 bits first).
        content_low: uint64[n], its lower half.
        token_hashes: uint64[m], the hash of every token, or empty if they were not asked for.
        token_offsets: int64[n + 1], where each text's token hashes start.
    """

    tokens: NDArray[np.int32]
    shingles: NDArray[np.int32]
    chars: NDArray[np.int32]
    signatures: NDArray[np.uint32]
    content: NDArray[np.uint64]
    content_low: NDArray[np.uint64]
    token_hashes: NDArray[np.uint64]
    token_offsets: NDArray[np.int64]


def text_features(
    texts: pa.Array, *, shingle: int, permutations: int, seed: int, with_tokens: bool = False
) -> TextFeatures:
    """Counts, MinHash signatures and content hashes, and on request the token hashes, from one tokenisation.

    Args:
        texts: array or chunked array of strings or of binary UTF-8.
        shingle: tokens in a shingle.
        permutations: MinHash permutations; 0 leaves the signatures out.
        seed: of the permutations, as in `datasketch.MinHash(seed=...)`.
        with_tokens: also return the token hashes (8 bytes per token).
    """
    data, offsets, valid = _buffers(texts)
    factors, terms = permutation_parameters(permutations, seed)
    tables = unicode_tables.load()[:4]
    return TextFeatures(*compiled.features(data, offsets, valid, tables, shingle, factors, terms, with_tokens))


def token_hashes(texts: pa.Array) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The 64-bit hash of every token, uint64[m], and where each text's hashes start, int64[n + 1]."""
    found = text_features(texts, shingle=1, permutations=0, seed=0, with_tokens=True)
    return found.token_hashes, found.token_offsets


def shingle_sets(texts: pa.Array, *, shingle: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The set of 64-bit shingle hashes of each text.

    Returns:
        values: uint64[m], ascending and without repeats within each text.
        offsets: int64[n + 1], where each text's values start.
    """
    return compiled.shingle_sets(*token_hashes(texts), shingle)


@lru_cache(maxsize=16)
def permutation_parameters(permutations: int, seed: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Factors and terms, uint32[permutations] each, of datasketch's affine32 permutations."""
    if permutations == 0:
        return np.empty(0, np.uint32), np.empty(0, np.uint32)
    factors, terms = MinHash(permutations, seed=seed, scheme="affine32").permutations
    return np.array(factors, np.uint32), np.array(terms, np.uint32)


def to_datasketch(signature: NDArray[np.uint32], seed: int) -> MinHash:
    """A datasketch MinHash with these values, that can be updated with `reference.shingles` and compared.

    Args:
        signature: uint32[permutations].
        seed: that the signature was made with.
    """
    return MinHash(
        seed=seed, scheme="affine32", hashfunc=reference.shingle_hash, hashvalues=np.array(signature, np.uint32)
    )


def from_datasketch(minhash: MinHash) -> NDArray[np.uint32]:
    """The signature, uint32[permutations], of a datasketch MinHash.

    Raises:
        UsageError: it was made with another permutation scheme, whose values cannot be compared.
    """
    if minhash.scheme != "affine32":
        raise UsageError(f"MinHash scheme {minhash.scheme!r}, expected 'affine32'; build it with scheme='affine32'")
    return np.array(minhash.hashvalues, np.uint32)


def _buffers(texts: pa.Array | pa.ChunkedArray) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.bool_]]:
    """Bytes, offsets (n + 1) and validity of any text array, read-only so that the kernel compiles once."""
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    kind = texts.type
    if pa.types.is_dictionary(kind) or pa.types.is_null(kind) or kind in (pa.string_view(), pa.binary_view()):
        texts = pc.cast(texts, pa.large_binary() if kind == pa.binary_view() else pa.large_string())
        kind = texts.type
    wide = pa.types.is_large_string(kind) or pa.types.is_large_binary(kind)
    if not (wide or pa.types.is_string(kind) or pa.types.is_binary(kind)):
        raise TypeError(f"text column of type {kind}, expected strings; name another column or cast it")
    _, offsets, data = texts.buffers()
    count = len(texts)
    if count == 0 or offsets is None:
        places = np.zeros(count + 1, np.int64)
    else:
        stored = np.frombuffer(offsets, np.int64 if wide else np.int32)
        places = stored[texts.offset : texts.offset + count + 1].astype(np.int64)
    view = np.frombuffer(data, np.uint8) if data is not None and data.size else np.empty(0, np.uint8)
    view.flags.writeable = False
    valid = np.array(texts.is_valid().to_numpy(zero_copy_only=False), np.bool_)
    return view, places, valid
