"""C2PA manifests in texts through the command line: what they say decides, and no text that is written has them."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate.provenance.signing import ThrowAwaySigner
from curate.provenance.text.find import find_manifests

BANNER = "We use cookies to improve your visit, see our policy."
PAGE = "<html><head><title>A page</title></head>\n<body>{}</body></html>\n"


@pytest.fixture(scope="module")
def documents(prose):
    """Texts as they were signed, and as they were before, by id."""
    source, signer, stranger = prose(41), ThrowAwaySigner(), ThrowAwaySigner("somebody else")
    bodies = {name: source.text(80) for name in ("machine", "stranger", "person", "denied", "changed", "doubled")}
    plain = {name: f"{body}.\n" for name, body in bodies.items()}
    plain["person"], plain["denied"] = f"# Title \U0001d4b3\n\n{plain['person']}", PAGE.format(plain["denied"])
    signed = {
        "machine": signer.sign_text(plain["machine"], "trainedAlgorithmicMedia"),
        "stranger": stranger.sign_text(plain["stranger"], "trainedAlgorithmicMedia"),
        "person": signer.sign_text(plain["person"], "digitalCapture", method="structured"),
        "denied": signer.sign_text(
            plain["denied"], "digitalCapture", {"cawg.ai_training": "notAllowed"}, method="html"
        ),
        "changed": signer.sign_text(plain["changed"], "trainedAlgorithmicMedia") + "And more.",
        "doubled": signer.sign_text(plain["doubled"], "trainedAlgorithmicMedia"),
    }
    plain["changed"] += "And more."
    (manifest,) = find_manifests(signed["doubled"])
    signed["doubled"] += signed["doubled"][manifest.start :]
    link = '<link rel="c2pa-manifest" href="https://example.org/m.c2pa">'
    plain["linked"] = PAGE.format(source.text(80))
    signed["linked"] = plain["linked"].replace("</head>", f"{link}</head>")
    plain["emoji"] = signed["emoji"] = f"\ufeff\U0001f469\u200d\U0001f4bb\ufe0f \u845b\U000e0100 {source.text(80)}"
    return signer, signed, plain


@pytest.fixture(scope="module")
def corpus_of_texts(documents, prose, tmp_path_factory):
    signer, signed, plain = documents
    source = prose(43)
    rows = [{"id": name, "text": text} for name, text in signed.items()]
    rows += [{"id": f"{name}-plain", "text": text} for name, text in plain.items()]
    rows += [{"id": f"other-{number}", "text": source.text(90)} for number in range(12)]
    folder = tmp_path_factory.mktemp("texts")
    pq.write_table(pa.Table.from_pylist(rows), folder / "in.parquet")
    (folder / "anchors.pem").write_text(signer.anchors_pem)
    return folder


@pytest.fixture(scope="module")
def output(corpus_of_texts, curate, output_of):
    off = [f"{name}.enabled=false" for name in ("synthetic", "mixture")]
    options = [word for setting in off for word in ("--set", setting)]
    anchors = f"provenance.trust_anchors={corpus_of_texts / 'anchors.pem'}"
    path = corpus_of_texts / "out"
    done = curate("run", "--input", corpus_of_texts / "in.parquet", "--output", path, "--set", anchors, *options)
    assert done.code == 0, done.err
    return output_of(path)


def kinds(row):
    return [item["kind"] for item in row["evidence"] or () if item["family"] == "credentials"]


def test_what_they_say_decides(output):
    output.assert_whole()
    rows = output.rows
    expected = {
        "machine": (["c2pa_trusted"], "synthetic", "declared_synthetic", "unknown"),
        "stranger": (["c2pa_valid"], "synthetic", "declared_synthetic", "unknown"),
        "person": (["c2pa_trusted"], "human", "trusted_human", "unknown"),
        "denied": (["c2pa_trusted"], "human", "trusted_human", "deny"),
        "changed": (["c2pa_invalid"], "unknown", "uncertain", "unknown"),
        "doubled": (["c2pa_invalid"], "unknown", "uncertain", "unknown"),
        "linked": (["c2pa_remote"], "unknown", "uncertain", "unknown"),
        "emoji": ([], "unknown", "uncertain", "unknown"),
    }
    told = {name: (kinds(rows[name]), *(rows[name][key] for key in ("origin", "tier", "rights"))) for name in expected}
    assert told == expected
    assert (rows["denied"]["stage"], rows["denied"]["reason"]) == ("rights", "rights")


def test_texts_with_and_without_are_exact_duplicates(output, documents):
    _, signed, _ = documents
    rows = output.rows
    for name in signed.keys() - {"denied"}:
        pair = [rows[name], rows[f"{name}-plain"]]
        (dropped,) = [row for row in pair if row["decision"] == "dropped" and row["reason"] == "exact"]
        assert dropped["matched_id"] in (name, f"{name}-plain") and dropped["similarity"] == 1.0
        assert rows[name]["tokens"] == rows[f"{name}-plain"]["tokens"]


def test_no_text_that_is_written_has_one_and_the_ledger_says_so(output, documents):
    _, signed, plain = documents
    rows = output.rows
    written = {row["curate_id"]: row["text"] for folder in ("data", "held") for row in output.table(folder).to_pylist()}
    assert written and not any(find_manifests(text) for text in written.values())
    for name, text in signed.items():
        edits = rows[name]["text_edits"] or []
        left = list(text)
        for edit in reversed(edits):
            assert edit["kind"] == "c2pa"
            del left[edit["start"] : edit["end"]]
        assert "".join(left) == plain[name]
        assert rows[f"{name}-plain"]["text_edits"] is None
        for kept in written.keys() & {name, f"{name}-plain"}:
            assert written[kept] == plain[name]
    assert {"machine", "person"} & written.keys()
    assert [len(rows[name]["text_edits"] or ()) for name in ("machine", "doubled", "emoji")] == [1, 2, 0]


def test_told(output, curate):
    said = curate("explain", output.path, "machine").out
    assert "Content credentials, signed by someone on the trust list: trainedAlgorithmicMedia" in said
    assert "Its text was changed: a C2PA manifest was taken out at characters" in said
    assert curate("verify", output.path).code == 0
    assert json.loads((output.path / "report.json").read_text())["duplicates"]["edits"] == []


def test_with_repeated_lines_and_without_provenance(documents, prose, curate, output_of, only_read, tmp_path):
    """Both edits count code points of the text as it was read, wherever the manifest stands."""
    signer, _, _ = documents
    source = prose(47)
    pages = {f"page-{number:02d}": f"{BANNER}\n\n{source.text(70)}\n" for number in range(14)}
    signed = dict(pages)
    for number, method in enumerate(["structured", "unstructured", "structured"]):
        name = f"page-{number:02d}"
        signed[name] = signer.sign_text(pages[name], "trainedAlgorithmicMedia", method=method)
    block = signed["page-00"].split("\n")[0]
    pages["page-03"] = f"{source.text(70)}\n{BANNER}\n\n{source.text(70)}"
    signed["page-03"] = pages["page-03"].replace("\n\n", f"\n{block}\n\n")
    rows = [{"id": name, "text": text} for name, text in signed.items()]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "in.parquet")
    lines = ("--set", "dedupe.lines.enabled=true")
    done = curate("run", "--input", tmp_path / "in.parquet", "--output", tmp_path / "out", *lines, *only_read)
    assert done.code == 0, done.err
    output = output_of(tmp_path / "out")
    texts = {row["curate_id"]: row["text"] for row in output.table("data").to_pylist()}
    for name, page in pages.items():
        row = output.rows[name]
        assert kinds(row) == []
        edits = sorted(row["text_edits"] or (), key=lambda edit: edit["kind"])
        assert [edit["kind"] for edit in edits if edit["kind"] == "c2pa"] == ["c2pa"] * (signed[name] != page)
        lost = f"{BANNER}\n" if name == "page-03" else f"{BANNER}\n\n"  # a blank line goes where none stands before
        assert texts[name] == (page if BANNER in texts[name] else page.replace(lost, ""))
    assert sum(BANNER in text for text in texts.values()) == 1
