"""What a run remembers of its trusted documents serves later runs: `curate run --human-reference OUTPUT`."""

import json
import shutil
from collections import Counter
from datetime import datetime, timezone

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate.config import make_config
from curate.decisions.memory import ABOUT, FOLDER, REMEMBERED
from curate.io.filesystem import LocalFiles
from curate.io.human import find_memory

SETTINGS = tuple(
    part
    for setting in ("mixture.min_reference=60", "mixture.clusters=6", "synthetic.min_group=20", "quality.min_group=100")
    for part in ("--set", setting)
)
NOW = datetime(2025, 3, 1, tzinfo=timezone.utc)
SHARED = range(150, 170)
"""Trusted documents of the first crawl that the second has again."""


def later(corpus):
    """A crawl of now: what it has of old pages is what the first one had of them too."""
    rows = corpus.slice(150, 150)
    old = pa.array([150 + place in SHARED for place in range(rows.num_rows)])
    stamps = [
        stamp if kept else NOW for stamp, kept in zip(rows["timestamp"].to_pylist(), old.to_pylist(), strict=True)
    ]
    place = rows.schema.get_field_index("timestamp")
    return rows.set_column(place, "timestamp", pa.array(stamps, rows.schema.field("timestamp").type))


@pytest.fixture(scope="module")
def run(curate, output_of):
    def run(input, output, *arguments, code=0):
        outcome = curate("run", "--input", input, "--output", output, *SETTINGS, *arguments)
        assert outcome.code == code, outcome.err
        return output_of(output) if code == 0 else outcome.message

    return run


@pytest.fixture(scope="module")
def place(corpus, tmp_path_factory):
    place = tmp_path_factory.mktemp("remembered")
    pq.write_table(corpus.slice(0, 200), place / "first.parquet")
    pq.write_table(later(corpus), place / "second.parquet")
    return place


@pytest.fixture(scope="module")
def first(run, place):
    return run(place / "first.parquet", place / "first")


@pytest.fixture(scope="module")
def second(run, place, first):
    output = run(place / "second.parquet", place / "second", "--human-reference", first.path)
    output.assert_whole()
    return output


def people_of(output):
    return output.table(f"artefacts/{FOLDER}").sort_by([("content", "ascending"), ("id", "ascending")])


def totals_of(output):
    return json.loads((output.path / "artefacts" / FOLDER / ABOUT).read_text())["totals"]


def reference_of(output):
    return json.loads((output.path / "artefacts" / "reference.json").read_text())


def figures(output):
    report = json.loads((output.path / "report.json").read_text())
    return {figure["name"]: figure for panel in report["panels"] for figure in panel["figures"]}


def sums(rows, measure):
    total = Counter()
    for row in rows:
        total[str(row["cluster"])] += measure(row)
    return dict(total)


def test_a_run_keeps_its_trusted_documents_without_their_texts(curate, first):
    people, rows = people_of(first), first.rows
    assert people.schema == REMEMBERED
    trusted = {id for id, row in rows.items() if row["tier"] == "trusted_human" and row["decision"] == "kept"}
    assert len(trusted) > 60 and set(people["id"].to_pylist()) == trusted
    for row in people.to_pylist():
        told = rows[row["id"]]
        assert all(row[name] == told[name] for name in ("tokens", "language", "cluster", "detector_score"))
    clustered = people.filter(people["cluster"].is_valid()).to_pylist()
    assert reference_of(first)["tokens"] == totals_of(first)["tokens"] == sums(clustered, lambda row: row["tokens"])
    assert curate("verify", first.path).code == 0
    listed = [name for name in first.manifest["digests"] if name.startswith(f"artefacts/{FOLDER}/")]
    assert len(listed) == 1 + len(first.parts(f"artefacts/{FOLDER}"))
    with open(first.parts(f"artefacts/{FOLDER}")[0], "ab") as file:
        file.write(b" ")
    assert curate("verify", first.path).code == 1
    with open(first.parts(f"artefacts/{FOLDER}")[0], "rb+") as file:
        file.truncate(file.seek(-1, 2))


