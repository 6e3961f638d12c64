import numpy as np
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from curate.xxh3 import digests

LENGTHS = [*range(260), 300, 511, 512, 513, 1023, 1024, 1025, 1087, 1088, 1089, 2047, 2048, 2049, 5000]


@pytest.mark.parametrize("seed", [0, 1, 0x9E3779B97F4A7C15, 2**64 - 1])
def test_every_length_has_the_digest_of_xxhash(seed):
    draw = np.random.default_rng(7)
    values = [draw.bytes(length) for length in LENGTHS]
    expected = [xxhash.xxh3_64_intdigest(value, seed) for value in values]
    assert digests(pa.array(values, pa.binary()), seed).tolist() == expected


@given(st.lists(st.none() | st.binary(max_size=600)), st.integers(0, 2**64 - 1))
def test_any_bytes(values, seed):
    expected = [xxhash.xxh3_64_intdigest(value or b"", seed) for value in values]
    assert digests(pa.array([b"before", *values], pa.large_binary())[1:], seed).tolist() == expected


def test_bytes_of_one_width():
    assert digests(pa.array([b"abcd", None], pa.binary(4)), 1).tolist() == [
        xxhash.xxh3_64_intdigest(b"abcd", 1),
        xxhash.xxh3_64_intdigest(b"", 1),
    ]
