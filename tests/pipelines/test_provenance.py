"""Lineage, rights and reliabilities, through the command line and as a transform."""

import json

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from apache_beam.testing.util import assert_that

from curate.transforms import AttachProvenance

CONFIG = """
provenance:
  sources:
    press: {origin: human, rights: allow}
    forum: {capture_cutoff: 2019-01-01, reliability: 0.4}
    contract: {rights: constrained}
  licenses: {CC-BY-NC-4.0: deny, CC-BY-4.0: allow}
dedupe: {enabled: false}
synthetic: {enabled: false}
mixture: {enabled: false}
"""

ROWS = {
    # id: (columns, rights, stage, origin, kinds of evidence)
    "plain": ({}, "unknown", None, "unknown", []),
    "press": ({"source": "press"}, "allow", None, "human", ["source_list", "source_rights"]),
    "press-noai": (
        {"source": "press", "robots": ["index", "noai"]}, "deny", "rights", "human",
        ["robots", "source_list", "source_rights"],
    ),
    "forum": ({"source": "forum", "timestamp": "20200101120000", "origin": "ai"}, "unknown", None, "synthetic",
              ["origin_column"]),
    "archived": ({"source": "web", "timestamp": "20200101120000"}, "unknown", None, "human", ["capture_date"]),
    "aipref": ({"content_usage": "train-ai=n, search=y"}, "deny", "rights", "unknown", ["content_usage"]),
    "tdm": ({"tdm_reservation": 1}, "deny", "rights", "unknown", ["tdm_reservation"]),
    "policy": ({"tdm_reservation": 1, "tdm_policy": "https://example.org/policy"}, "constrained", "rights", "unknown",
               ["tdm_reservation"]),
    "contract": ({"source": "contract", "rights": "allow"}, "constrained", "rights", "unknown",
                 ["rights_column", "source_rights"]),
    "licensed": ({"license": "cc-by-4.0"}, "allow", None, "unknown", ["license"]),
    "noncommercial": ({"license": "CC-BY-NC-4.0"}, "deny", "rights", "unknown", ["license"]),
    "made": ({"parent": "plain"}, "unknown", None, "unknown", ["parent"]),
}  # fmt: skip

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.string()),
        ("source", pa.string()),
        ("timestamp", pa.string()),
        ("origin", pa.string()),
        ("parent", pa.string()),
        ("license", pa.string()),
        ("rights", pa.string()),
        ("content_usage", pa.string()),
        ("robots", pa.list_(pa.string())),
        ("tdm_reservation", pa.int8()),
        ("tdm_policy", pa.string()),
    ]
)


@pytest.fixture(scope="module")
def table(prose):
    words = prose(3)
    rows = [{"id": name, "text": words.text(60), **columns} for name, (columns, *_) in ROWS.items()]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


@pytest.fixture(scope="module")
def finished_run(table, curate, output_of, tmp_path_factory):
    folder = tmp_path_factory.mktemp("provenance")
    pq.write_table(table, folder / "in.parquet")
    (folder / "curate.yaml").write_text(CONFIG)
    done = curate(
        "run", "--input", folder / "in.parquet", "--output", folder / "out", "--config", folder / "curate.yaml"
    )
    assert done.code == 0, done.err
    return output_of(folder / "out")


def seen(rows):
    return {
        name: (
            row["rights"],
            row["stage"],
            row["origin"],
            sorted(item["kind"] for item in row["evidence"] or ()),
        )
        for name, row in rows.items()
    }


EXPECTED = {name: (rights, stage, origin, kinds) for name, (_, rights, stage, origin, kinds) in ROWS.items()}


def test_every_basis_is_in_the_ledger(finished_run):
    finished_run.assert_whole()
    assert seen(finished_run.rows) == EXPECTED


def test_explain_tells_the_basis_and_the_lineage_in_sentences(finished_run, curate):
    denied = curate("explain", finished_run.path, "press-noai").out
    assert "dropped at stage rights" in denied
    assert "deny (the most restrictive holds)" in denied and "its robots tag (index, noai)" in denied
    assert "allow by the rule for its source (press)" in denied
    assert "The operator knows the origin of its source, press. It speaks for human (strong, -8.00" in denied
    assert "captured on 2020-01-01, before the cut-off" in curate("explain", finished_run.path, "archived").out
    assert (
        "It was made from the document plain. It says nothing of origin."
        in curate("explain", finished_run.path, "made").out
    )


def test_rights_and_sources_are_decided_anew_without_annotating(finished_run, curate, output_of, tmp_path):
    changed = ("--set", "provenance.licenses={CC-BY-4.0: deny}", "--set", "provenance.drop_rights=[deny]")
    done = curate("decide", "--annotations", finished_run.path, "--output", tmp_path / "out", *changed)
    assert done.code == 0, done.err
    rows = output_of(tmp_path / "out").rows
    assert [rows[name]["stage"] for name in ("licensed", "contract", "tdm", "plain")] == [
        "rights",
        None,
        "rights",
        None,
    ]


def test_the_transform_finds_the_same(table, finished_run):
    config = {"provenance": yaml.safe_load(CONFIG)["provenance"]}
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        outputs = pipeline | beam.Create(table.to_pylist()) | AttachProvenance(config=config)
        merged = (outputs["kept"], outputs["dropped"], outputs["held"]) | beam.Flatten()
        assert_that(merged | beam.Map(lambda row: row["id"]), _same_ids(set(ROWS)))
        assert_that(
            outputs["dropped"] | beam.Map(lambda row: row["id"]),
            _same_ids({name for name, row in ROWS.items() if row[2] == "rights"}),
        )


def _same_ids(expected):
    def check(found):
        assert set(found) == expected, (sorted(found), sorted(expected))

    return check


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("provenance.sources={a: {origin: human}}", "'a'"),
        ("provenance.sources={b: {origin: robot}}", "provenance.sources.b.origin"),
        ("provenance.sources={b: {rights: perhaps}}", "provenance.sources.b.rights"),
        ("provenance.reliability={detector: 0.5}", "provenance.reliability"),
        ("provenance.reliability={metadata: 2}", "provenance.reliability.metadata is 2"),
        ("provenance.licenses={mit: maybe}", "provenance.licenses.mit"),
    ],
)
def test_bad_rules_are_refused(settings, words, curate, table, write, tmp_path):
    path = write("in.parquet", table)
    outcome = curate(
        "run", "--input", path, "--output", tmp_path / "out",
        "--set", settings, "--set", "provenance.synthetic_sources=[a]",
    )  # fmt: skip
    assert outcome.code == 2 and words in outcome.message, outcome.err
    assert not (tmp_path / "out").exists()


def test_the_report_counts_what_was_found(finished_run):
    report = json.loads((finished_run.path / "report.json").read_text())
    counted = {(row["kind"], row["claim"]): (row["documents"], row["dropped"]) for row in report["provenance"]}
    assert counted["source_list", "human"] == (2, 1)
    assert counted["license", "deny"] == (1, 1) and counted["license", "allow"] == (1, 0)
    assert sum(n for n, _ in counted.values()) == sum(len(row[4]) for row in ROWS.values())
    assert "Provenance and rights" in (finished_run.path / "report.html").read_text()
