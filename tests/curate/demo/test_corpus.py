import itertools
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from curate.config import Provenance
from curate.demo.corpus import INPUT, TRUTH, build_demo, training_table
from curate.demo.prose import word_shingles
from curate.errors import UsageError

CUTOFF = datetime(2022, 11, 30, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    return build_demo(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def rows(demo):
    """Input rows with their truth, by id."""
    table = pa.concat_tables([pq.read_table(path) for path in sorted(demo.input.iterdir())])
    truth = {row["id"]: row for row in pq.read_table(demo.truth).to_pylist()}
    return {row["id"]: row | truth[row["id"]] for row in table.to_pylist()}


def of_kind(rows, *kinds):
    return [row for row in rows.values() if row["kind"] in kinds]


def test_shards_share_a_schema_and_hold_every_document_of_the_truth_once(demo, rows):
    shards = [pq.read_table(path) for path in sorted(demo.input.iterdir())]
    truth = pq.read_table(demo.truth)
    assert len(shards) >= 4
    assert all(shard.schema == INPUT for shard in shards)
    assert truth.schema == TRUTH
    assert sum(map(len, shards)) == len(truth) == len(rows)
    assert 2_500 <= len(rows) <= 4_100


def test_every_kind_occurs_in_useful_numbers(rows):
    counts = Counter(row["kind"] for row in rows.values())
    assert counts["human"] > 900
    assert counts["machine"] > 500
    assert min(counts["exact_copy"], counts["near_copy"], counts["spam"]) > 90
    assert counts["rare_language"] == 24
    assert counts["rare_topic"] >= 10
    assert sum(n for kind, n in counts.items() if kind.startswith("image_")) == 12


def test_there_is_enough_trusted_prose_to_calibrate_on(rows):
    trusted = [r for r in rows.values() if r["timestamp"] and r["timestamp"] < CUTOFF]
    assert {row["label"] for row in trusted} == {"human"}
    assert len([row for row in trusted if row["language"] == "en"]) >= 400


def test_ids_and_urls_tell_no_kind(rows):
    kinds = {row["kind"] for row in rows.values()}
    for key, row in rows.items():
        assert not any(kind in f"{key} {row['url']} {row['media_path']}".rpartition("/media/")[2] for kind in kinds)
    for source in ("content-farm", "web-forum", "handbook"):
        assert {"human", "machine"} <= {row["kind"] for row in rows.values() if row["source"] == source}


def test_copies_are_copies(rows):
    for row in of_kind(rows, "exact_copy"):
        original = rows[row["copy_of"]]
        assert row["text"] == original["text"] and row["label"] == original["label"]
    similarities = []
    for row in of_kind(rows, "near_copy"):
        original = rows[row["copy_of"]]
        left, right = word_shingles(row["text"]), word_shingles(original["text"])
        assert row["text"] != original["text"]
        assert row["similarity"] == pytest.approx(len(left & right) / len(left | right))
        assert row["containment"] == pytest.approx(len(left & right) / min(len(left), len(right)))
        assert 0.4 < row["similarity"] <= 1
        similarities.append(row["similarity"])
    assert 0.3 < sum(s >= 0.8 for s in similarities) / len(similarities) < 0.9


def test_copies_point_to_originals_and_were_captured_no_earlier(rows):
    for row in of_kind(rows, "exact_copy", "near_copy"):
        original = rows[row["copy_of"]]
        assert original["kind"] in ("human", "rare_topic", "machine")
        if row["timestamp"] and original["timestamp"]:
            assert row["timestamp"] >= original["timestamp"]
    assert all(row["copy_of"] is None for row in rows.values() if not row["kind"].endswith("_copy"))


def test_unrelated_documents_are_not_near_duplicates(rows):
    holders = {}
    overlap = Counter()
    originals = of_kind(rows, "human", "rare_topic", "rare_language", "machine")
    shingles = [word_shingles(row["text"]) for row in originals]
    for i, own in enumerate(shingles):
        for shingle in own:
            overlap.update((i, j) for j in holders.setdefault(shingle, []))
            holders[shingle].append(i)
    assert max(n / min(len(shingles[i]), len(shingles[j])) for (i, j), n in overlap.items()) < 0.8


def test_images_verify_as_the_truth_says(demo, rows):
    from curate.provenance.credentials import make_context, read_credentials

    context = make_context(Provenance(trust_anchors=str(demo.anchors)))
    states = {"image_ai": "Trusted", "image_camera": "Trusted", "image_tampered": "Invalid", "image_denied": "Trusted"}
    images = [row for row in rows.values() if row["kind"].startswith("image_")]
    assert {row["media"] is None for row in images} == {True, False}
    contents = set()
    for row in images:
        data = row["media"] or Path(row["media_path"]).read_bytes()
        contents.add(data)
        credentials = read_credentials(data, context=context)
        assert credentials.validation_state == states.get(row["kind"])
        assert (credentials.training_mining == "notAllowed") == (row["kind"] == "image_denied")
    assert len(contents) == len(images)


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    first, second, other = (
        build_demo(tmp_path / name, seed=seed, documents=600) for name, seed in (("a", 3), ("b", 3), ("c", 4))
    )
    shards = [sorted(demo.input.iterdir())[:3] for demo in (first, second, other)]
    assert [path.read_bytes() for path in shards[0]] == [path.read_bytes() for path in shards[1]]
    assert first.truth.read_bytes() == second.truth.read_bytes()
    texts = [
        set(itertools.chain.from_iterable(pq.read_table(p, columns=["id"])[0].to_pylist() for p in s)) for s in shards
    ]
    assert not texts[0] & texts[2]


def test_training_documents_are_not_in_the_corpus(rows):
    table = training_table()
    assert Counter(table["label"].to_pylist()).keys() == {"human", "machine"}
    assert pc.sum(pc.equal(table["label"], "human")).as_py() * 2 == len(table) > 800
    assert not {row["text"] for row in rows.values()} & set(table["text"].to_pylist())


def test_refusals(demo, tmp_path):
    with pytest.raises(UsageError, match="name another one"):
        build_demo(demo.input.parent)
    with pytest.raises(UsageError, match="at least 400"):
        build_demo(tmp_path / "small", documents=10)
    assert not (tmp_path / "small").exists()
