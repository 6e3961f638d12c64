import gzip
import hashlib
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate.config import make_config
from curate.errors import UsageError
from curate.exclude import evaluation_index, load_evaluation

LONG = "one two three four five six seven eight nine ten"


def parquet(columns):
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


def lines(*rows):
    return "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows).encode()


def load(files, **settings):
    """Loads files given by name; a missing one raises as a filesystem would."""

    def open_file(path):
        if path not in files:
            raise FileNotFoundError(2, "No such file or directory")
        return files[path]

    exclude = settings.pop("exclude", list(files))
    return load_evaluation(make_config({"dedupe": {"exclude": exclude}, **settings}), open_file)


def names(sets):
    return sorted(sets.index.names.to_pylist())


def test_nothing_to_exclude():
    assert load({}) is None
    assert evaluation_index(make_config({}), open) is None


def test_files_of_every_kind():
    files = {
        "gs://sets/a.parquet": parquet({"id": ["p0", None, ""], "text": [LONG, f"{LONG} more", "brief"]}),
        "b.jsonl": lines({"id": 7, "text": f"{LONG} seven"}, "", {"text": f"{LONG} none"}, {"id": "x", "text": " "}),
        "in/c.jsonl.gz": gzip.compress(lines({"text": f"{LONG} zipped"})),
    }
    sets = load(files)
    assert names(sets) == ["7", "a.parquet#1", "a.parquet#2", "b.jsonl#1", "c.jsonl.gz#0", "p0"]
    assert sets.files == {
        path: {"sha256": hashlib.sha256(files[path]).hexdigest(), "bytes": len(files[path]), "items": n, "whole": whole}
        for path, n, whole in (("gs://sets/a.parquet", 3, 1), ("b.jsonl", 2, 0), ("in/c.jsonl.gz", 1, 0))
    }


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (pa.array([1, None]), ["1", "f.parquet#1"]),
        (pa.array([b"\x01\xff", b""]), ["01ff", "f.parquet#1"]),
        (pa.array(["a", "b"]).dictionary_encode(), ["a", "b"]),
        (pa.array([None, None], pa.null()), ["f.parquet#0", "f.parquet#1"]),
    ],
)
def test_names_of_texts(ids, expected):
    texts = pa.array([LONG, LONG + " more"]).dictionary_encode()
    assert names(load({"f.parquet": parquet({"id": ids, "text": texts})})) == expected


def test_columns_are_those_of_the_documents():
    columns = {"columns": {"text": "question", "id": "key"}}
    content = parquet({"key": ["k"], "question": [LONG], "text": ["unused"]})
    assert names(load({"f.parquet": content}, documents=columns)) == ["k"]


def test_order_and_repeats_of_files_do_not_matter():
    files = {"a.jsonl": lines({"id": "q", "text": LONG}), "b.jsonl": lines({"id": "p", "text": LONG.upper()})}
    for exclude in (["a.jsonl", "b.jsonl"], ["b.jsonl", "a.jsonl", "b.jsonl"]):
        assert names(load(files, exclude=exclude)) == ["p"]


def test_a_file_is_indexed_once_until_it_changes():
    one, other = {"a.jsonl": lines({"text": LONG})}, {"a.jsonl": lines({"id": "new", "text": LONG})}
    assert load(one) is load(dict(one))
    assert load(one, run={"seed": 9}) is load(one)
    assert names(load(other)) == ["new"]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("gone.jsonl", None, r"'gone.jsonl' cannot be read \(No such file or directory\)"),
        ("set.csv", b"text\n", r"'set.csv' is of no known format, expected one of .parquet"),
        ("a.parquet", parquet({"question": ["x"], "n": [1]}), "no text column 'text' among the columns question, n"),
        ("a.parquet", parquet({"text": [1]}), "column 'text' is int64, expected string"),
        ("a.parquet", parquet({"text": ["", " ", None]}), "has no text in column 'text', expected at least one"),
        ("a.parquet", parquet({"text": pa.array([], pa.string())}), "has no text in column 'text'"),
        ("a.parquet", parquet({"text": ["x"], "id": [["a"]]}), "id column 'id' is list"),
        ("a.parquet", b"PAR1 or not", "cannot be decoded"),
        ("a.jsonl", b"", r"no text column 'text' among the columns \(none\)"),
        ("a.jsonl", lines({"text": LONG}, "{"), r"'a.jsonl', line 2: invalid JSON .* mend or remove the line"),
        ("a.jsonl.gz", b"no gzip", "cannot be decoded"),
    ],
)
def test_bad_files(name, content, expected):
    files = {"fine.jsonl": lines({"text": LONG})} | ({} if content is None else {name: content})
    with pytest.raises(UsageError, match=expected):
        load(files, exclude=["fine.jsonl", name])
