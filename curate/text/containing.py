"""Which texts contain a character of a set: one scan at the speed of memory over texts of ASCII."""

from typing import Any

import numba
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curate.text.compiled import decode, load_word
from curate.text.kernel import text_buffers

_HIGH_BITS = np.uint64(0x8080808080808080)


def contains_any(texts: pa.Array, members: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether each text contains a character of a set.

    Args:
        texts: any kind of strings [n]; null contains none.
        members: bool[0x110000], the set; no character of ASCII is in it.

    Returns:
        bool[n].
    """
    return _contains_any(*text_buffers(texts), members)


@numba.njit(cache=True, nogil=True)
def _contains_any(data: Any, offsets: Any, valid: Any, members: Any) -> Any:
    found = np.zeros(valid.size, np.bool_)
    for i in range(valid.size):
        at, end = offsets[i], offsets[i + 1] if valid[i] else offsets[i]
        while at < end:
            if at + 8 <= end and not load_word(data, at) & _HIGH_BITS:
                at += 8
                continue
            code, at = decode(data, at, end)
            if members[code]:
                found[i] = True
                break
    return found
