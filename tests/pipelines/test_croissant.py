"""croissant.json of real runs, read by the reference implementation of the format."""

import datetime as dt
import json
import socket
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

mlcroissant = pytest.importorskip("mlcroissant")

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.large_string()),
        ("timestamp", pa.timestamp("ms", "UTC")),
        ("naive", pa.timestamp("ns")),
        ("day", pa.date32()),
        ("time", pa.time64("us")),
        ("took", pa.duration("us")),
        ("flag", pa.bool_()),
        ("price", pa.decimal128(12, 2)),
        ("huge", pa.uint64()),
        ("blob", pa.binary()),
        ("nothing", pa.null()),
        ("tags", pa.list_(pa.string())),
        ("grid", pa.list_(pa.list_(pa.int16()))),
        ("vector", pa.list_(pa.float32(), 2)),
        ("meta", pa.struct([("page", pa.int64()), ("a 'b'", pa.string()), ("deep", pa.struct([("x", pa.float32())]))])),
        ("items", pa.list_(pa.struct([("n", pa.int64()), ("where", pa.string())]))),
        ("pairs", pa.map_(pa.string(), pa.int64())),
        ("odd name/:<ü>", pa.string()),
    ]
)


def rows(texts):
    for index, text in enumerate(texts):
        full = index % 2 == 0
        yield {
            "id": f"doc {index}",
            "text": text,
            "timestamp": dt.datetime(2015, 1, 1 + index, tzinfo=dt.timezone.utc),
            "naive": dt.datetime(2020, 2, 3, 4, 5, 6) if full else None,
            "day": dt.date(2020, 2, 3) if full else None,
            "time": dt.time(4, 5, 6) if full else None,
            "took": dt.timedelta(seconds=3),
            "flag": full or None,
            "price": Decimal("2.25") if full else None,
            "huge": 2**63 + index,
            "blob": b"\xff\x00\xd8" if full else None,
            "tags": ["a", None] if full else None,
            "grid": [[1, 2], [3]] if full else [],
            "vector": [0.5, 1.5],
            "meta": {"page": 7, "a 'b'": "c", "deep": {"x": 2.5}} if full else None,
            "items": [{"n": 1, "where": "x"}, {"n": 2, "where": None}] if full else None,
            "pairs": [("k", 1)] if full else None,
            "odd name/:<ü>": "z",
        }


@pytest.fixture
def offline(monkeypatch):
    def refuse(*_):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def run(curate, tmp_path, only_read):
    def run(table, *options):
        pq.write_table(table, tmp_path / "in.parquet")
        outcome = curate("run", "--input", tmp_path / "in.parquet", "--output", tmp_path / "out", *only_read, *options)
        assert outcome.code == 0, outcome.err
        return tmp_path / "out"

    return run


def records(output):
    dataset = mlcroissant.Dataset(str(output / "croissant.json"))
    return dataset, list(dataset.records("documents"))


def test_every_kind_of_column_is_read_back(run, texts, offline):
    output = run(pa.Table.from_pylist(list(rows(texts)), schema=SCHEMA))
    dataset, found = records(output)
    assert not dataset.metadata.issues.errors
    assert len(found) == len(texts)
    full, bare = found[0], found[1]
    ids = {field.name: field.id for field in dataset.metadata.record_sets[0].fields}
    values = {name: full[id] for name, id in ids.items() if id in full}
    assert values["id"] == b"doc 0" and values["curate_id"] == b"doc 0" and values["text"].decode() == texts[0]
    assert values["timestamp"].isoformat() == "2015-01-01T00:00:00+00:00"
    assert values["naive"].isoformat() == "2020-02-03T04:05:06"
    assert values["day"].date() == dt.date(2020, 2, 3) and values["time"] == dt.time(4, 5, 6)
    assert values["flag"] is True and values["price"] == 2.25 and values["huge"] == 2**63
    assert values["blob"] == b"\xff\x00\xd8" and values["nothing"] is None
    assert values["tags"] == [b"a", None] and values["grid"] == [[1, 2], [3]] and values["vector"] == [0.5, 1.5]
    assert set(values["meta"].values()) == {7, b"c"} and full["documents/meta/deep"] == {"documents/meta/deep/x": 2.5}
    assert [set(item.values()) for item in values["items"]] == [{1, b"x"}, {2, None}]
    assert [list(pair.values()) for pair in values["pairs"]] == [[b"k", 1]]
    assert values["odd name/:<ü>"] == b"z" and "took" not in ids
    assert bare[ids["blob"]] is None and bare[ids["tags"]] is None and bare[ids["grid"]] == []


def test_declared_license_and_citation_leave_nothing_to_warn_of(run, texts, offline):
    said = {"license": "https://spdx.org/licenses/CC0-1.0", "cite_as": "@misc{us}", "name": "ours", "creator": "Us"}
    said["url"] = "https://example.org/ours"
    options = [part for key, value in said.items() for part in ("--set", f"report.dataset.{key}={value!r}")]
    output = run(pa.table({"text": texts}), *options)
    metadata = mlcroissant.Dataset(str(output / "croissant.json")).metadata
    assert not metadata.issues.errors and not metadata.issues.warnings
    assert metadata.name == "ours" and metadata.creators[0].name == "Us"
    described = json.loads((output / "croissant.json").read_text())
    assert described["prov:wasDerivedFrom"][0]["prov:label"].endswith("in.parquet")


def test_an_output_without_documents_is_valid_and_has_no_record(run, offline):
    dataset, found = records(run(pa.table({"text": pa.array([], pa.string())})))
    assert not dataset.metadata.issues.errors and found == []


def test_media_are_bytes(run, offline):
    media = [b"\x89PNG\r\n\x1a\n" + bytes([number]) for number in range(3)]
    dataset, found = records(run(pa.table({"id": ["a", "b", "c"], "media": media})))
    assert not dataset.metadata.issues.errors
    assert [record["documents/media"] for record in found] == media
