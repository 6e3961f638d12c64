import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from curate.clusters.artefact import from_bytes, to_bytes
from curate.clusters.embedding import Embedding, SparseFeatures, document_features, fit_embedding
from curate.clusters.kmeans import assign, choose_k, fit_centroids
from curate.errors import UsageError
from curate.hashing import mix, stage_seed, uniform

TOPICS = 8


def without_text(documents):
    return pa.nulls(documents, pa.string())


def corpus(documents, seed=0, tokens=60):
    """Token hashes of documents on topics with words of their own; topic = document modulo TOPICS."""
    cells = np.arange(documents * tokens, dtype=np.uint64)
    topic = np.repeat(np.arange(documents) % TOPICS, tokens)
    common = uniform(cells, stage_seed(seed, "common")) < 0.5
    word = (uniform(cells, stage_seed(seed, "word")) ** 2 * 300).astype(np.uint64)
    vocabulary = np.where(common, TOPICS, topic).astype(np.uint64)
    hashes = mix(vocabulary * np.uint64(1_000) + word, 5)
    return hashes, np.arange(documents + 1, dtype=np.int64) * tokens, without_text(documents)


@pytest.fixture(scope="module")
def fitted():
    features = document_features(*corpus(600))
    return features, fit_embedding(features, 16, seed=1)


def test_features_count_tokens():
    hashes = np.array([7, 8, 7, 7, 9], dtype=np.uint64)
    features = document_features(hashes, np.array([0, 4, 4, 5]), without_text(3))
    assert features.offsets.tolist() == [0, 2, 2, 3]
    assert features.counts.tolist() == [3, 1, 1]
    assert document_features(hashes, np.array([0, 4, 4, 5]), without_text(3), max_tokens=2).counts.tolist() == [1, 1, 1]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 59), min_size=1, max_size=30))
def test_transform_gives_a_document_the_same_bits_in_any_batch(fitted, rows):
    features, embedding = fitted
    rows = np.array(rows)
    assert np.array_equal(embedding.transform(features.take(rows)), embedding.transform(features)[rows])


def test_concatenate_undoes_take(fitted):
    features, _ = fitted
    parts = [features.take(np.arange(0, 100)), features.take(np.arange(100, 600))]
    joined = SparseFeatures.concatenate(parts)
    for name in ("indices", "counts", "offsets"):
        assert np.array_equal(getattr(joined, name), getattr(features, name))
    assert len(SparseFeatures.concatenate([])) == 0


def test_topics_are_apart(fitted):
    features, embedding = fitted
    vectors = embedding.transform(features).astype(np.float32)
    cosines = vectors @ vectors.T
    same = np.equal.outer(np.arange(600) % TOPICS, np.arange(600) % TOPICS)
    assert cosines[same].mean() > cosines[~same].mean() + 0.5
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=2e-3)


@pytest.mark.parametrize("threads", [1, 2])
def test_fit_does_not_depend_on_the_threads(fitted, threads):
    features, embedding = fitted
    with threadpool_limits(threads):
        assert fit_embedding(features, 16, seed=1).id == embedding.id


@pytest.mark.parametrize("documents", [0, 1, 2, 5])
def test_tiny_corpora(documents):
    features = document_features(*corpus(documents))
    embedding = fit_embedding(features, 64, seed=1)
    vectors = embedding.transform(features)
    assert vectors.shape == (documents, 64) and vectors.dtype == np.float16
    assert np.all(np.isfinite(vectors))
    if documents:
        np.testing.assert_allclose(np.linalg.norm(vectors.astype(np.float32), axis=1), 1, atol=2e-3)
        assert np.all(vectors[:, documents:] == 0)
    centroids = fit_centroids(vectors, np.arange(documents, dtype=np.uint64), choose_k(documents), seed=1)
    assert np.all(assign(vectors, centroids)[0] >= 0)


def test_document_without_known_features_has_no_direction(fitted):
    _, embedding = fitted
    empty = document_features(np.array([], dtype=np.uint64), np.array([0, 0]), without_text(1))
    assert np.all(embedding.transform(empty) == 0)


def test_saved_and_loaded(fitted, tmp_path):
    features, embedding = fitted
    path = str(tmp_path / "embedding.npz")
    embedding.save(path)
    loaded = Embedding.load(path)
    assert loaded.id == embedding.id and loaded.dimensions == 16
    assert np.array_equal(loaded.transform(features), embedding.transform(features))
    assert embedding.to_bytes() == loaded.to_bytes()


def test_unusable_artefacts_are_refused(tmp_path):
    with pytest.raises(UsageError, match="missing"):
        Embedding.load(str(tmp_path / "missing.npz"))
    pickled = tmp_path / "pickled.npz"
    with pickled.open("wb") as file:
        np.savez(file, idf=np.array([print], dtype=object), components=np.zeros(1))
    for content in (b"", b"no archive", pickled.read_bytes()):
        with pytest.raises(UsageError, match="usable"):
            Embedding.from_bytes(content)


def test_embeddings_of_other_features_are_refused(fitted):
    content = from_bytes(fitted[1].to_bytes(), ["idf", "components", "words"])
    older = to_bytes({**content, "format": np.array(1)})
    with pytest.raises(UsageError, match="has format 1, expected 2"):
        Embedding.from_bytes(older)


@pytest.mark.slow
@pytest.mark.corpus
def test_rare_languages_keep_clusters_of_their_own():
    import pyarrow.parquet as pq

    from curate.hashing import hash_strings
    from curate.text.kernel import token_hashes

    root = Path(os.environ.get("CURATE_TEST_DATA", Path(__file__).parents[4] / "shared" / "data"))
    path = root / "mixed_corpus.parquet"
    if not path.exists():
        pytest.skip("no evaluation corpus")
    table = pq.read_table(path, columns=["id", "text", "language"])
    keys = hash_strings(table["id"])
    order = np.argsort(keys)
    table, keys = table.take(order), keys[order]
    texts = table["text"].combine_chunks()
    features = document_features(*token_hashes(texts), texts)
    chosen = np.sort(np.argsort(mix(keys, 1))[:20_000])
    embedding = fit_embedding(features.take(chosen), 64, seed=1)
    vectors = embedding.transform(features)
    labels, _ = assign(vectors, fit_centroids(vectors[chosen], keys[chosen], choose_k(len(keys)), seed=1))
    language = np.array(table["language"].to_pylist())
    main = [(language[labels == c] == "en").mean() if np.any(labels == c) else 0 for c in range(labels.max() + 1)]
    swallowed = [
        code for code in ("hi", "el", "ta", "fa", "tr", "bn") if np.mean(np.array(main)[labels[language == code]]) > 0.2
    ]
    assert swallowed == []