def test_shares_thresholds_and_quality_rest_on_both(curate, run, place, first, second):
    alone = run(place / "second.parquet", place / "alone")
    assert not alone.manifest["mixture"]["anchored"] and second.manifest["mixture"]["anchored"]
    old, both = people_of(first), people_of(second)
    assert len(set(zip(*(both[name].to_pylist() for name in ("content", "content_low")), strict=True))) == both.num_rows
    own = {id for id, row in second.rows.items() if row["tier"] == "trusted_human" and row["decision"] == "kept"}
    assert own == {id for id, row in alone.rows.items() if row["tier"] == "trusted_human" and row["decision"] == "kept"}
    assert len(own) > 5 and own <= set(old["id"].to_pylist())  # so the corpus brings nothing that is not remembered
    assert both.equals(old)
    for name in ("tokens", "documents", "squares", "windows", "calibration", "quality"):
        assert reference_of(second)[name] == reference_of(first)[name], name
    shares = [[row["reference"] for row in output.manifest["mixture"]["clusters"]] for output in (first, second)]
    assert shares[0] == shares[1]
    groups = [{row["group"]: row["n"] for row in figures_of_groups(output)} for output in (first, second, alone)]
    assert groups[1] == groups[0] and groups[2].get("en", 0) < groups[0]["en"]
    named = second.manifest["human_reference"]
    assert named["counts"]["remembered"] == sum(totals_of(first)["documents"].values())
    assert named["path"] == str(first.path) and all(f"/{FOLDER}/" in path for path in named["files"])
    assert "remembered from" in figures(second)["reference"]["note"]
    assert figures(second)["human_reference"]["value"] == named["counts"]["used"]
    assert second.manifest["artefacts"]["centroids"] == first.manifest["artefacts"]["centroids"]
    group = next(id for id, row in second.rows.items() if row["group"] and row["group_n"])
    assert f"those of {first.path} among them" in curate("explain", second.path, group).out
    assert curate("verify", second.path).code == 0


def figures_of_groups(output):
    return json.loads((output.path / "report.json").read_text())["calibration"]["groups"]


def test_a_chain_remembers_all_of_its_runs(corpus, run, place, second, prose):
    source = prose(77)
    texts = [source.text(70, "harbour") for _ in range(40)]
    columns = {"id": [f"new-{n}" for n in range(40)], "text": texts, "timestamp": ["2019-01-01"] * 40}
    pq.write_table(pa.table(columns | {"language": ["en"] * 40}), place / "third.parquet")
    third = run(place / "third.parquet", place / "third", "--human-reference", place / "second")
    old, all = people_of(second), people_of(third)
    assert set(all["id"].to_pylist()) == {*old["id"].to_pylist(), *columns["id"]}
    clustered = all.filter(all["cluster"].is_valid()).to_pylist()
    assert totals_of(third)["documents"] == sums(clustered, lambda row: 1)
    assert totals_of(third)["squares"] == sums(clustered, lambda row: row["tokens"] ** 2)
    assert reference_of(third)["documents"] == totals_of(third)["documents"]


def test_an_empty_crawl_forgets_nothing(run, place, first):
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), place / "empty.parquet")
    empty = run(place / "empty.parquet", place / "empty", "--human-reference", first.path)
    assert people_of(empty).equals(people_of(first)) and totals_of(empty) == totals_of(first)


def test_without_a_mixture_or_a_detector_nothing_is_forgotten(run, place, first, second):
    between = run(place / "second.parquet", place / "between", "--human-reference", first.path,
                  "--set", "mixture.enabled=false", "--set", "synthetic.enabled=false")  # fmt: skip
    assert people_of(between).equals(people_of(first)) and totals_of(between) == totals_of(first)
    last = run(place / "second.parquet", place / "last", "--human-reference", between.path)
    assert last.ledger.equals(second.ledger)


def test_same_ledger_for_other_shards_and_parts_of_the_memory(corpus, run, place, first, second, tmp_path):
    shutil.copytree(first.path / "artefacts", tmp_path / "artefacts")
    people = people_of(first)
    for part in (tmp_path / "artefacts" / FOLDER).glob("*.parquet"):
        part.unlink()
    for number, rows in enumerate((people.slice(40), people.slice(10, 30), people.slice(0, 10))):
        pq.write_table(rows, tmp_path / "artefacts" / FOLDER / f"{number}.parquet")
    rows, shards = later(corpus), tmp_path / "shards"
    shards.mkdir()
    for shard in range(4):
        pq.write_table(rows.take(pa.array(range(shard, rows.num_rows, 4)[::-1])), shards / f"{shard}.parquet")
    other = run(shards, tmp_path / "out", "--human-reference", tmp_path)
    assert other.ledger.drop_columns(["source_file"]).equals(second.ledger.drop_columns(["source_file"]))
    assert people_of(other).equals(people_of(second)) and reference_of(other) == reference_of(second)


def test_decides_again_when_the_first_output_is_gone(curate, place, first, second, output_of):
    first.path.rename(place / "gone")
    try:
        outcome = curate("decide", "--annotations", second.path, "--output", place / "again")
    finally:
        (place / "gone").rename(first.path)
    assert outcome.code == 0, outcome.err
    again = output_of(place / "again")
    assert again.ledger.equals(second.ledger) and people_of(again).equals(people_of(second))
    assert again.manifest["human_reference"] == second.manifest["human_reference"]


