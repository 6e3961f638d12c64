"""Repeated lines through the command line: what is removed, what is not, and the same however the corpus is cut."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

BANNER = "We use cookies to improve your visit \U0001f36a, see our policy."
FOOTER = "Copyright of the harbour society, all rights reserved."
ON = ("--set", "dedupe.lines.enabled=true")
SCHEMA = pa.schema([("id", pa.string()), ("text", pa.dictionary(pa.int32(), pa.string())), ("origin", pa.string())])


def _page(prose, number):
    """A banner, a body whose places in the text count in code points, and a footer; Windows line ends in some."""
    end = "\r\n" if number % 3 == 0 else "\n"
    body = f"\U0001d4b3 {prose.text(60)}{end}  {prose.text(40)}"
    return f"{BANNER}{end}{end}{body}{end}{end}{FOOTER}" + end * (number % 2), body


@pytest.fixture(scope="module")
def pages(prose):
    source = prose(23)
    return {f"page-{number:02d}": _page(source, number) for number in range(30)}


@pytest.fixture(scope="module")
def rows(pages, prose):
    source = prose(29)
    code = {f"code-{n}": "\n".join(f"if {source.text(6)}:\n{{\n}}\nreturn None" for _ in range(9)) for n in range(12)}
    texts = {name: page for name, (page, _) in pages.items()} | code
    texts |= {
        "boilerplate": f"{BANNER}\n{FOOTER}",
        "boilerplate-copy": f"{FOOTER.upper()}\n",
        "boilerplate-again": f"{BANNER}\n\n{FOOTER}\n",
        "page-copy": pages["page-04"][0],
        "empty": None,
    }
    return pa.Table.from_pylist([{"id": name, "text": text} for name, text in texts.items()], schema=SCHEMA)


@pytest.fixture(scope="module")
def corpus_of_pages(rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("pages") / "pages.parquet"
    pq.write_table(rows, path)
    return path


@pytest.fixture(scope="module")
def done(curate):
    """Runs a command that has to succeed."""

    def run(*arguments):
        outcome = curate(*arguments)
        assert outcome.code == 0, outcome.err
        return outcome

    return run


@pytest.fixture(scope="module")
def cleaned(done, corpus_of_pages, tmp_path_factory, only_read):
    path = tmp_path_factory.mktemp("cleaned") / "out"
    done("run", "--input", corpus_of_pages, "--output", path, *ON, *only_read)
    return path


def texts_of(output):
    return {row["curate_id"]: row["text"] for row in output.table("data").to_pylist()}


def test_a_banner_on_thirty_pages_stays_on_one(cleaned, output_of, pages, curate):
    output = output_of(cleaned)
    output.assert_whole()
    assert output.table("data").schema.field("text").type == SCHEMA.field("text").type
    texts, ledger = texts_of(output), output.rows
    owners = [name for name, text in texts.items() if BANNER in text]
    assert len(owners) == 1 and FOOTER in texts[owners[0]]
    for name, (page, body) in pages.items():
        row = ledger[name]
        if name in owners:
            assert (texts[name], row["text_edits"]) == (page, None)
            continue
        if name == "page-04" and row["decision"] == "dropped":  # for its copy
            continue
        assert texts[name] == body + ("\r\n" if "\r\n" in body else "\n")
        assert [edit["kind"] for edit in row["text_edits"]] == ["line", "line"]
        assert "".join(page[edit["start"] : edit["end"]].strip() for edit in row["text_edits"]) == BANNER + FOOTER
        assert row["tokens"] == 101
    assert curate("verify", cleaned).code == 0


def test_code_is_untouched(cleaned, output_of, rows):
    texts = texts_of(output_of(cleaned))
    for row in rows.to_pylist():
        if row["id"].startswith("code"):
            assert texts[row["id"]] == row["text"]


def test_a_page_of_boilerplate_is_dropped_by_name_and_so_are_its_copies(cleaned, output_of, curate):
    ledger, texts = output_of(cleaned).rows, texts_of(output_of(cleaned))
    [owner] = [name for name, row in ledger.items() if row["decision"] == "kept" and BANNER in texts.get(name, "")]
    for name in ("boilerplate", "boilerplate-copy", "boilerplate-again"):
        row = ledger[name]
        assert (row["decision"], row["stage"], row["reason"], row["matched_id"]) == ("dropped", "dedupe", "line", owner)
        assert (row["containment"], row["text_edits"]) == (1.0, None)
    first, second = (ledger[name]["similarity"] for name in ("boilerplate", "boilerplate-again"))
    assert {first, second} == {None, 1.0}  # one of them was a copy of the other
    assert f"kept in other documents, the longest in {owner}" in curate("explain", cleaned, "boilerplate-copy").out
    page = next(name for name, row in ledger.items() if row["text_edits"])
    assert "Its text was changed: line at characters 0 to " in curate("explain", cleaned, page).out


def test_the_report_counts_what_was_removed(cleaned):
    report = json.loads((cleaned / "report.json").read_text())
    [edits] = report["duplicates"]["edits"]
    assert (edits["kind"], edits["documents"], edits["spans"]) == ("line", 29, 58)
    assert 29 * len(BANNER + FOOTER) < edits["characters"] < 30 * len(BANNER + FOOTER) + 58 * 4
    [figure] = [f for panel in report["panels"] for f in panel["figures"] if f["name"] == "removed_lines"]
    assert figure["value"] == pytest.approx(29 / 42, abs=1e-6)


def test_off_by_default(done, corpus_of_pages, tmp_path, only_read, output_of, pages):
    done("run", "--input", corpus_of_pages, "--output", tmp_path / "out", *only_read)
    output = output_of(tmp_path / "out")
    assert not (tmp_path / "out/annotations/lines").exists()
    assert all(row["text_edits"] is None for row in output.rows.values())
    assert texts_of(output)["page-01"] == pages["page-01"][0]


@pytest.mark.parametrize(
    ("setting", "removed"),
    [
        ("min_documents=32", {FOOTER}),  # on 30 pages and two that hold nothing else; the banner on one of those
        ("min_tokens=9", {BANNER}),
        ("enabled=false", set()),
    ],
)
def test_decide_equals_a_fresh_run(cleaned, done, corpus_of_pages, tmp_path, only_read, output_of, setting, removed):
    options = ("--set", f"dedupe.lines.{setting}")
    done("run", "--input", corpus_of_pages, "--output", tmp_path / "fresh", *ON, *only_read, *options)
    done("decide", "--annotations", cleaned, "--output", tmp_path / "again", "--apply", *options)
    fresh, again = output_of(tmp_path / "fresh"), output_of(tmp_path / "again")
    assert again.ledger.equals(fresh.ledger)
    assert again.table("data").equals(fresh.table("data"))
    texts = texts_of(again).values()
    assert {line for line in (BANNER, FOOTER) if sum(line in text for text in texts) == 1} == removed


def test_decide_needs_lines_in_the_annotations(curate, done, corpus_of_pages, cleaned, tmp_path, only_read):
    done("run", "--input", corpus_of_pages, "--output", tmp_path / "without", *only_read)
    refused = curate("decide", "--annotations", tmp_path / "without", "--output", tmp_path / "out", *ON)
    assert refused.code == 2
    assert "dedupe.lines.enabled is true, but the annotations were made without that step" in refused.message
    other = ("--set", "dedupe.lines.unit=paragraph")
    refused = curate("decide", "--annotations", cleaned, "--output", tmp_path / "out", *other)
    assert refused.code == 2
    assert "dedupe.lines.unit is 'paragraph', but the annotations were made with 'line'" in refused.message


def test_paragraphs(done, write, prose, tmp_path, only_read, output_of):
    source = prose(31)
    notice = f"{BANNER}\n{FOOTER}"
    bodies = [f"{source.text(30)}\n{BANNER}\n{source.text(30)}" for _ in range(12)]
    columns = {"id": [f"{n:02d}" for n in range(12)], "text": [f"{body}\n \n{notice}" for body in bodies]}
    options = ("--set", "dedupe.lines.unit=paragraph", *ON, *only_read)
    done("run", "--input", write("in.parquet", columns), "--output", tmp_path / "out", *options)
    texts = texts_of(output_of(tmp_path / "out"))
    assert sorted(texts[name] == body + "\n" for name, body in zip(columns["id"], bodies, strict=True)) == [
        False
    ] + 11 * [True]


@pytest.fixture(scope="module")
def expected(done, corpus_of_pages, tmp_path_factory, output_of):
    """A run with all steps on."""
    path = tmp_path_factory.mktemp("whole") / "out"
    done("run", "--input", corpus_of_pages, "--output", path, *ON)
    return output_of(path)


@pytest.mark.parametrize(
    ("files", "row_group", "options"),
    [(5, 7, ()), (1, 9, ("--set", "run.block_rows=4")), pytest.param(3, 8, ("--workers", "2"), marks=pytest.mark.slow)],
)
def test_same_ledger_and_texts(curate, curate_process, rows, expected, tmp_path, output_of, files, row_group, options):
    shuffled = rows.take(pa.array(sorted(range(rows.num_rows), key=lambda row: row * 7919 % 101)))
    (tmp_path / "in").mkdir()
    for number in range(files):
        part = shuffled.take(pa.array(range(number, rows.num_rows, files)))
        pq.write_table(part, tmp_path / f"in/{(number * 3) % 5}.parquet", row_group_size=row_group)
    run = curate_process if "--workers" in options else curate
    outcome = run("run", "--input", tmp_path / "in", "--output", tmp_path / "out", *ON, *options)
    assert outcome.code == 0, outcome.err
    output = output_of(tmp_path / "out")
    output.assert_whole()
    assert output.ledger.drop_columns("source_file").equals(expected.ledger.drop_columns("source_file"))
    assert texts_of(output) == texts_of(expected)
