"""XXH3-64 of every string of an Arrow array in one compiled loop: the digests of `xxhash.xxh3_64_intdigest`.

Written after the specification of XXH3 (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md): short inputs
by their length, longer ones in stripes of 64 bytes.
"""

from typing import Any

import numba
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curate.text.compiled import load_word
from curate.text.kernel import text_buffers

_SECRET = np.frombuffer(
    bytes.fromhex(
        "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221"
        "b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
        "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb"
        "170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e"
    ),
    np.uint8,
)
_PRIME32_1, _PRIME32_2, _PRIME32_3 = (np.uint64(prime) for prime in (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D))
_PRIME64_1, _PRIME64_2, _PRIME64_3, _PRIME64_4, _PRIME64_5 = (
    np.uint64(prime)
    for prime in (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)
)
_MIX_1, _MIX_2 = np.uint64(0x165667919E3779F9), np.uint64(0x9FB21C651E98DF25)
_LOW = np.uint64(0xFFFFFFFF)
_STRIPE, _STRIPES_A_BLOCK = 64, 16
_LAST = _SECRET.size - _STRIPE  # where the secret's last stripe starts


def digests(strings: pa.Array, seed: int) -> NDArray[np.uint64]:
    """XXH3-64 of the bytes of each string or byte string, uint64[n]; null hashes as no bytes."""
    if pa.types.is_fixed_size_binary(strings.type):
        strings = strings.cast(pa.binary())
    data, offsets, valid = text_buffers(strings)
    return _digests(data, offsets, valid, _SECRET, _seeded(seed), np.uint64(seed))


def _seeded(seed: int) -> NDArray[np.uint8]:
    """The secret of long inputs: the seed added to and taken from its words in turn."""
    words = _SECRET.view("<u8").copy()
    words[::2] += np.uint64(seed)
    words[1::2] -= np.uint64(seed)
    return words.view(np.uint8)


@numba.njit(cache=True, nogil=True)
def _digests(data: Any, offsets: Any, valid: Any, secret: Any, seeded: Any, seed: Any) -> Any:
    found = np.empty(valid.size, np.uint64)
    accumulators = np.empty(8, np.uint64)
    for i in range(valid.size):
        start = np.uint64(offsets[i])
        size = offsets[i + 1] - offsets[i] if valid[i] else 0
        if size <= 16:
            found[i] = _to_16(data, start, size, secret, seed)
        elif size <= 240:
            found[i] = _to_240(data, start, size, secret, seed)
        else:
            found[i] = _long(data, start, size, seeded, accumulators)
    return found


@numba.njit(cache=True, nogil=True)
def _half(data: Any, at: Any) -> Any:
    """Four bytes, little-endian."""
    word = np.uint64(data[np.uint64(at)])
    for j in range(1, 4):
        word |= np.uint64(data[np.uint64(at) + np.uint64(j)]) << np.uint64(8 * j)
    return word


@numba.njit(cache=True, nogil=True)
def _swap(word: Any, size: Any) -> Any:
    """The lowest bytes, as many as `size`, the other way round."""
    swapped = np.uint64(0)
    for _ in range(size):
        swapped = swapped << np.uint64(8) | word & np.uint64(255)
        word >>= np.uint64(8)
    return swapped


@numba.njit(cache=True, nogil=True)
def _rotate(word: Any, bits: Any) -> Any:
    return word << np.uint64(bits) | word >> np.uint64(64 - bits)


@numba.njit(cache=True, nogil=True)
def _fold(a: Any, b: Any) -> Any:
    """Both halves of the 128-bit product, combined by exclusive or."""
    a_low, a_high, b_low, b_high = a & _LOW, a >> np.uint64(32), b & _LOW, b >> np.uint64(32)
    low, cross = a_low * b_low, a_high * b_low
    middle = (low >> np.uint64(32)) + (cross & _LOW) + a_low * b_high
    high = (cross >> np.uint64(32)) + (middle >> np.uint64(32)) + a_high * b_high
    return high ^ (middle << np.uint64(32) | low & _LOW)


@numba.njit(cache=True, nogil=True)
def _avalanche(state: Any) -> Any:
    state = (state ^ state >> np.uint64(37)) * _MIX_1
    return state ^ state >> np.uint64(32)


@numba.njit(cache=True, nogil=True)
def _short_avalanche(state: Any) -> Any:
    state = (state ^ state >> np.uint64(33)) * _PRIME64_2
    state = (state ^ state >> np.uint64(29)) * _PRIME64_3
    return state ^ state >> np.uint64(32)


