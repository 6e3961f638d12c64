"""Earlier outputs as directories: which are taken, what is read of them, and what is refused."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate.config import make_config
from curate.errors import UsageError
from curate.io.blocks import read_split
from curate.io.earlier import earlier_outputs, refuse_output
from curate.io.filesystem import LocalFiles

DATA = {
    "id": ["x", "y"],
    "text": ["one", "two"],
    "price": [1, 2],
    "curate_id": ["a", "b"],
    "curate_origin": ["human"] * 2,
}


@pytest.fixture
def output(tmp_path):
    """Writes an output directory with some data files, each a dict of columns."""

    def output(name, *parts, **manifest):
        digests = {"ledger/part-0.parquet": {}}
        for number, columns in enumerate(parts):
            path = tmp_path / name / "data" / f"part-{number}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.table(columns), path)
            digests[f"data/{path.name}"] = {}
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "manifest.json").write_text(json.dumps({"counts": {}, "digests": digests, **manifest}))
        return str(tmp_path / name)

    return output


def opened(*directories, **settings):
    return earlier_outputs(directories, make_config(settings), LocalFiles())


def refusal(*directories, **settings):
    with pytest.raises(UsageError) as caught:
        opened(*directories, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_columns_that_are_read(output):
    """What curate found is no evidence of its own, and what nobody reads need not go together."""
    [first, second] = opened(output("1", DATA), output("2", {**DATA, "price": ["p", "q"]}))
    assert sorted(first.plan.schema.names) == ["curate_id", "text"] == sorted(second.plan.schema.names)
    [block] = read_split(first.plan.splits[0], first.plan, LocalFiles())
    assert block.table["curate_id"].to_pylist() == ["a", "b"]


def test_columns_that_survivors_are_preferred_by_are_read(output):
    [found] = opened(output("1", DATA), dedupe={"prefer": ["-price"]})
    assert "price" in found.plan.schema.names


def test_outputs_bring_those_that_they_were_made_against(output):
    one = output("1", DATA)
    two = output("2", DATA, against=[one])
    three = output("3", DATA, against=[two, one])
    assert [found.directory for found in opened(three)] == [three, two, one]
    assert [found.directory for found in opened(one, f"{three}/", one)] == [one, three, two]


def test_a_file_that_the_manifest_does_not_list_is_not_read(output, tmp_path):
    directory = output("1", DATA)
    pq.write_table(pa.table(DATA), tmp_path / "1" / "data" / "part-9.parquet")
    assert opened(directory)[0].plan.rows == 2


def test_an_output_without_documents(output):
    empty = {name: pa.array([], pa.string()) for name in ("text", "curate_id")}
    assert opened(output("1", empty))[0].plan.rows == 0


def test_what_is_no_output_is_refused(output, tmp_path):
    one = output("1", DATA)
    assert "has no manifest.json, expected the output directory" in refusal(f"{one}/data")
    (tmp_path / "bad").mkdir()
    for content in ("{", "[]", '{"counts": {}}'):
        (tmp_path / "bad" / "manifest.json").write_text(content)
        assert "is not one of curate" in refusal(str(tmp_path / "bad"))
    gone = str(tmp_path / "gone")
    message = refusal(output("2", DATA, against=[gone]))
    assert f"{gone!r}, which" in message and "was made against, has no manifest.json" in message
    assert "put it back" in message


def test_incomplete_outputs_are_refused(output, tmp_path):
    assert "curate decide --apply" in refusal(output("1"))
    two = output("2", DATA, DATA)
    (tmp_path / "2/data/part-1.parquet").write_bytes(b"PAR1")
    assert "part-1.parquet cannot be read" in refusal(two)
    (tmp_path / "2/data/part-1.parquet").unlink()
    assert "lacks data/part-1.parquet" in refusal(two)


def test_other_columns_and_settings_are_refused(output):
    one = output("1", DATA)
    message = refusal(one, documents={"columns": {"text": "body"}})
    assert message.startswith(f"against {one!r}: no text column 'body'")
    assert "dedupe.enabled is false" in refusal(one, dedupe={"enabled": False})


def test_outputs_are_not_written_to(tmp_path):
    one = tmp_path / "a" / "1"
    one.mkdir(parents=True)
    (tmp_path / "link").symlink_to(one)
    for output in (one, one / "deep" / "er", tmp_path / "a", tmp_path / "link", tmp_path / "link" / "x"):
        with pytest.raises(UsageError, match="is not changed"):
            refuse_output(str(output), [str(one)])
    for output in (tmp_path / "a" / "12", tmp_path / "b"):
        refuse_output(str(output), [str(one)])
    with pytest.raises(UsageError):
        refuse_output("gs://bucket/out/x", ["gs://bucket/out"])
    refuse_output("gs://bucket/out2", ["gs://bucket/out"])
