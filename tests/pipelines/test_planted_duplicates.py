"""Duplicates found in a corpus of known truth, judged by exact comparison of all pairs."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from planted import planted
from similar import compare, shingle_set, similar_pairs

THRESHOLD, CONTAINMENT, SHINGLE = 0.8, 0.9, 5

DEDUPE_ONLY = ("--set", "provenance.enabled=false")
WITH_PROVENANCE = ("--set", "provenance.trust_origin=true")
NOTHING_ELSE = ("--set", "synthetic.enabled=false", "--set", "mixture.enabled=false", "--set", "report.enabled=false")


@pytest.fixture(scope="module")
def corpus():
    """The table, the truth by id, and the shingle set by id."""
    table, truth = planted(groups=408, seed=3)
    sets = [shingle_set(text, SHINGLE) for text in table["text"].to_pylist()]
    return table, {row["id"]: row for row in truth.to_pylist()}, dict(zip(table["id"].to_pylist(), sets, strict=True))


@pytest.fixture(scope="module")
def pairs(corpus):
    """Ids and Jaccard similarity of all pairs at or above a threshold."""
    _, _, sets = corpus
    ids = list(sets)
    found = similar_pairs(list(sets.values()), THRESHOLD, CONTAINMENT)
    return [(ids[pair.left], ids[pair.right], pair.jaccard) for pair in found]


@pytest.fixture(scope="module", params=[DEDUPE_ONLY, WITH_PROVENANCE], ids=["dedupe only", "with provenance"])
def rows(request, corpus, curate, output_of, tmp_path_factory):
    """The ledger by id."""
    directory = tmp_path_factory.mktemp("planted")
    pq.write_table(corpus[0], directory / "in.parquet")
    settings = (*NOTHING_ELSE, *request.param)
    outcome = curate("run", "--input", directory / "in.parquet", "--output", directory / "out", *settings)
    assert outcome.code == 0, outcome.err
    return output_of(directory / "out").rows


def _dropped(rows):
    return [row for row in rows.values() if row["stage"] == "dedupe"]


def test_every_drop_is_similar_to_the_kept_document_that_it_names(corpus, rows):
    _, _, sets = corpus
    dropped = _dropped(rows)
    assert len(dropped) > 400
    for row in dropped:
        assert rows[row["matched_id"]]["decision"] == "kept"
        pair = compare([sets[row["id"]], sets[row["matched_id"]]], 0, 1)
        assert pair.jaccard >= THRESHOLD or pair.left_in_right >= CONTAINMENT, row
        assert row["similarity"] == pytest.approx(pair.jaccard, abs=1e-6)
        assert row["containment"] == pytest.approx(pair.left_in_right, abs=1e-6)


@pytest.mark.parametrize("similarity, recall", [(THRESHOLD + 0.05, 0.97), (0.95, 0.999)])
def test_of_similar_pairs_not_both_are_kept(pairs, rows, similarity, recall):
    similar = [pair for pair in pairs if pair[2] >= similarity]
    found = [pair for pair in similar if any(rows[id]["decision"] == "dropped" for id in pair[:2])]
    assert len(similar) > 250
    assert len(found) >= recall * len(similar)


def test_distinct_documents_stay_whatever_they_share(corpus, rows):
    _, truth, _ = corpus
    distinct = {"single", "boilerplate", "template", "short"}
    with_copies = {row["copy_of"] for row in truth.values()}
    alone = [id for id, row in truth.items() if row["kind"] in distinct and id not in with_copies]
    assert {truth[id]["kind"] for id in alone} >= {"boilerplate", "template", "short"}
    assert [id for id in alone if rows[id]["decision"] != "kept"] == []


def test_no_real_document_gives_way_to_one_that_is_not(corpus, rows):
    _, truth, _ = corpus
    roles = [(truth[row["id"]]["role"], truth[row["matched_id"]]["role"]) for row in _dropped(rows)]
    assert roles.count(("synthetic", "real")) > 50
    assert {kept for dropped, kept in roles if dropped == "real"} == {"real"}


def test_originals_stay(corpus, rows):
    _, truth, _ = corpus
    originals = {row["copy_of"] for row in truth.values() if row["copy_of"]}
    assert [id for id in originals if rows[id]["decision"] != "kept"] == []


def _ledger(corpus, curate, output_of, directory, shards, row_group, *options):
    """The ledger of the shuffled corpus in so many shards, without the names of the files."""
    order = np.random.default_rng(shards).permutation(corpus.num_rows)
    for shard in range(shards):
        path = directory / f"{shards}" / f"part-{shard}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(corpus.take(order[shard::shards]), path, row_group_size=row_group)
    output = directory / f"out-{shards}"
    settings = (*NOTHING_ELSE, *WITH_PROVENANCE, *options)
    outcome = curate("run", "--input", directory / f"{shards}" / "*.parquet", "--output", output, *settings)
    assert outcome.code == 0, outcome.err
    return output_of(output).ledger.drop(["source_file"])


def test_the_ledger_is_the_same_for_any_order_and_sharding(corpus, curate, output_of, tmp_path):
    whole = _ledger(corpus[0], curate, output_of, tmp_path, 1, 10_000)
    assert _ledger(corpus[0], curate, output_of, tmp_path, 5, 37).equals(whole)


@pytest.mark.slow
def test_the_ledger_is_the_same_for_any_number_of_workers(corpus, curate, output_of, tmp_path):
    whole = _ledger(corpus[0], curate, output_of, tmp_path, 1, 10_000)
    assert _ledger(corpus[0], curate, output_of, tmp_path, 4, 100, "--workers", "2").equals(whole)


@pytest.mark.parametrize("prefer", ["-crawl", "edition"])
def test_a_template_in_many_documents_leaves_the_preferred_one(curate, output_of, tmp_path, prefer):
    """More of them than are all compared with each other: the preferred one must be among those that lead."""
    words = " ".join(f"word{n}" for n in range(100))
    crawls = [f"CC-MAIN-{2013 + n * 7 % 12}-{10 + n * 11 % 42}" for n in range(300)]
    corpus = pa.table(
        {
            "id": [f"d{n}" for n in range(300)],
            "text": [f"{words} number {n * 7919 % 100_003}" for n in range(300)],
            "crawl": crawls,
            "edition": [n % 5 for n in range(300)],
            "timestamp": [f"2024-01-01T00:{n * 13 % 60:02}:{n % 60:02}Z" for n in range(300)],
        }
    )
    pq.write_table(corpus, tmp_path / "in.parquet")
    options = ("--set", f"dedupe.prefer=[{prefer}]", *NOTHING_ELSE)
    outcome = curate("run", "--input", tmp_path / "in.parquet", "--output", tmp_path / "out", *options)
    assert outcome.code == 0, outcome.err
    kept = output_of(tmp_path / "out").table("data").to_pylist()
    assert len(kept) == 1
    assert kept[0]["crawl"] == max(crawls) if prefer == "-crawl" else kept[0]["edition"] == 0
