"""All pairs of similar documents, exactly: what the duplicates found by anybody are judged by.

Written apart from curate's kernel, bands and verification: sets of Python integers from curate's definition of tokens.
No pair is missed: if |A ∩ B| ≥ t |A|, B holds one of the |A| − ⌈t |A|⌉ + 1 rarest members of A, whatever the order of
rarity (Chaudhuri, Ganti and Kaushik 2006, prefix filtering); and Jaccard similarity ≥ t implies that overlap.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import xxhash

from curate.text.reference import tokens

_ASCII_TOKEN = re.compile(r"\w+")  # the same tokens, 50 times as fast


class Pair(NamedTuple):
    """Two documents and the similarity of their shingle sets.

    Attributes:
        left, right: places in the list of documents.
        jaccard: |A ∩ B| / |A ∪ B|.
        left_in_right, right_in_left: |A ∩ B| / |A| and |A ∩ B| / |B|.
    """

    left: int
    right: int
    jaccard: float
    left_in_right: float
    right_in_left: float


def shingle_set(text: str, length: int) -> frozenset[int]:
    """Hashes of the runs of `length` tokens; of all tokens together where there are fewer, of the text without any."""
    words = (_ASCII_TOKEN.findall(text.lower()) if text.isascii() else tokens(text)) or [text]
    count = max(1, len(words) - length + 1)
    return frozenset(xxhash.xxh3_64_intdigest("\0".join(words[i : i + length]).encode()) for i in range(count))


def similar_pairs(sets: Sequence[frozenset[int]], jaccard: float, containment: float) -> Iterator[Pair]:
    """Every pair with at least this Jaccard similarity, or of which one contains so much of the other."""
    least = min(jaccard, containment)
    frequency = Counter(member for members in sets for member in members)
    holders: dict[int, list[int]] = defaultdict(list)
    for place, members in enumerate(sets):
        for member in members:
            if frequency[member] > 1:
                holders[member].append(place)
    for left, members in enumerate(sets):
        rarest = sorted(members, key=lambda member: (frequency[member], member))
        rarest = rarest[: len(rarest) - math.ceil(least * len(rarest)) + 1]
        candidates = {right for member in rarest for right in holders.get(member, ())}
        for right in candidates:
            if (len(members), left) < (len(sets[right]), right):  # the smaller set finds every pair
                pair = compare(sets, left, right)
                if pair.jaccard >= jaccard or pair.left_in_right >= containment:
                    yield pair


def compare(sets: Sequence[frozenset[int]], left: int, right: int) -> Pair:
    """The measured similarity of two documents."""
    a, b = sets[left], sets[right]
    common = len(a & b)
    return Pair(left, right, common / (len(a) + len(b) - common), common / len(a), common / len(b))
