import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate.config import Config
from curate.errors import CurateError, UsageError
from curate.io.filesystem import LocalFiles
from curate.report.manifest import COUNTS, build_manifest, digest, load_manifest, reconcile, to_bytes
from curate.report.verify import check_counts, unchecked

FIXED = {
    "reasons": {},
    "unresolved_pairs": 0,
    "config": Config().to_dict(),
    "fingerprints": {},
    "artefacts": {},
    "arguments": {"command": "run", "inputs": []},
    "inputs": {},
    "mix": {},
    "digests": {},
}
TIMES = {"started": "2025-01-01T00:00:00Z", "finished": "2025-01-01T00:01:00Z"}


def counts(**values):
    return dict.fromkeys(COUNTS, 0) | values


def write_run(directory, table, **changes):
    """An output directory whose files and manifest agree."""
    files = {"ledger/part-0.parquet": table}
    for folder, decision in (("data", "kept"), ("held", "held")):
        rows = [row for row in table.to_pylist() if row["decision"] == decision]
        columns = {name: [row[name.removeprefix("curate_")] for row in rows] for name in ("curate_id", "curate_weight")}
        schema = pa.schema([("curate_id", pa.string()), ("curate_weight", pa.float64())])
        files[f"{folder}/part-0.parquet"] = pa.table(columns, schema=schema)
    digests = {}
    for name, content in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(content, directory / name)
        with open(directory / name, "rb") as file:
            digests[name] = digest(file) | {"rows": content.num_rows}
    decisions = table["decision"].to_pylist()
    found = {name: decisions.count(name) for name in ("kept", "dropped", "held")}
    kept = [row for row in table.to_pylist() if row["decision"] == "kept"]
    tokens = [row["tokens"] or 0 for row in kept]
    output = sum(number * row["copies"] for number, row in zip(tokens, kept, strict=True))
    mix = {"unknown": {"documents": len(kept), "tokens": sum(tokens), "output_tokens": output}} if kept else {}
    fixed = FIXED | {"digests": digests, "mix": mix}
    manifest = build_manifest(counts=counts(read=len(decisions), **found), **fixed, **TIMES)
    (directory / "manifest.json").write_bytes(to_bytes(manifest | changes))
    return manifest


@pytest.fixture
def table(ledgers):
    match = {"decision": "dropped", "stage": "dedupe", "matched_id": "a"}
    return ledgers.ledger(
        [
            ledgers.row("a"),
            ledgers.row("b", **match, reason="near", similarity=0.8, containment=0.85),
            ledgers.row("c", **match, reason="contained", similarity=0.3, containment=0.95),
            ledgers.row("d", decision="held", stage="synthetic", reason="suspect"),
        ]
    )


def test_manifest_has_exactly_the_counts_of_the_contract():
    manifest = build_manifest(counts=counts(read=3, kept=1, dropped=1, errors=1), **FIXED, **TIMES)
    assert list(manifest["counts"]) == ["read", "kept", "dropped", "held", "errors", "files_failed", "duplicate_ids"]
    assert json.loads(json.dumps(manifest)) == manifest
    assert {"python", "curate"} <= set(manifest["versions"])


def test_other_names_are_refused():
    with pytest.raises(ValueError, match="expected"):
        build_manifest(counts={"read": 1}, **FIXED, **TIMES)


def test_counts_that_do_not_add_up_are_refused():
    with pytest.raises(CurateError, match="read is 3, expected kept 1"):
        build_manifest(counts=counts(read=3, kept=1), **FIXED, **TIMES)


@pytest.mark.parametrize("ledger", [{"kept": 2}, {"kept": 1, "lost": 1}])
def test_a_ledger_that_differs_is_refused(ledger):
    with pytest.raises(CurateError):
        reconcile({"counts": counts(read=1, kept=1)}, ledger)


