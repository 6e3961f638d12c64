"""Logs, errors and all that a run writes beside the documents say ids and hashes, not what the texts say."""

import json
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

CANARY = "zyxcanary"
"""Begins a word of its own in each text, and in each record that cannot be decoded."""


def word(number):
    return f"{CANARY}{number:04d}"


def texts_of(prose, count):
    source = prose(17)
    bodies = [source.text(120).split() for _ in range(count)]
    for number, body in enumerate(bodies):
        body[10:10] = [word(number), "my", "password", "is", f"hunter{number}"]
    return [" ".join(body) for body in bodies]


@pytest.fixture(scope="module")
def private(tmp_path_factory, prose, curate_process):
    """A run over documents and bad records that are all secret, without examples: its output and what it printed."""
    folder = tmp_path_factory.mktemp("private")
    texts = texts_of(prose, 120)
    texts[40:60] = [text.replace(" is ", " was ") for text in texts[:20]]  # near duplicates
    texts[60:70] = texts[:10]
    columns = {
        "id": [f"doc-{number}" for number in range(100)],
        "text": texts[:100],
        "origin": ["synthetic" if number % 5 == 0 else None for number in range(100)],
        "timestamp": ["2019-01-01" if number % 3 else "2024-01-01" for number in range(100)],
        "media_path": [None if number % 10 else f"gone-{number}.png" for number in range(100)],
    }
    (folder / "in").mkdir()
    pq.write_table(pa.table(columns), folder / "in" / "a.parquet")
    bad = pa.array([text.encode() + b"\xff" for text in texts[100:110]], pa.binary())
    bad = pa.StringArray.from_buffers(10, *bad.buffers()[1:])
    pq.write_table(pa.table({"id": [f"bad-{n}" for n in range(10)], "text": bad}), folder / "in" / "b.parquet")
    lines = [json.dumps({"id": f"line-{n}", "text": text}).encode() for n, text in enumerate(texts[110:])]
    lines += [lines[0][:-20], lines[1] + b"}", b"\xfe" + lines[2], json.dumps(texts[3]).encode(), texts[4].encode()]
    lines += [
        b'{"%s": \xff}' % texts[5].encode(),
        b'{"text": "%s \\ud800"}' % texts[6].encode(),
        b'["%s"' % texts[7].encode(),
    ]
    (folder / "in" / "c.jsonl").write_bytes(b"\n".join(lines))
    (folder / "in" / "d.parquet").write_bytes(texts[8].encode())
    (folder / "in" / "e.arrow").write_bytes(b"ARROW1" + texts[9].encode())
    outcome = curate_process("run", "--input", folder / "in", "--output", folder / "out", "--set", "report.examples=0")
    assert outcome.code == 0, outcome.err
    return folder / "out", outcome


def told(path):
    """All that a file says, Parquet decoded."""
    if path.suffix == ".parquet":
        return json.dumps(pq.read_table(path).to_pylist(), default=str)
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            found = [arrays[name].ravel() for name in arrays.files]
        return " ".join(
            str(each.tolist()) if each.dtype.kind in "US" else each.tobytes().decode("latin-1") for each in found
        )
    return path.read_bytes().decode("latin-1")


def test_what_is_printed_and_logged_has_no_text(private):
    _, outcome = private
    assert not re.search(rf"{CANARY}|hunter\d", outcome.out + outcome.err)


def test_what_is_written_beside_the_documents_has_no_text(private):
    output, _ = private
    texts = {path.relative_to(output) for path in output.rglob("*") if path.is_file()}
    documents = {path for path in texts if path.parts[0] in ("data", "held")}
    assert documents and len(texts) > len(documents) + 8
    leaks = {
        str(path): re.findall(rf".{{0,60}}(?:{CANARY}|hunter\d).{{0,60}}", told(output / path))[:3]
        for path in sorted(texts - documents)
    }
    assert {path: found for path, found in leaks.items() if found} == {}


def test_bad_records_are_in_the_errors_by_place(private):
    output, _ = private
    errors = pa.concat_tables([pq.read_table(path) for path in (output / "errors").glob("*.parquet")])
    assert errors.num_rows == 10 + 8
    assert all(errors["error"].to_pylist())
