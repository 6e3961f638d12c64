import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from curate.errors import UsageError
from curate.simulate.corpus import TOPICS, generated_corpus, read_corpus
from curate.simulate.world import COPIES, DOCUMENTS, HUMAN, NOISE, SYNTHETIC, World


@pytest.fixture(scope="module")
def world():
    return World.of(generated_corpus(400, 1), 1)


@pytest.fixture(scope="module")
def crawl(world):
    return world.crawl(1, world.fit(world.slice(0)), "sharp")


def kinds(table):
    return dict(zip(*(column.to_pylist() for column in pc.value_counts(table["kind"]).flatten()), strict=True))


def test_the_parts_are_disjoint_and_of_the_shares_of_the_protocol(world):
    parts = [set(part["text"].to_pylist()) for part in (world.trusted, world.pool, world.held_out)]
    assert not parts[0] & parts[1] and not parts[0] & parts[2] and not parts[1] & parts[2]
    assert sum(map(len, parts)) == 400
    np.testing.assert_allclose([len(part) / 400 for part in parts], [0.25, 0.60, 0.15], atol=0.08)


def test_a_slice_is_half_of_the_pool_and_another_one_each_time(world):
    first, second = (set(world.slice(generation)["id"].to_pylist()) for generation in (1, 2))
    assert len(first) == len(second) == round(world.pool.num_rows / 2)
    assert first != second and first <= set(world.pool["id"].to_pylist())


def test_a_crawl_is_made_as_the_protocol_says(world, crawl):
    human = world.slice(1).num_rows
    counts = kinds(crawl)
    copies = COPIES * round(0.05 * 4 * human)
    assert counts[HUMAN] == human and counts[SYNTHETIC] == 4 * human and counts["copy"] == copies
    assert counts[NOISE] == round(0.01 * (5 * human + copies))
    assert crawl.schema == DOCUMENTS
    ids = crawl["id"].to_pylist()
    assert ids == sorted(ids) and len(set(ids)) == len(ids)
    declaring = crawl.filter(pc.is_valid(crawl["origin"]))
    assert set(declaring["kind"].to_pylist()) == {SYNTHETIC}
    assert declaring.num_rows / counts[SYNTHETIC] == pytest.approx(0.3, abs=0.08)
    assert set(crawl.filter(pc.equal(crawl["kind"], HUMAN))["text"].to_pylist()) == set(
        world.slice(1)["text"].to_pylist()
    )


def test_copies_differ_a_little_from_what_they_copy(crawl):
    originals = [set(text.split()) for text in crawl.filter(pc.equal(crawl["kind"], SYNTHETIC))["text"].to_pylist()]
    copies = crawl.filter(pc.equal(crawl["kind"], "copy"))["text"].to_pylist()
    for copy in copies[:20]:
        words = set(copy.split())
        assert max(len(words & original) / len(words | original) for original in originals) > 0.9
    assert len(set(copies)) > 0.8 * len(copies)


def test_the_same_seed_gives_the_same_crawl_and_another_seed_another(world, crawl):
    again = World.of(generated_corpus(400, 1), 1)
    assert again.crawl(1, again.fit(again.slice(0)), "sharp").equals(crawl)
    other = World.of(generated_corpus(400, 1), 2)
    assert set(other.pool["text"].to_pylist()) != set(world.pool["text"].to_pylist())


def test_all_words_of_people_are_known_and_gibberish_is_not(world, crawl):
    unknown = {}
    for kind in (HUMAN, NOISE):
        texts = crawl.filter(pc.equal(crawl["kind"], kind))["text"].to_pylist()
        unknown[kind] = np.mean(np.concatenate(world.vocabulary.read(texts)) == 1)
    assert unknown[HUMAN] == 0 and unknown[NOISE] > 0.9


def test_the_generated_corpus_has_topics_of_zipf_sizes():
    corpus = generated_corpus(3_000, 2)
    sizes = np.bincount(corpus.topics, minlength=TOPICS)
    ranks = np.arange(1, 11)
    slope = np.polyfit(np.log(ranks), np.log(sizes[:10]), 1)[0]
    assert slope == pytest.approx(-1.1, abs=0.2)
    assert all(80 <= len(text.split()) <= 160 for text in corpus.texts.to_pylist())


def test_a_corpus_is_read_with_its_topics(tmp_path):
    words = [f"word{i}" for i in range(300)]
    rng = np.random.default_rng(1)
    texts = [" ".join(rng.choice(words, 400)) + "." for _ in range(1_100)] + ["too short"] * 50
    topics = ["news"] * 900 + ["law"] * 200 + ["rare"] * 50
    pq.write_table(pa.table({"text": texts, "source": topics}), tmp_path / "corpus.parquet")
    corpus = read_corpus(str(tmp_path / "corpus.parquet"), 1_050, 1)
    assert len(corpus.texts) == 1_050 and corpus.names == ("law", "news") and corpus.language is None
    assert all(60 <= len(text.split()) <= 250 for text in corpus.texts.to_pylist())


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"body": ["a"], "topic": ["t"]}, "expected text, and topic or source"),
        ({"text": ["a"]}, "expected text, and topic or source"),
        ({"text": ["a b"], "topic": ["t"]}, "expected 1,000"),
    ],
)
def test_a_corpus_that_cannot_be_used_is_refused(tmp_path, columns, message):
    pq.write_table(pa.table(columns), tmp_path / "corpus.parquet")
    with pytest.raises(UsageError, match=message):
        read_corpus(str(tmp_path / "corpus.parquet"), 100, 1)


def test_a_file_that_is_no_parquet_is_refused(tmp_path):
    (tmp_path / "corpus.parquet").write_text("text")
    with pytest.raises(UsageError, match="cannot be read"):
        read_corpus(str(tmp_path / "corpus.parquet"), 100, 1)
