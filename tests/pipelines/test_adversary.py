"""Sources that lie: floods of copies, forged columns, artefacts that were tampered with; and what can be forged."""

import io
import json
import pickle
import shutil
from datetime import datetime, timezone

import numpy as np
import pyarrow as pa
import pytest

FLOOD = 300
WITH_DETECTOR = ("--set", "synthetic.enabled=true")


def captured(year):
    return datetime(year, 6, 1, tzinfo=timezone.utc)


@pytest.fixture
def flooded(prose, run_rows):
    """Runs over a rival's document and a source's near copies of it, each longer; the rows by id."""
    source = prose(71)
    words = source.text(150).split()

    def run(rival, flood, count=FLOOD, *settings):
        rows = [{"id": "rival", "text": " ".join(words), "source": "rival", **rival}]
        for number in range(count):
            edited = [*words[: number % 140], f"edit{number}", *words[number % 140 + 1 :], "and", "more"]
            rows.append({"id": f"{number:04d}", "text": " ".join(edited), "source": "flood", **flood})
        return run_rows(rows, *settings)

    return run


@pytest.fixture
def run_rows(curate, write, tmp_path, output_of):
    """Runs over rows of documents without the detector; the ledger by id."""
    schema = pa.schema(
        [
            *((name, pa.string()) for name in ("id", "text", "source", "origin", "published")),
            ("timestamp", pa.timestamp("us", tz="UTC")),
        ]
    )

    def run(rows, *settings):
        number = len(list(tmp_path.iterdir()))
        input = write(f"{number}.parquet", pa.Table.from_pylist(rows, schema=schema))
        off = ("--set", "synthetic.enabled=false", "--set", "mixture.enabled=false", *settings)
        outcome = curate("run", "--input", input, "--output", tmp_path / f"out{number}", *off)
        assert outcome.code == 0, outcome.err
        output = output_of(tmp_path / f"out{number}")
        output.assert_whole()
        return output.rows

    return run


@pytest.mark.parametrize(
    ("rival", "flood"),
    [
        # Real before unknown: neither number nor length nor a claim moves it.
        ({"timestamp": captured(2019)}, {"timestamp": captured(2024)}),
        ({"timestamp": captured(2019)}, {"origin": "human"}),
        ({"timestamp": captured(2019)}, {"published": "1999-01-01", "origin": "human"}),
        # Of equal class the earlier one: a declared date is none, and no date is the last.
        ({"timestamp": captured(2023)}, {"timestamp": captured(2024), "origin": "human"}),
        ({"timestamp": captured(2023)}, {"published": "1999-01-01"}),
        # Copies declared to be machine text tell nothing of what was captured before them.
        ({"timestamp": captured(2023)}, {"timestamp": captured(2024), "origin": "synthetic"}),
    ],
)
def test_a_flood_of_near_copies_displaces_nobody(flooded, rival, flood):
    rows = flooded(rival, flood, FLOOD, *WITH_DETECTOR)
    assert rows["rival"]["decision"] == "kept" and rows["rival"]["matched_id"] is None


def test_without_times_a_false_declaration_is_believed(flooded):
    """Unless the source is known, and the operator says what it may declare."""
    rows = flooded({}, {"origin": "synthetic"}, 1, *WITH_DETECTOR)
    assert (rows["rival"]["decision"], rows["rival"]["reason"]) == ("dropped", "copy_of_synthetic")


def test_the_number_of_copies_is_no_argument(flooded):
    """One copy that comes first by what is trusted wins, as three hundred do: the timestamp is the crawler's to say."""
    forged = {"timestamp": captured(2001)}
    for count in (1, FLOOD):
        rows = flooded({"timestamp": captured(2019)}, forged, count)
        assert rows["rival"]["decision"] == "dropped" and rows["rival"]["origin"] == "human"
        assert sum(row["decision"] == "kept" for row in rows.values()) >= 1