@numba.njit(cache=True, nogil=True)
def _to_16(data: Any, at: Any, size: Any, secret: Any, seed: Any) -> Any:
    length = np.uint64(size)
    end = at + length
    if size > 8:
        first = load_word(data, at) ^ ((load_word(secret, 24) ^ load_word(secret, 32)) + seed)
        last = load_word(data, end - np.uint64(8)) ^ ((load_word(secret, 40) ^ load_word(secret, 48)) - seed)
        return _avalanche(length + _swap(first, 8) + last + _fold(first, last))
    if size > 3:
        flip = (load_word(secret, 8) ^ load_word(secret, 16)) - (seed ^ _swap(seed, 4) << np.uint64(32))
        state = (_half(data, end - np.uint64(4)) + (_half(data, at) << np.uint64(32))) ^ flip
        state = (state ^ _rotate(state, 49) ^ _rotate(state, 24)) * _MIX_2
        state = (state ^ (state >> np.uint64(35)) + length) * _MIX_2
        return state ^ state >> np.uint64(28)
    if size:
        first, middle, last = data[at], data[at + length // np.uint64(2)], data[end - np.uint64(1)]
        joined = np.uint64(first) << np.uint64(16) | np.uint64(middle) << np.uint64(24) | np.uint64(last)
        flip = (_half(secret, 0) ^ _half(secret, 4)) + seed
        return _short_avalanche((joined | length << np.uint64(8)) ^ flip)
    return _short_avalanche(seed ^ load_word(secret, 56) ^ load_word(secret, 64))


@numba.njit(cache=True, nogil=True)
def _mix_16(data: Any, at: Any, secret: Any, place: Any, seed: Any) -> Any:
    """Sixteen bytes with sixteen of the secret."""
    first = load_word(data, at) ^ (load_word(secret, place) + seed)
    return _fold(first, load_word(data, at + np.uint64(8)) ^ (load_word(secret, place + 8) - seed))


@numba.njit(cache=True, nogil=True)
def _to_240(data: Any, at: Any, size: Any, secret: Any, seed: Any) -> Any:
    state = np.uint64(size) * _PRIME64_1
    end = at + np.uint64(size)
    if size <= 128:
        for i in range((size - 1) // 32 + 1):  # from both ends to the middle
            state += _mix_16(data, at + np.uint64(16 * i), secret, 32 * i, seed)
            state += _mix_16(data, end - np.uint64(16 * i + 16), secret, 32 * i + 16, seed)
        return _avalanche(state)
    for i in range(8):
        state += _mix_16(data, at + np.uint64(16 * i), secret, 16 * i, seed)
    state = _avalanche(state)
    for i in range(8, size // 16):
        state += _mix_16(data, at + np.uint64(16 * i), secret, 16 * i - 125, seed)
    return _avalanche(state + _mix_16(data, end - np.uint64(16), secret, 119, seed))


@numba.njit(cache=True, nogil=True)
def _take_stripe(data: Any, at: Any, secret: Any, place: Any, accumulators: Any) -> None:
    for lane in range(8):
        value = load_word(data, at + np.uint64(8 * lane))
        key = value ^ load_word(secret, place + 8 * lane)
        accumulators[lane ^ 1] += value
        accumulators[lane] += (key & _LOW) * (key >> np.uint64(32))


@numba.njit(cache=True, nogil=True)
def _long(data: Any, at: Any, size: Any, secret: Any, accumulators: Any) -> Any:
    accumulators[0], accumulators[1], accumulators[2], accumulators[3] = _PRIME32_3, _PRIME64_1, _PRIME64_2, _PRIME64_3
    accumulators[4], accumulators[5], accumulators[6], accumulators[7] = _PRIME64_4, _PRIME32_2, _PRIME64_5, _PRIME32_1
    for stripe in range((size - 1) // _STRIPE):
        within = stripe % _STRIPES_A_BLOCK
        _take_stripe(data, at + np.uint64(stripe * _STRIPE), secret, 8 * within, accumulators)
        if within == _STRIPES_A_BLOCK - 1:
            for lane in range(8):
                state = accumulators[lane]
                accumulators[lane] = (state ^ state >> np.uint64(47) ^ load_word(secret, _LAST + 8 * lane)) * _PRIME32_1
    _take_stripe(data, at + np.uint64(size - _STRIPE), secret, _LAST - 7, accumulators)
    state = np.uint64(size) * _PRIME64_1
    for pair in range(4):
        first = accumulators[2 * pair] ^ load_word(secret, 11 + 16 * pair)
        state += _fold(first, accumulators[2 * pair + 1] ^ load_word(secret, 19 + 16 * pair))
    return _avalanche(state)
