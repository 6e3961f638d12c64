"""Who survives among duplicates, from the command line: the operator's columns, and the rules of sources."""

import json
from datetime import datetime, timezone

import pyarrow as pa
import pytest

from curate.report.verify import check_counts


@pytest.fixture
def run(curate, tmp_path, output_of, write, only_read):
    """Runs over columns and gives the output, checked."""

    def run(columns, *arguments, name="out", steps=only_read):
        outcome = curate(
            *("run", "--input", write(f"{name}.parquet", columns), "--output", tmp_path / name), *steps, *arguments
        )
        assert outcome.code == 0, outcome.err
        output = output_of(tmp_path / name)
        output.assert_whole()
        assert check_counts(tmp_path / name) == []
        return output

    return run


def kept(output):
    return {id for id, decision in output.decisions().items() if decision == "kept"}


# dedupe.prefer.


@pytest.fixture
def versions(prose):
    """Three texts in three versions each; the last one is the longest."""
    source = prose(41)
    texts = [source.text(90) for _ in range(3)]
    rows = [
        (f"{family}{version}", text + " more" * version) for family, text in enumerate(texts) for version in range(3)
    ]
    return {"id": [id for id, _ in rows], "text": [text for _, text in rows]}


@pytest.mark.parametrize(
    ("prefer", "column", "survivors"),
    [
        ("", [1, 2, 3], "2"),
        ("crawl", [1, 2, 3], "0"),
        ("-crawl", [1, 2, 3], "2"),
        ("crawl", [None, None, 7], "2"),
        ("-crawl", [-5, None, None], "0"),
        ("crawl", [2.5, float("nan"), -0.5], "2"),
        ("-crawl", ["CC-MAIN-2023-50", "CC-MAIN-2024-10", "CC-MAIN-2023-06"], "1"),
        ("-crawl", [datetime(2024, 1, day, tzinfo=timezone.utc) for day in (2, 3, 1)], "1"),
        ("tier,-crawl", [1, 2, 0], "1"),
        ("crawl,-tier", [1, 1, 1], "2"),
    ],
)
def test_the_preferred_copy_survives(run, versions, prefer, column, survivors):
    columns = {**versions, "crawl": pa.array(column * 3), "tier": [1, 1, 2] * 3}
    output = run(columns, "--set", f"dedupe.prefer=[{prefer}]")
    assert kept(output) == {f"{family}{survivors}" for family in range(3)}
    assert all(row["matched_id"][0] == id[0] for id, row in output.rows.items() if row["matched_id"])


def test_json_lines_and_files_of_different_types(curate, tmp_path, only_read, output_of, versions):
    """A column of whole numbers in one file and of fractions in the other is one column."""
    for number, crawls in enumerate(([1, 3, 2] * 3, [1.5, 3.5, 2.5] * 3)):
        rows = zip(versions["id"], versions["text"], crawls, strict=True)
        lines = [json.dumps({"id": f"{id}-{number}", "text": text, "crawl": crawl}) for id, text, crawl in rows]
        (tmp_path / f"{number}.jsonl").write_text("\n".join(lines))
    options = (*only_read, "--set", "dedupe.prefer=[-crawl]", "--output", tmp_path / "out")
    outcome = curate("run", "--input", tmp_path / "*.jsonl", *options)
    assert outcome.code == 0, outcome.err
    assert kept(output_of(tmp_path / "out")) == {"01-1", "11-1", "21-1"}


@pytest.mark.parametrize(
    ("prefer", "expected"),
    [
        ("-crwal", "dedupe.prefer names the column 'crwal', expected one of id, text, tags"),
        ("tags", "dedupe.prefer names the column 'tags' of type list<element: string>, expected numbers, times"),
    ],
)
def test_columns_that_cannot_be_preferred(curate, write, tmp_path, texts, prefer, expected):
    columns = {"id": ["a"], "text": texts[:1], "tags": pa.array([["x"]], pa.list_(pa.field("element", pa.string())))}
    input = write("in.parquet", columns)
    outcome = curate("run", "--input", input, "--output", tmp_path / "out", "--set", f"dedupe.prefer=[{prefer}]")
    assert outcome.code == 2 and expected in outcome.message
    assert not (tmp_path / "out").exists()


def test_decide_cannot_prefer_what_was_not_annotated(curate, run, versions, tmp_path):
    run({**versions, "crawl": [1, 2, 3] * 3})
    arguments = ("--annotations", tmp_path / "out", "--output", tmp_path / "again", "--set", "dedupe.prefer=[crawl]")
    outcome = curate("decide", *arguments)
    assert outcome.code == 2
    assert "dedupe.prefer is ('crawl',), but the annotations were made with ()" in outcome.message


def test_an_earlier_output_needs_the_column(curate, run, versions, tmp_path, write):
    run(versions, name="old")
    input = write("new.parquet", {**versions, "crawl": [1, 2, 3] * 3})
    arguments = ("--input", input, "--against", tmp_path / "old", "--output", tmp_path / "new")
    outcome = curate("run", *arguments, "--set", "dedupe.prefer=[crawl]")
    assert outcome.code == 2
    assert f"against '{tmp_path / 'old'}': dedupe.prefer names the column 'crawl'" in outcome.message


# A template: so many copies, each with an edit of its own, that not all of them can be compared with each other.


@pytest.fixture
def template(prose):
    source = prose(43)
    words = source.text(200).split()
    texts = [" ".join([*words[:place], f"edit{place}", *words[place + 1 :]]) for place in range(4, 196)]
    return {"id": [f"{number:03d}" for number in range(len(texts))], "text": texts}


