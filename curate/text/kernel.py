"""From Arrow text to tokens, signatures, content hashes and shingle sets in one pass over the bytes.

`curate.text.reference` defines what is computed here, `curate.text.compiled` computes it on the buffers of
the array: no Python string is made, and the GIL is released.
"""

from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.errors import UsageError
from curate.text import compiled, reference, unicode_tables
from curate.text.lookalikes import unmasked
from curate.threads import in_threads, threads

if TYPE_CHECKING:
    from datasketch import MinHash  # not imported by those who need no conversion: it takes a quarter of a second


_LEAST_BYTES = 1 << 18  # of text that a thread is worth
_TOKEN_BYTES = 6  # of text, about


class TextFeatures(NamedTuple):
    """Numbers of n texts; all zero where the text is null.

    Attributes:
        tokens: int32[n].
        shingles: int32[n], shingles counted with repetition: max(0, tokens - shingle + 1).
        chars: int32[n], code points.
        signatures: uint32[n, permutations], datasketch's affine32 MinHash values; 0xFFFFFFFF without shingles.
        content: uint64[n], upper half of the 128-bit hash of the normalised text (`reference.content_hash`): the
            folded tokens and the symbols between them; only spaces, case, compatibility forms and look-alikes
            (`curate.text.lookalikes`) are left out.
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
    data, offsets, valid = text_buffers(texts)
    factors, terms = permutation_parameters(permutations, seed)
    tables = unicode_tables.load()[:4]

    def of_documents(part: slice) -> TextFeatures:
        own = unmasked(data, offsets[part.start : part.stop + 1])
        return TextFeatures(*compiled.features(*own, valid[part], tables, shingle, factors, terms, with_tokens))

    return _joined(in_threads(of_documents, even_parts(offsets)))


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
    hashes, starts = token_hashes(texts)

    def of_documents(part: slice) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        own = starts[part.start : part.stop + 1]
        return compiled.shingle_sets(hashes[own[0] : own[-1]], own - own[0], shingle)

    sets = in_threads(of_documents, even_parts(starts * _TOKEN_BYTES))
    if len(sets) == 1:
        return sets[0]
    sizes = np.concatenate([np.diff(offsets) for _, offsets in sets])
    return np.concatenate([values for values, _ in sets]), np.concatenate([[0], np.cumsum(sizes)])


def even_parts(offsets: NDArray[np.int64]) -> list[slice]:
    """Runs of documents with about the same number of bytes, one for each thread; one run of little text."""
    count, size = len(offsets) - 1, int(offsets[-1] - offsets[0]) if len(offsets) else 0
    parts = min(threads(), max(1, size // _LEAST_BYTES))
    cuts = np.searchsorted(offsets, offsets[0] + np.arange(1, parts) * (size // parts)) if parts > 1 else ()
    return [slice(start, stop) for start, stop in pairwise([0, *(min(int(cut), count) for cut in cuts), count])]


def _joined(parts: list[TextFeatures]) -> TextFeatures:
    """The features of consecutive runs of documents as those of all."""
    if len(parts) == 1:
        return parts[0]
    columns = [np.concatenate(column) for column in zip(*(part[:-1] for part in parts), strict=True)]
    starts = np.cumsum([0, *(part.token_offsets[-1] for part in parts)])
    offsets = [part.token_offsets[:-1] + start for part, start in zip(parts, starts[:-1], strict=True)]
    return TextFeatures._make([*columns, np.concatenate([*offsets, starts[-1:]])])


@lru_cache(maxsize=16)
def permutation_parameters(permutations: int, seed: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Factors (odd) and terms, uint32[permutations] each, drawn as datasketch draws its affine32 permutations."""
    draw = np.random.RandomState(seed)
    factors = draw.randint(0, 1 << 31, permutations, dtype=np.uint64) * 2 + 1
    terms = draw.randint(0, 1 << 32, permutations, dtype=np.uint64)
    return factors.astype(np.uint32), terms.astype(np.uint32)


def to_datasketch(signature: NDArray[np.uint32], seed: int) -> "MinHash":
    """A datasketch MinHash with these values, that can be updated with `reference.shingles` and compared.

    Args:
        signature: uint32[permutations].
        seed: that the signature was made with.
    """
    from datasketch import MinHash

    return MinHash(
        seed=seed, scheme="affine32", hashfunc=reference.shingle_hash, hashvalues=np.array(signature, np.uint32)
    )


def from_datasketch(minhash: "MinHash") -> NDArray[np.uint32]:
    """The signature, uint32[permutations], of a datasketch MinHash.

    Raises:
        UsageError: it was made with another permutation scheme, whose values cannot be compared.
    """
    if minhash.scheme != "affine32":
        raise UsageError(f"MinHash scheme {minhash.scheme!r}, expected 'affine32'; build it with scheme='affine32'")
    return np.array(minhash.hashvalues, np.uint32)


def text_buffers(texts: pa.Array | pa.ChunkedArray) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.bool_]]:
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
