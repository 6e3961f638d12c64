"""The collapse benchmark as a user runs it."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate.pipelines import simulate
from curate.pipelines.simulate import curate_crawl
from curate.simulate.arms import ARMS
from curate.simulate.corpus import generated_corpus
from curate.simulate.world import HUMAN, World


@pytest.mark.slow
def test_the_small_tier_shows_collapse_and_that_curation_prevents_it(curate_process, tmp_path):
    output = tmp_path / "collapse"
    outcome = curate_process("simulate", "--output", str(output), "--tier", "ci", timeout=600)
    assert outcome.code == 0, outcome.err
    assert {path.name for path in output.iterdir()} == {"report.json", "report.html", "table.md", "protocol.md"}
    report = json.loads((output / "report.json").read_text())
    assert list(report["arms"]) == ["human_only", "no_curation", "full"]
    assert report["seeds"] == [1] and report["generations"] == 3
    assert report["arms"]["human_only"]["perplexity_ratio"] == 1
    assert report["arms"]["no_curation"]["perplexity_ratio"] >= 1.3
    assert report["arms"]["full"]["perplexity_ratio"] <= 1.15
    assert all(check["passed"] for check in report["checks"])
    assert (output / "table.md").read_text() in outcome.out


@pytest.mark.parametrize(
    ("perplexities", "missed"),
    [
        ((100, 140, 110), []),
        ((100, 140, 120), ["perplexity ratio, full curation"]),
        ((100, 120, 120), ["perplexity ratio, no curation", "perplexity ratio, full curation"]),
    ],
)
def test_a_missed_figure_fails_the_command_and_all_is_written(curate, tmp_path, monkeypatch, perplexities, missed):
    chains = {
        (arm, 1): [{"perplexity": perplexity, "tail_share": 0.1, "vocabulary_coverage": 0.5}] * 3
        for arm, perplexity in zip(("human_only", "no_curation", "full"), perplexities, strict=True)
    }
    monkeypatch.setattr(simulate, "run_chains", lambda *_: chains)
    outcome = curate("simulate", "--output", tmp_path / "collapse")
    assert outcome.code == (1 if missed else 0)
    assert outcome.err == (f"curate: missed: {'; '.join(missed)}\n" if missed else "")
    assert outcome.out.count("MISSED") == len(missed)
    assert {path.name for path in (tmp_path / "collapse").iterdir()} == {
        "report.json", "report.html", "table.md", "protocol.md",
    }  # fmt: skip


@pytest.fixture(scope="module")
def world():
    return World.of(generated_corpus(600, 1), 1)


@pytest.fixture(scope="module")
def crawl(world):
    return world.crawl(1, world.fit(world.slice(0)), "sharp")


def test_the_run_in_it_drops_copies_and_keeps_people(world, crawl):
    found = curate_crawl(ARMS["dedup_only"], world, crawl, crawl.slice(0, 0))
    kinds = crawl["kind"].to_numpy()
    assert (found.copies[kinds == HUMAN] == 1).all()
    assert found.copies[kinds == "copy"].mean() < 0.5
    assert [text is None for text in found.texts.to_pylist()] == (found.copies == 0).tolist()


def test_with_all_origins_known_no_machine_text_takes_the_place_of_people(world, crawl):
    found = curate_crawl(ARMS["oracle"], world, crawl, crawl.slice(0, 0))
    kinds = crawl["kind"].to_numpy()
    assert (found.copies[kinds == HUMAN] > 0).mean() > 0.98
    assert found.copies[kinds != HUMAN].sum() < 0.15 * found.copies.sum()
    again = curate_crawl(ARMS["oracle"], world, crawl, crawl.slice(0, 0))
    assert (again.copies == found.copies).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--tier", "ci", "--corpus", "corpus.parquet"), "generates its own; leave it out"),
        (("--tier", "doc", "--corpus", "none.parquet"), "cannot be read"),
        (("--tier", "large"), "Invalid value for '--tier'"),
    ],
)
def test_what_cannot_be_run_is_refused_and_leaves_nothing(curate, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    pq.write_table(pa.table({"text": ["a"]}), tmp_path / "corpus.parquet")
    outcome = curate("simulate", "--output", "collapse", *arguments)
    assert outcome.code == 2
    assert message in outcome.err
    assert not (tmp_path / "collapse").exists()
