"""Decontamination: which documents contain a text of an evaluation set, by exact containment of its shingles.

The evaluation texts are few and the documents many, so the texts are indexed and every document is looked up:
for each of its shingles one bit tells of nearly all that no text has it.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numba
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.hashing import UInt64Array
from curate.text import compiled
from curate.text.kernel import TextFeatures, text_features

_BITS_PER_SHINGLE = 32  # one foreign shingle in 32 passes the bitmap and costs a binary search


class Matches(NamedTuple):
    """For each of n documents the evaluation text of which it contains the largest share.

    Attributes:
        item: int64[n], number of the text in the index; -1 where no text reaches the threshold.
        containment: float32[n], share of the text's distinct shingles found in the document; 0 for none.
    """

    item: NDArray[np.int64]
    containment: NDArray[np.float32]


@dataclass(frozen=True)
class EvaluationIndex:
    """Evaluation texts by their shingles; short ones by their whole content.

    Distinct texts are numbered in the order of content and name, so that the order in which they were given
    does not matter.

    Attributes:
        names: string[items], what each text is called.
        shingle: tokens in a shingle.
        keys: uint64[k], distinct shingle hashes of all texts that are long enough, ascending.
        starts: int64[k + 1], where the texts of each shingle start in `postings`.
        postings: int32, numbers of the texts that have a shingle, ascending within each shingle.
        sizes: int64[items], distinct shingles of each text; 0 for those compared as a whole.
        bitmap: uint8, a power of two of bits; the bit that the upper bits of each key number is set.
        whole: uint64[s, 2], content and content_low of the texts compared as a whole, ascending.
        whole_items: int64[s], their numbers.
    """

    names: pa.Array
    shingle: int
    keys: UInt64Array
    starts: NDArray[np.int64]
    postings: NDArray[np.int32]
    sizes: NDArray[np.int64]
    bitmap: NDArray[np.uint8]
    whole: UInt64Array
    whole_items: NDArray[np.int64]

    def find(self, documents: TextFeatures, threshold: float) -> Matches:
        """Looks up documents. Of texts contained in equal shares the one with the smallest number counts.

        Args:
            documents: features of n texts with token hashes; a null text, which has no tokens, contains nothing.
            threshold: least containment.
        """
        values, offsets = compiled.shingle_hashes(documents.token_hashes, documents.token_offsets, self.shingle)
        shift = np.uint64(65 - (8 * self.bitmap.size).bit_length())
        index = (self.keys, self.starts, self.postings, self.sizes, self.bitmap)
        item, shared = _best(values, offsets, index, shift, np.float32(threshold))
        size = np.where(item >= 0, self.sizes[item], 1)
        equal = self._equal(documents)
        better = (equal >= 0) & ((shared < size) | (equal < item))
        containment = np.where(better, 1.0, shared / size).astype(np.float32)
        return Matches(np.where(better, equal, item), containment)

    def _equal(self, documents: TextFeatures) -> NDArray[np.int64]:
        """The text compared as a whole that each document equals, -1 for none."""
        if not len(self.whole):
            return np.full(len(documents.content), -1, dtype=np.int64)
        # Of texts that share the upper half of their hash, a chance of one in 10^19, only the first is found.
        place = np.minimum(np.searchsorted(self.whole[:, 0], documents.content), len(self.whole) - 1)
        equal = (self.whole[place, 0] == documents.content) & (self.whole[place, 1] == documents.content_low)
        return np.where(equal, self.whole_items[place], -1)


def index_texts(names: pa.Array, texts: pa.Array, shingle: int, least_tokens: int) -> EvaluationIndex:
    """Indexes evaluation texts.

    Args:
        names: string[n], what each text is called; of equal texts the least name counts.
        texts: string or large_string[n], without nulls.
        shingle: tokens in a shingle.
        least_tokens: texts of fewer tokens are compared as a whole, as those are that are shorter than a shingle.
    """
    features = text_features(texts, shingle=shingle, permutations=0, seed=0, with_tokens=True)
    order = _distinct(names, features.content, features.content_low)
    long = is_long(features.tokens, shingle, least_tokens)
    values, offsets = compiled.shingle_sets(features.token_hashes, features.token_offsets, shingle)
    number = np.full(len(texts), -1, dtype=np.int32)
    number[order] = np.arange(len(order))
    owner = np.repeat(np.where(long, number, -1), np.diff(offsets)).astype(np.int32)
    values, owner = values[owner >= 0], owner[owner >= 0]
    by_value = np.lexsort((owner, values))
    keys, starts = np.unique(values[by_value], return_index=True)
    whole = order[~long[order]]
    return EvaluationIndex(
        names=names.take(pa.array(order)),
        shingle=shingle,
        keys=keys,
        starts=np.append(starts, len(values)).astype(np.int64),
        postings=owner[by_value],
        sizes=np.bincount(owner, minlength=len(order)),
        bitmap=_bitmap(keys),
        whole=np.stack([features.content[whole], features.content_low[whole]], axis=1),
        whole_items=number[whole].astype(np.int64),
    )


def is_long(tokens: NDArray[np.int32], shingle: int, least_tokens: int) -> NDArray[np.bool_]:
    """Which texts are found inside others; of the rest there is too little to tell them from common phrases."""
    return np.asarray(tokens >= max(shingle, least_tokens))


def _distinct(names: pa.Array, content: UInt64Array, content_low: UInt64Array) -> NDArray[np.int64]:
    """The rows of distinct contents in the order of content and name."""
    rows = pa.table({"content": content, "content_low": content_low, "name": names})
    order = pc.sort_indices(rows, [(name, "ascending") for name in rows.column_names]).to_numpy().astype(np.int64)
    first = np.ones(len(order), dtype=bool)
    first[1:] = (np.diff(content[order]) != 0) | (np.diff(content_low[order]) != 0)
    return order[first]


def _bitmap(keys: UInt64Array) -> NDArray[np.uint8]:
    bits = max(8, _BITS_PER_SHINGLE * len(keys) - 1).bit_length()
    place = keys >> np.uint64(64 - bits)
    bitmap = np.zeros(1 << (bits - 3), dtype=np.uint8)
    np.bitwise_or.at(bitmap, place >> np.uint64(3), np.uint8(1) << (place & np.uint64(7)).astype(np.uint8))
    return bitmap


@numba.njit(cache=True, nogil=True)
def _best(values: Any, offsets: Any, index: Any, shift: Any, threshold: Any) -> Any:
    """The text contained most in each document, -1 for none, and how many of its distinct shingles are."""
    keys, starts, postings, sizes, bitmap = index
    n = offsets.size - 1
    item, shared = np.full(n, -1, np.int64), np.zeros(n, np.int64)
    seen_in = np.full(keys.size, -1, np.int64)  # the last document that had a shingle, so that repeats count once
    counts = np.zeros(sizes.size, np.int64)
    touched = np.empty(sizes.size, np.int64)
    for i in range(n):
        used = 0
        for at in range(offsets[i], offsets[i + 1]):
            place = values[at] >> shift
            if not bitmap[place >> np.uint64(3)] >> (place & np.uint64(7)) & np.uint64(1):
                continue
            key = np.searchsorted(keys, values[at])
            if key == keys.size or keys[key] != values[at] or seen_in[key] == i:
                continue
            seen_in[key] = i
            for posting in range(starts[key], starts[key + 1]):
                text = postings[posting]
                if counts[text] == 0:
                    touched[used] = text
                    used += 1
                counts[text] += 1
        for t in range(used):
            text = touched[t]
            count = counts[text]
            counts[text] = 0
            if np.float32(count / sizes[text]) < threshold:
                continue
            # Shares are compared as fractions: no rounding decides a tie.
            best = item[i]
            gain = 1 if best < 0 else count * sizes[best] - shared[i] * sizes[text]
            if gain > 0 or (gain == 0 and text < best):
                item[i], shared[i] = text, count
    return item, shared
