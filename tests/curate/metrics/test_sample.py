import numpy as np
import pyarrow as pa
import pytest

from curate.annotate import annotate
from curate.config import make_config
from curate.metrics.sample import DOCUMENTS, MAX_TOKENS, SAMPLE, sample_documents, sample_share, sample_texts, smallest
from curate.metrics.types import token_codes
from curate.text.kernel import token_hashes

CONFIG = make_config({"mixture": {"embedding_column": "vector", "dimensions": 8}})


@pytest.fixture(scope="module")
def table():
    draw = np.random.default_rng(1)
    texts = [" ".join(f"word{word}" for word in draw.integers(0, 500, 30)) for _ in range(60)]
    texts[7] = None
    texts[8] = texts[9] = "one text that two documents have"
    texts[10] = " ".join(f"long{word}" for word in range(3 * MAX_TOKENS))
    vectors = [[1.0, *[0.0] * 6, float(row)] for row in range(60)]
    return pa.table({"id": [f"d{row}" for row in range(60)], "text": texts, "vector": vectors})


def features(table):
    return annotate(table, 100, "here", CONFIG, None, None)


def test_of_all_every_text_is_taken_with_its_first_tokens(table):
    sample = sample_documents(table, features(table), CONFIG, 1.0)
    assert sample.schema == SAMPLE
    assert sample["location"].to_pylist() == [100 + row for row in range(60) if row != 7]
    hashes, offsets = token_hashes(table["text"].combine_chunks())
    for row, codes in zip(sample["location"].to_numpy() - 100, sample["codes"].to_pylist(), strict=True):
        assert codes == token_codes(hashes[offsets[row] : offsets[row + 1]])[:MAX_TOKENS].tolist()
    assert len(sample["codes"][9]) == MAX_TOKENS
    assert sample["surprise"].null_count < len(sample) and len(sample["embedding"][0]) == 8


def test_documents_are_chosen_by_content_whatever_their_block(table):
    found = features(table)
    half = sample_documents(table, found, CONFIG, 0.5)
    assert 15 < half.num_rows < 45
    parts = [sample_documents(table.slice(at, 7), found.slice(at, 7), CONFIG, 0.5) for at in range(0, 60, 7)]
    assert pa.concat_tables(parts).equals(half)
    keys = sample_documents(table, found, CONFIG, 1.0)["key"].to_pylist()
    assert keys[7] == keys[8]  # of documents 8 and 9, which are copies
    fewer = set(sample_documents(table, found, CONFIG, 0.2)["location"].to_pylist())
    assert fewer < set(half["location"].to_pylist())


def test_a_corpus_without_annotations_gives_the_same_sample(table):
    annotated = sample_documents(table, features(table), CONFIG, 1.0)
    directly = sample_texts(table, CONFIG)
    directly = directly.filter(pa.array([row != 7 for row in range(60)]))
    for name in ("key", "codes", "compressed", "surprise", "embedding"):
        assert directly[name].equals(annotated[name]), name


def test_share_of_large_and_small_corpora():
    assert sample_share(0) == sample_share(DOCUMENTS) == 1.0
    assert sample_share(50 * DOCUMENTS) == 0.02


def test_smallest_of_parts_is_smallest_of_all():
    draw = np.random.default_rng(2)
    table = pa.table({"key": draw.integers(0, 20, 50), "id": [f"{row:02d}" for row in draw.permutation(50)]})
    whole = smallest(table, 12, ("key", "id"))
    parts = [smallest(table.slice(at, 9), 12, ("key", "id")) for at in range(0, 50, 9)]
    assert smallest(pa.concat_tables(parts[::-1]), 12, ("key", "id")).equals(whole)
    assert whole.num_rows == 12 and smallest(table.slice(0, 3), 12, ("key", "id")).num_rows == 3
