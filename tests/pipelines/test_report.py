"""What the report shows: of duplicates the texts beside each other and pairs left open, of clusters the key terms."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate.pipelines import jobs
from curate.report.excerpts import COMPARED, SHOWN
from curate.report.groups import MEMBERS, PAIRS_SHOWN

WRITTEN = ("report.json", "report.html", "artefacts/overview.json")


def report_of(path):
    return json.loads((path / "report.json").read_text())


def pairs_of(report):
    found = report["duplicates"]
    return [*(pair for kind in found["least_similar"].values() for pair in kind), *found["largest"][0]["members"]]


def phrases(text):
    """Every three consecutive words."""
    words = text.split()
    return set(zip(words, words[1:], words[2:], strict=False))


@pytest.fixture(scope="module")
def run_on(curate, prose, tmp_path_factory, only_read):
    """Runs on 30 texts, each with an edited copy of it, in several splits; the first has seven more."""
    source, place = prose(7), tmp_path_factory.mktemp("pairs")
    texts = [f"unique{index} " + source.text(90 + 40 * index) for index in range(30)]
    texts += [source.edited(text) for text in texts] + [texts[0]] * 7
    ids = [f"id-{index:02d}" for index in range(len(texts))]
    for part in range(3):
        table = pa.table({"id": ids[part::3], "text": texts[part::3], "source": [f"source {part}"] * len(ids[part::3])})
        pq.write_table(table, place / f"{part}.parquet")

    def run(name, *arguments):
        output = place / name
        outcome = curate("run", "--input", place / "*.parquet", "--output", output, *only_read, *arguments)
        assert outcome.code == 0, outcome.err
        return output

    run.texts = dict(zip(ids, texts, strict=True))
    run.phrases = set().union(*map(phrases, texts))
    return run


@pytest.fixture(scope="module")
def shown(run_on):
    return run_on("shown")


def test_passages_are_of_the_documents_that_they_are_shown_for(run_on, shown, output_of):
    rows, report = output_of(shown).rows, report_of(shown)
    with_texts = [pair for pair in pairs_of(report) if pair["excerpts"]["copy"]]
    assert PAIRS_SHOWN <= len({pair["id"] for pair in with_texts}) <= 2 * PAIRS_SHOWN + MEMBERS
    assert {rows[pair[name]]["decision"] for pair in with_texts for name in ("id", "matched_id")} == {"kept", "dropped"}
    for pair in with_texts:
        assert rows[pair["id"]]["matched_id"] == pair["matched_id"]
        assert abs(rows[pair["id"]]["similarity"] - pair["similarity"]) < 1e-6
        for side, id in (("copy", pair["id"]), ("survivor", pair["matched_id"])):
            passage = pair["excerpts"][side]
            assert passage["text"] in run_on.texts[id][:COMPARED] and len(passage["text"]) <= SHOWN
            marked = [passage["text"][start:end] for start, end in passage["differs"]]
            if pair["reason"] == "near":
                assert len(marked) == 1 and (marked == ["otherwise"]) == (int(id[3:]) in range(30, 60))
    largest = report["duplicates"]["largest"][0]
    assert largest["documents"] == 9 and len(largest["members"]) == MEMBERS
    assert all(pair["excerpts"]["copy"] for pair in largest["members"])
    assert f"source {int(with_texts[0]['id'][3:]) % 3}" == with_texts[0]["source"]
    assert f"source {int(with_texts[0]['matched_id'][3:]) % 3}" == with_texts[0]["matched_source"]
    assert "<mark>otherwise</mark>" in (shown / "report.html").read_text()


def test_decide_shows_texts_only_where_it_applies(run_on, curate, shown, tmp_path):
    for name, arguments in (("named", ()), ("applied", ("--apply",))):
        outcome = curate("decide", "--annotations", shown, "--output", tmp_path / name, *arguments)
        assert outcome.code == 0, outcome.err
    assert report_of(tmp_path / "applied") == report_of(shown)
    assert [pair["id"] for pair in pairs_of(report_of(tmp_path / "named"))] == [
        pair["id"] for pair in pairs_of(report_of(shown))
    ]
    for file in WRITTEN:
        assert phrases((shown / file).read_text()) & run_on.phrases
        assert not phrases((tmp_path / "named" / file).read_text()) & run_on.phrases


def test_the_map_shows_openings_of_documents_of_the_rarest_clusters(finished, corpus, curate, output_of, tmp_path):
    report, rows = report_of(finished), output_of(finished).rows
    texts = dict(zip(corpus["id"].to_pylist(), corpus["text"].to_pylist(), strict=True))
    found = report["cluster_map"]
    assert [point["cluster"] for point in found["points"]] == sorted(row["cluster"] for row in report["clusters"])
    assert 0 < found["shown"] <= 1
    examples = [(rare["cluster"], example) for rare in found["rarest"] for example in rare["examples"]]
    assert examples
    for cluster, example in examples:
        assert rows[example["id"]]["cluster"] == cluster and rows[example["id"]]["decision"] == "kept"
        assert texts[example["id"]].startswith(example["passage"]["text"])
    assert curate("decide", "--annotations", finished, "--output", tmp_path / "named").code == 0
    named = report_of(tmp_path / "named")["cluster_map"]
    assert named["points"] == found["points"]
    assert all(example["passage"] is None for rare in named["rarest"] for example in rare["examples"])


def test_every_number_of_the_panels_names_artefacts_of_the_run(finished):
    report = report_of(finished)
    figures = [figure for panel in report["panels"] for figure in panel["figures"]]
    named = {id for figure in figures for id in figure["artefacts"]}
    assert named == {report["artefacts"][name] for name in ("centroids", "detector", "reference", "thresholds")}
    assert all(group["quantiles"] == sorted(group["quantiles"]) for group in report["calibration"]["groups"])


def test_no_text_is_shown_without_examples(run_on):
    silent = run_on("silent", "--set", "report.examples=0")
    assert pairs_of(report_of(silent))
    for file in WRITTEN:
        assert not phrases((silent / file).read_text()) & run_on.phrases


@pytest.mark.parametrize(("rounds", "open_pairs"), [(("--set", "dedupe.rounds=1"), True), ((), False)])
def test_pairs_left_open_are_counted(
    curate, write, prose, tmp_path, only_read, output_of, monkeypatch, rounds, open_pairs
):
    """A chain of near duplicates, each like the next one only, over many partitions."""
    monkeypatch.setattr(jobs, "ROWS_PER_PARTITION", 8)
    words = prose(13).text(400).split()
    texts = [" ".join(words[3 * index : 3 * index + 120]) for index in range(60)]
    input = write("a.parquet", {"id": [f"{index:02d}" for index in range(60)], "text": texts})
    outcome = curate("run", "--input", input, "--output", tmp_path / "out", *only_read, *rounds)
    assert outcome.code == 0, outcome.err
    output, report = output_of(tmp_path / "out"), report_of(tmp_path / "out")
    output.assert_whole()
    assert (output.manifest["unresolved_pairs"] > 0) == open_pairs
    assert report["duplicates"]["unresolved_pairs"] == output.manifest["unresolved_pairs"]
    warned = [reason for panel in report["panels"] for reason in panel["reasons"] if "dedupe.rounds" in reason["text"]]
    assert [reason["n"] for reason in warned] == [output.manifest["unresolved_pairs"]] * open_pairs
    assert output.counts["dropped"]
    assert curate("verify", output.path).code == 0


def test_clusters_are_named_by_their_key_terms(finished):
    rows = report_of(finished)["clusters"]
    terms = [row["terms"] for row in rows if row["documents"]]
    assert len(terms) > 4
    assert all(terms)
    assert {term for row in terms for term in row[:3]} >= {"harbour", "orchard", "engine", "parish"}
    html = (finished / "report.html").read_text()
    assert f"<bdi>{rows[0]['terms'][0]}</bdi>, <bdi>{rows[0]['terms'][1]}</bdi>" in html
