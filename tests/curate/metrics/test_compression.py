import random
import zlib

import pyarrow as pa

from curate.metrics.compression import BLOCK, compressed_sizes


def prose(seed, words):
    draw = random.Random(seed)
    return " ".join("".join(draw.choices("abcdefghij", k=draw.randint(2, 9))) for _ in range(words))


def test_a_block_of_the_beginning_is_compressed_and_no_shorter_text():
    long, short = prose(1, 900), prose(2, 40)
    found = compressed_sizes(pa.array([long, short, None, "é" * BLOCK]))
    assert found.to_pylist()[:3] == [len(zlib.compress(long.encode()[:BLOCK], 6)), None, None]
    assert found[3].as_py() < 60
    assert compressed_sizes(pa.array([long], pa.large_string())) == found[:1]


def test_length_beyond_the_block_does_not_matter_but_repetition_does():
    text = prose(3, 900)
    sizes = compressed_sizes(pa.array([text, text + prose(4, 5_000), (text[:200] + " ") * 20]))
    assert sizes[0] == sizes[1] and sizes[2].as_py() < sizes[0].as_py() / 3
