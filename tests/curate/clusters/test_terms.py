import numpy as np
import pyarrow as pa
import pyarrow.compute
import pytest

from curate.clusters.embedding import Embedding, buckets_of, document_features, fit_embedding
from curate.clusters.kmeans import Centroids, fit_centroids
from curate.clusters.terms import DRAWN, DRAWS, bucket_words, cluster_terms, draw_words, least_draws
from curate.hashing import hash_strings
from curate.text.kernel import text_features, token_hashes

TOPICS = {
    "sea": "harbour captain sailing lighthouse",
    "kitchen": "Flour OVEN butter recipe",
    "greek": "λιμάνι καπετάνιος θάλασσα φάρος",
    "japanese": "港と船長、灯台の海。",
}


def documents():
    """Forty documents of each topic, with three of its words and with words that all share."""
    texts = []
    for words in TOPICS.values():
        parts = words.split()
        texts += [f"the and of {' '.join(parts[: 3 + i % 2])} number{i} was here" for i in range(40)]
    return pa.array(texts)


def drawn(texts):
    return draw_words(texts, hash_strings(texts))


@pytest.fixture(scope="module")
def fitted():
    texts = documents()
    features = document_features(*token_hashes(texts), texts)
    embedding = fit_embedding(features, 8, seed=1).with_words(bucket_words(drawn(texts)))
    vectors = embedding.transform(features)
    return embedding, Centroids(fit_centroids(vectors, hash_strings(texts), 4, seed=1)), vectors


def test_terms_name_what_clusters_are_about_in_any_script(fitted):
    embedding, centroids, vectors = fitted
    terms, (clusters, _) = cluster_terms(embedding, centroids, 3), centroids.assign(vectors)
    about = [{"harbour", "captain", "sailing"}, {"flour", "oven", "butter"}, {"λιμάνι", "καπετάνιοσ", "θάλασσα"}]
    for topic, expected in enumerate([*about, set("港と船長灯台の海")]):
        own = terms[np.bincount(clusters[40 * topic : 40 * topic + 40]).argmax()]
        assert len(own) == 3
        assert set(own) <= expected


def test_one_cluster_has_terms(fitted):
    embedding, _, vectors = fitted
    assert cluster_terms(embedding, Centroids(vectors[:1].astype(np.float32)))[0]


def test_words_travel_with_the_embedding(fitted):
    embedding, centroids, _ = fitted
    copy = Embedding.from_bytes(embedding.to_bytes())
    assert copy.words.equals(embedding.words)
    assert copy.id == embedding.id
    assert cluster_terms(copy, centroids) == cluster_terms(embedding, centroids)


def test_words_are_those_of_their_buckets(fitted):
    words = [word for word in fitted[0].words.to_pylist() if word]
    hashes = text_features(pa.array(words), shingle=1, permutations=0, seed=0, with_tokens=True).token_hashes
    assert [fitted[0].words[int(bucket)].as_py() for bucket in buckets_of(hashes)] == words


@pytest.mark.parametrize("size", [1, 7, 160])
def test_draws_do_not_depend_on_order_or_blocks(size):
    texts = documents()
    shuffled = texts.take(pa.array(np.random.default_rng(size).permutation(len(texts))))
    parts = [drawn(shuffled.slice(start, size)) for start in range(0, len(texts), size)]
    merged = least_draws(pa.concat_tables(parts))
    once = drawn(texts)
    assert merged.drop_columns("word").equals(once.drop_columns("word"))
    assert bucket_words(merged).equals(bucket_words(once))


def test_what_few_texts_say_names_nothing():
    texts = [f"harbour secret{number} hunter{number // 2}" for number in range(8)]
    assert {word for word in bucket_words(drawn(pa.array(texts))).to_pylist() if word} == {"harbour"}


def test_spellings_of_a_word_are_one():
    spellings = ["Straße ÉTÉ", "STRASSE été", "strasse Été", "STRAẞE éTé"]
    for order in (spellings, spellings[::-1]):
        words = {word for word in bucket_words(drawn(pa.array(order))).to_pylist() if word}
        assert words == {"strasse", "été"}


def test_draws_of_a_bucket_are_bounded_and_a_document_draws_a_word_once():
    assert drawn(pa.array(["again " * 50])).num_rows == 1
    many = drawn(pa.array([f"again {i}" for i in range(50)]))
    assert many["word"].to_pylist().count("again") == DRAWS


def test_the_word_of_most_documents_stands_for_a_bucket():
    rows = [(5, draw, 77, "Many") for draw in range(5)] + [(5, 10 + draw, 11, "few") for draw in range(3)]
    table = pa.Table.from_pylist([dict(zip(DRAWN.names, row, strict=True)) for row in rows], DRAWN)
    words = bucket_words(least_draws(table))
    assert words[5].as_py() == "many"
    assert pa.compute.sum(pa.compute.not_equal(words, "")).as_py() == 1


@pytest.mark.parametrize("texts", [[], [""], ["…!?"], ["x" * 5_000], ["\x00\u200d\ufffd"]])
def test_texts_without_words(texts):
    found = drawn(pa.array(texts, pa.large_string()))
    assert found.num_rows == 0
    assert found.schema == DRAWN
    assert not any(bucket_words(found).to_pylist())
