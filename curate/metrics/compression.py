"""Compression: how many bytes a text has for each that zlib leaves of it. Repetition compresses, noise does not.

Ratios depend on the size of what is compressed (`cshaib/diversity` compresses whole corpora, which is not comparable),
so a block of one size is taken from the beginning of every document that is long enough.
"""

import zlib

import pyarrow as pa
import pyarrow.compute as pc

BLOCK = 2_048
"""Bytes of a block: most web documents are as long."""

LEVEL = 6


def compressed_sizes(texts: pa.Array) -> pa.Array:
    """Bytes that zlib leaves of the first `BLOCK` of each text.

    Args:
        texts: string, large_string or their binaries [n].

    Returns:
        uint16[n], null for texts that are null or shorter.
    """
    blocks = pc.binary_slice(texts.cast(pa.large_binary()), 0, BLOCK)
    enough = pc.greater_equal(pc.binary_length(blocks), BLOCK).fill_null(False).to_pylist()
    sizes = [
        len(zlib.compress(block.as_buffer(), LEVEL)) if whole else None
        for block, whole in zip(blocks, enough, strict=True)
    ]
    return pa.array(sizes, pa.uint16())