def test_load_manifest_names_what_is_wrong(tmp_path):
    with pytest.raises(UsageError, match=r"has no manifest\.json"):
        load_manifest(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(UsageError, match="cannot be read"):
        load_manifest(tmp_path)
    (tmp_path / "manifest.json").write_text('{"counts": {}}')
    with pytest.raises(UsageError, match="not a manifest"):
        load_manifest(tmp_path)


def test_a_sound_output_has_no_problems(tmp_path, table):
    write_run(tmp_path, table)
    assert check_counts(tmp_path) == []


def test_an_output_without_text_is_sound(tmp_path, table):
    manifest = write_run(tmp_path, table)
    for folder in ("data", "held"):
        del manifest["digests"][f"{folder}/part-0.parquet"]
        (tmp_path / folder / "part-0.parquet").unlink()
        (tmp_path / folder).rmdir()
    (tmp_path / "manifest.json").write_bytes(to_bytes(manifest))
    assert check_counts(tmp_path) == []


def test_an_empty_output_is_sound(tmp_path, ledgers):
    write_run(tmp_path, ledgers.ledger([]))
    assert check_counts(tmp_path) == []


def test_changed_missing_foreign_and_unlisted_files_are_found(tmp_path, table):
    manifest = write_run(tmp_path, table)
    pq.write_table(pa.table({"curate_id": ["z"]}), tmp_path / "data/part-0.parquet")
    (tmp_path / "held/part-0.parquet").unlink()
    pq.write_table(table, tmp_path / "ledger/part-1.parquet")
    manifest["digests"]["../outside"] = {"sha256": "", "bytes": 0}
    (tmp_path / "manifest.json").write_bytes(to_bytes(manifest))
    found = check_counts(tmp_path)
    details = "\n".join(problem.detail for problem in found)
    assert {"digests", "counts", "ids", "mix", "data", "held"} == {problem.check for problem in found}
    for words in (
        "has changed",
        "cannot be read",
        "outside the directory",
        "'ledger/part-1.parquet' is not in the manifest",
    ):
        assert words in details


@pytest.mark.parametrize(
    ("values", "check"),
    [
        ({"id": "b", "decision": "dropped", "stage": "dedupe", "reason": None, "matched_id": "a"}, "reasons"),
        ({"id": "b", "decision": "kept", "weight": 0.0}, "weights"),
        ({"id": "b", "decision": "dropped", "stage": "dedupe", "reason": "exact", "matched_id": "d"}, "matches"),
        ({"id": "b", "decision": "dropped", "stage": "dedupe", "reason": "line", "matched_id": "d"}, "matches"),
        (
            {
                "id": "b",
                "decision": "dropped",
                "stage": "dedupe",
                "reason": "near",
                "matched_id": "a",
                "similarity": 0.79,
            },
            "similarity",
        ),
    ],
)
def test_broken_invariants_are_named(tmp_path, ledgers, values, check):
    rows = [
        ledgers.row("a"),
        ledgers.row(**values),
        ledgers.row("d", decision="held", stage="synthetic", reason="suspect"),
    ]
    write_run(tmp_path, ledgers.ledger(rows))
    assert [problem.check for problem in check_counts(tmp_path)] == [check]


def test_matches_in_earlier_outputs(tmp_path, ledgers):
    match = {"decision": "dropped", "stage": "dedupe", "reason": "exact"}
    rows = [ledgers.row("a"), ledgers.row("b", **match, matched_id="old"), ledgers.row("c", **match, matched_id="gone")]
    here, earlier = tmp_path / "here", str(tmp_path / "earlier")
    manifest = write_run(here, ledgers.ledger(rows), against=[earlier])
    assert check_counts(here) == []
    assert unchecked(here, LocalFiles()) == [f"2 matches not checked: {earlier} cannot be read"]
    write_run(tmp_path / "earlier", ledgers.ledger([ledgers.row("old")]))
    [problem] = check_counts(here)
    assert (problem.check, "'c'" in problem.detail) == ("matches", True)
    superseding = [{"id": "old", "by": "a"}, {"id": "old", "by": "nobody"}]
    changed = {**manifest, "against": [earlier], "supersedes": superseding}
    (here / "manifest.json").write_bytes(to_bytes(changed))
    assert [problem.check for problem in check_counts(here)] == ["matches", "supersedes"]


def test_unreadable_ledger_is_a_problem(tmp_path, table):
    write_run(tmp_path, table)
    (tmp_path / "ledger/part-0.parquet").write_bytes(b"PAR1")
    assert [problem.check for problem in check_counts(tmp_path)] == ["digests", "ledger"]
