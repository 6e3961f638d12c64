import uuid

import numpy as np
import pyarrow as pa
import pytest
import xxhash

from curate.config import make_config
from curate.hashing import hash_strings
from curate.io.ids import document_ids

CONFIG = make_config({})


def ids(columns, **settings):
    return document_ids(pa.table(columns), make_config(settings)).ids.to_pylist()


def content(data):
    return xxhash.xxh3_128_hexdigest(data)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array(["a", "é"]), ["a", "é"]),
        (pa.array(["a", "b"], pa.large_string()), ["a", "b"]),
        (pa.array(["a", "a"]).dictionary_encode(), ["a", "a"]),
        (pa.array([1, -2], pa.int8()), ["1", "-2"]),
        (pa.array([1.0, 12.0]), ["1", "12"]),  # what pandas makes of integers beside a null
        (pa.array([b"\x00\xff", b"ab"]), ["00ff", "6162"]),
        (pa.array([b"\x00\xff", b"ab"], pa.binary(2)), ["00ff", "6162"]),
        (pa.array([uuid.UUID(int=1).bytes, uuid.UUID(int=2).bytes], pa.uuid()), [f"{1:032x}", f"{2:032x}"]),
        (pa.array([True, False]), ["true", "false"]),
    ],
)
def test_the_callers_ids_as_strings(column, expected):
    assert ids({"id": column, "text": ["x", "y"]}) == expected


def test_null_and_empty_ids_are_content_hashes():
    got = ids({"id": ["a", None, ""], "text": ["x", "y", "é"]})
    assert got == ["a", content(b"y"), content("é".encode())]
    assert ids({"id": pa.nulls(1), "text": ["x"]}) == [content(b"x")]


def test_without_ids_content_counts_and_position_does_not():
    assert ids({"text": ["x", "y", "x"]}) == [content(b"x"), content(b"y"), content(b"x")]
    assert ids({"body": ["x"]}, documents={"columns": {"text": "body"}}) == [content(b"x")]
    table = {
        "text": [None, "", None, None, "t"],
        "media": [b"m", b"n", None, b"", b"o"],
        "media_path": [None, "p", "q", None, "r"],
    }
    assert ids(table) == [content(b"m"), content(b"n"), content(b"q"), content(b""), content(b"t")]


def test_duplicate_ids_stay_equal_and_rows_tell_them_apart():
    result = document_ids(pa.table({"id": ["a", "a"], "text": ["x", "y"]}), CONFIG)
    assert result.id_hash[0] == result.id_hash[1] == hash_strings(pa.array(["a"]))[0]
    assert result.row_hash[0] != result.row_hash[1]


def test_types_and_empty_tables():
    result = document_ids(pa.table({"id": pa.array([], pa.int64()), "text": pa.array([], pa.string())}), CONFIG)
    assert result.ids.type == pa.string() and len(result.ids) == 0
    assert result.id_hash.dtype == result.row_hash.dtype == np.uint64
    chunked = pa.table({"text": pa.chunked_array([["a"], [], ["b", None]])}).slice(1)
    assert document_ids(chunked, CONFIG).ids.to_pylist() == [content(b"b"), content(b"")]