def test_rules_of_the_operator_outweigh_forged_times(flooded, run_rows, prose):
    text = prose(73).text(100)
    rows = [
        {"id": "rival", "text": text, "source": "press", "timestamp": captured(2024)},
        {"id": "forged", "text": text, "source": "flood", "timestamp": captured(2001)},
    ]
    distrust = "provenance.sources={flood: {capture_cutoff: 1990-01-01}, press: {origin: human}}"
    decided = run_rows(rows, "--set", distrust)
    assert (decided["rival"]["decision"], decided["forged"]["decision"]) == ("kept", "dropped")


def test_claims_of_being_human_are_claims(run_rows, prose):
    source = prose(79)
    rows = [{"id": str(n), "text": source.text(80), "origin": "human", "source": "s"} for n in range(40)]
    assert {row["tier"] for row in run_rows(rows).values()} <= {"likely_human", "uncertain"}
    trusted = run_rows(rows, "--set", "provenance.trust_origin=true")
    assert {row["tier"] for row in trusted.values()} == {"trusted_human"}


def test_a_poisoned_evaluation_set_takes_only_what_contains_it(run_rows, prose, tmp_path):
    """Short texts are compared with whole documents, so that common words take nothing."""
    source = prose(83)
    texts = [source.text(60) for _ in range(50)]
    common = sorted({word for text in texts for word in text.split()})
    poison = [*common[:300], "", " ".join(texts[0].split()[:7]), texts[1]]
    (tmp_path / "poison.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in poison))
    rows = run_rows(
        [{"id": str(n), "text": text, "source": "s"} for n, text in enumerate(texts)],
        *("--exclude", tmp_path / "poison.jsonl"),
    )
    assert {id for id, row in rows.items() if row["reason"] == "evaluation"} == {"1"}


# Artefacts that somebody else has written.


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def pickled(path):
    made = io.BytesIO()
    np.savez(made, **{name: np.array([Trap(path)], object) for name in ("format", "idf", "vectors", "centroids")})
    return made.getvalue()


def artefacts_of(finished):
    return sorted(
        path.relative_to(finished / "artefacts")
        for path in (finished / "artefacts").rglob("*")
        if path.is_file() and path.suffix in (".npz", ".json", ".parquet") and path.name != "shortages.json"
    )


def test_no_output_holds_a_pickle(finished):
    suffixes = set()
    for path in finished.rglob("*"):
        if path.is_file():
            suffixes.add(path.suffix)
            assert path.read_bytes()[:2] not in (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"), path
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                assert not any(arrays[name].dtype.hasobject for name in arrays.files), path
    assert suffixes <= {".parquet", ".json", ".html", ".npz", ".jsonl", ".md"}


@pytest.mark.parametrize("kind", ["pickle", "empty", "garbage", "cut", "list", "object"])
def test_artefacts_that_were_tampered_with_are_refused(curate, finished, corpus_file, tmp_path, kind):
    """Whatever they hold, nothing in them is run, and who gave them is told in a line."""
    refused = 0
    for name in artefacts_of(finished):
        if (kind in ("list", "object")) != (name.suffix == ".json") or (kind == "pickle" and name.suffix != ".npz"):
            continue
        given = tmp_path / name.name / "artefacts"
        shutil.copytree(finished / "artefacts", given)
        content = (given / name).read_bytes()
        made = {
            "pickle": lambda: pickled(tmp_path / "trapped"),
            "empty": lambda: b"",
            "garbage": lambda: b"PK\x03\x04" + bytes(range(256)),
            "cut": lambda content=content: content[: len(content) // 2],
            "list": lambda: b"[]",
            "object": lambda: b"{}",
        }[kind]()
        (given / name).write_bytes(made)
        out = tmp_path / "out" / name.name
        outcome = curate("run", "--input", corpus_file, "--output", out, "--artefacts", given, "--plan")
        if outcome.code:
            refused += 1
            assert outcome.code == 2, (name, outcome.err)
            assert "Traceback" not in outcome.err and not out.exists(), name
    assert refused
    assert not (tmp_path / "trapped").exists()


def test_the_trap_works(tmp_path):
    pickle.loads(pickle.dumps(Trap(tmp_path / "trapped")))
    assert (tmp_path / "trapped").exists()
    with np.load(io.BytesIO(pickled(tmp_path / "other")), allow_pickle=True) as arrays:
        assert arrays["format"].dtype.hasobject
    assert (tmp_path / "other").exists()