@pytest.mark.parametrize("prefer", ["crawl", "-crawl", "-name", "one,number", "one,-name"])
def test_one_copy_of_a_template_survives(run, template, prefer):
    crawls = [(number * 89) % 192 for number in range(192)]  # each once
    columns = {
        "crawl": crawls,
        "number": [crawl + 0.5 for crawl in crawls],
        "name": [f"CC-MAIN-2024-{crawl:03d}" for crawl in crawls],
        "one": [1] * 192,
    }
    output = run({**template, **columns}, "--set", f"dedupe.prefer=[{prefer}]")
    best = crawls.index(191 if "-" in prefer else 0)
    assert kept(output) == {f"{best:03d}"}


def test_a_declared_machine_text_tells_of_all_copies_of_its_template(run, template):
    """It comes last in the order of survival, and is compared with all of them for what it tells."""
    captured = pa.array([datetime(2024, 1, 1 + number % 28, tzinfo=timezone.utc) for number in range(192)])
    origin = [None if number else "synthetic" for number in range(192)]
    steps = ("--set", "mixture.enabled=false")
    output = run({**template, "timestamp": captured, "origin": origin}, steps=steps)
    assert output.manifest["reasons"] == {"synthetic/declared": 1, "synthetic/copy_of_synthetic": 191}


def test_a_disguised_copy_does_not_take_the_place_of_the_original(run, prose):
    """It is longer, for what nobody sees in it; that it was captured earlier would be another matter."""
    texts = [prose(number).text(80) for number in range(61, 69)]
    disguises = (lambda text: text.replace("a", "a\u200b\u2060"), lambda text: text.replace("a", "\u0430") + " ")
    copies = [disguise(text) for text in texts for disguise in disguises]
    ids = [f"original{number}" for number in range(8)] + [f"copy{number}" for number in range(16)]
    output = run({"id": ids, "text": texts + copies}, steps=("--set", "mixture.enabled=false"))
    assert kept(output) == set(ids[:8])
    assert {row["reason"] for row in output.rows.values()} == {"uncalibrated", "exact"}


# dedupe.sources.


@pytest.fixture
def mirrored(prose):
    """An original, and in each of four sources an exact copy, a near one and an excerpt of it."""
    source = prose(47)
    words = source.text(120).split()
    near = lambda place: " ".join([*words[:place], "edit", *words[place + 1 :]])  # noqa: E731
    rows = [("original", " ".join([*words, "and", "a", "last", "word"]), "archive")]
    for number, name in enumerate(("free", "law", "code", "strict")):
        rows += [
            (f"{name}-exact", rows[0][1].upper(), name),
            (f"{name}-near", near(20 + 20 * number), name),
            (f"{name}-part", " ".join(words[:98]) + f" {name}", name),
        ]
    return dict(zip(("id", "text", "source"), map(list, zip(*rows, strict=True)), strict=True))


RULES = "{law: {drop: none}, code: {drop: exact}, strict: {threshold: 0.97, containment: 0.995}}"
STAY = {"original", "law-exact", "law-near", "law-part", "code-near", "code-part", "strict-near", "strict-part"}


def test_rules_of_sources(run, mirrored, curate, tmp_path, output_of):
    prefer = ("--set", "dedupe.prefer=[rank]")  # the original leads
    columns = {**mirrored, "rank": [id != "original" for id in mirrored["id"]]}
    plain = run(columns, *prefer, name="plain")
    assert kept(plain) == {"original"}
    output = run(columns, *prefer, "--set", f"dedupe.sources={RULES}", name="ruled")
    assert kept(output) == STAY
    dropped = {id: (row["reason"], row["matched_id"]) for id, row in output.rows.items() if id not in STAY}
    assert dropped == {
        "free-exact": ("exact", "original"),
        "free-near": ("near", "original"),
        "free-part": ("contained", "original"),
        "code-exact": ("exact", "original"),
        "strict-exact": ("exact", "original"),
    }
    again = ("--annotations", tmp_path / "plain", "--output", tmp_path / "again", "--set", f"dedupe.sources={RULES}")
    assert curate("decide", *again).code == 0
    assert (
        output_of(tmp_path / "again")
        .ledger.drop_columns("source_file")
        .equals(output.ledger.drop_columns("source_file"))
    )


def test_rules_hold_against_an_earlier_output(run, mirrored, tmp_path):
    place = mirrored["id"].index("original")
    old = {name: [values[place]] for name, values in mirrored.items()}
    new = {name: values[:place] + values[place + 1 :] for name, values in mirrored.items()}
    run(old, name="old")
    output = run(new, "--against", tmp_path / "old", "--set", f"dedupe.sources={RULES}", name="new")
    assert kept(output) == STAY - {"original"}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("{law: {drop: some}}", "dedupe.sources.law.drop is 'some': input should be 'near', 'exact' or 'none'"),
        ("{law: {threshold: 0.7}}", "dedupe.sources.law.threshold is 0.7, expected at least dedupe.threshold (0.8)"),
        ("{law: {containment: 0.5}}", "dedupe.sources.law.containment is 0.5, expected at least dedupe.containment"),
        ("{law: {dorp: none}}", "unknown setting 'dedupe.sources.law.dorp'; the nearest valid one is"),
        ("law", "dedupe.sources is 'law': input should be a valid dictionary"),
    ],
)
def test_rules_that_are_no_rules(curate, corpus_file, tmp_path, rules, expected):
    arguments = ("--input", corpus_file, "--output", tmp_path / "out", "--set", f"dedupe.sources={rules}")
    outcome = curate("run", *arguments)
    assert outcome.code == 2 and expected in outcome.message