def test_groups_of_a_column_keep_their_numbers_and_new_ones_follow(corpus, run, place, tmp_path):
    def topics(rows, name, *values):
        column = pa.array([values[index % len(values)] for index in range(rows.num_rows)])
        pq.write_table(rows.append_column("topic", column), tmp_path / f"{name}.parquet")

    topics(corpus.slice(0, 200), "first", "law", "sea")
    topics(later(corpus), "second", "air", "sea", "art")
    by_topic = ("--set", "mixture.group_column=topic")
    one = run(tmp_path / "first.parquet", tmp_path / "one", *by_topic)
    two = run(tmp_path / "second.parquet", tmp_path / "two", *by_topic, "--human-reference", one.path)
    rows = json.loads((two.path / "report.json").read_text())["clusters"]
    assert {row["cluster"]: row["terms"] for row in rows} == {0: ["law"], 1: ["sea"], 2: ["air"], 3: ["art"]}
    assert totals_of(two) == totals_of(one)  # a text counts once, though it is of another topic now
    assert next(row for row in rows if row["cluster"] == 0)["reference"] > 0.3
    wrong = run(tmp_path / "second.parquet", tmp_path / "three", "--human-reference", one.path, code=2)
    assert "mixture.group_column is None" in wrong and "made with 'topic'" in wrong


def test_embeddings_of_a_column(corpus, run, tmp_path):
    def embedded(rows, name):
        vectors = np.eye(8, dtype=np.float32)[np.arange(rows.num_rows) % 4] + 0.01
        column = pa.array(vectors.tolist(), pa.list_(pa.float32(), 8))
        pq.write_table(rows.append_column("vector", column), tmp_path / f"{name}.parquet")

    embedded(corpus.slice(0, 200), "first")
    embedded(later(corpus), "second")
    settings = ("--set", "mixture.embedding_column=vector", "--set", "mixture.dimensions=8")
    one = run(tmp_path / "first.parquet", tmp_path / "one", *settings)
    two = run(tmp_path / "second.parquet", tmp_path / "two", *settings, "--human-reference", one.path)
    assert two.manifest["artefacts"]["centroids"] == one.manifest["artefacts"]["centroids"]
    assert two.manifest["mixture"]["anchored"] and totals_of(two) == totals_of(one)


def test_is_found_in_an_output_its_artefacts_and_by_itself(first, place, tmp_path):
    def found(path):
        memory = find_memory(make_config({"synthetic": {"human_reference": str(path)}}), LocalFiles())
        return memory and memory.folder

    folder = first.path / "artefacts" / FOLDER
    assert found(first.path) == found(f"{folder.parent}/") == found(folder) == str(folder)
    assert found(place / "first.parquet") is found(place / "nowhere") is None


def replaced(name, content):
    def replace(artefacts):
        (artefacts / name).write_bytes(content)

    return replace


def other_columns(artefacts):
    (part, *_) = (artefacts / FOLDER).glob("*.parquet")
    pq.write_table(pa.table({"id": ["a"]}), part)


@pytest.mark.parametrize(
    ("change", "more", "message"),
    [
        (lambda artefacts: (artefacts / "centroids.npz").unlink(), (), "clusters of another embedding"),
        (replaced("embedding.npz", b"x"), (), "clusters of another embedding"),
        (replaced(f"{FOLDER}/{ABOUT}", b"{}"), (), "its format is None, expected 1"),
        (other_columns, (), "has other columns than this version"),
        (None, ("--set", "mixture.dimensions=32"), "mixture.dimensions is 32, but human reference"),
        (None, ("--artefacts", "ARTEFACTS"), "both bring a calibration"),
    ],
)
def test_refused(run, place, first, tmp_path, change, more, message):
    artefacts = tmp_path / "artefacts"
    shutil.copytree(first.path / "artefacts", artefacts)
    if change:
        change(artefacts)
    more = [artefacts if part == "ARTEFACTS" else part for part in more]
    told = run(place / "second.parquet", tmp_path / "out", *more, "--human-reference", tmp_path, code=2)
    assert message in told
    assert not (tmp_path / "out").exists()


def test_another_detector_is_refused(run, place, first, tmp_path):
    shutil.copytree(first.path / "artefacts", tmp_path / "artefacts")
    path = tmp_path / "artefacts" / FOLDER / ABOUT
    path.write_text(path.read_text().replace(first.manifest["artefacts"]["detector"], "another"))
    told = run(place / "second.parquet", tmp_path / "out", "--human-reference", tmp_path, code=2)
    assert "remembers scores of the detector another" in told


def test_transforms_do_not_take_it(first):
    import apache_beam as beam

    from curate.errors import UsageError
    from curate.transforms import Curate

    settings = {"synthetic": {"human_reference": str(first.path)}}
    with pytest.raises(UsageError, match="is what a run remembers"):
        _ = beam.Pipeline() | beam.Create([{"text": "a"}]) | Curate(settings)
