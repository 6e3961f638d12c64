import numpy as np
import pyarrow as pa
import pytest

from curate.detector import fit
from curate.detector.distinct import distinct_tokens
from curate.detector.fit import FitSettings, family_keys, fit_components, fit_stack
from curate.detector.human_language import human_bigrams
from curate.detector.model import parts_of
from curate.detector.ranks import load
from curate.detector.statistics import NAMES, NO_COLUMNS, Tables, statistics, token_facts
from curate.detector.stream import token_stream
from curate.detector.trees import BoostingSettings
from curate.detector.word_vectors import FastTextSettings
from curate.errors import UsageError

SMALL = FitSettings(
    token_rates=20,
    ending_rates=5,
    boosting=BoostingSettings(trees=20, depth=2, least=1.0),
    fasttext=FastTextSettings(buckets=1 << 11, least_count=1, epochs=2),
)


def arrays(documents, seed=3):
    return fit_components(documents, seed, SMALL).to_arrays()


def same(one, other):
    return {name: np.array_equal(one[name], other[name]) for name in one}


@pytest.fixture(scope="module")
def corpus(tiny_corpus):
    """The small corpus, of two data sets, with texts that come twice in other families and data sets."""
    table = tiny_corpus.slice(0, 80).append_column("dataset", pa.array(["one", "two"] * 40))
    twice = table.slice(10, 20)
    twice = twice.set_column(0, "id", pa.array([f"again/{number}/x" for number in range(20)]))
    twice = twice.set_column(
        twice.column_names.index("dataset"), "dataset", pa.array([None, "three"] * 10, pa.string())
    )
    return pa.concat_tables([table, twice])


@pytest.fixture(scope="module")
def fitted(corpus):
    return arrays(corpus)


def test_the_order_of_documents_is_the_same_to_the_fit(corpus, fitted):
    order = np.random.default_rng(1).permutation(len(corpus))
    assert all(same(fitted, arrays(corpus.take(pa.array(order)))).values())


def test_the_seed_matters(corpus, fitted):
    equal = same(fitted, arrays(corpus, seed=4))
    assert not equal["tree_features"] and not equal["ngrams"]
    assert equal["bigrams"] and equal["tokens"] and equal["endings"]  # nothing is drawn for these


def test_the_stack_is_the_same_in_any_order(corpus):
    order = pa.array(np.random.default_rng(5).permutation(len(corpus)))
    found = fit_stack(corpus, 3, SMALL)
    assert found == fit_stack(corpus.take(order), 3, SMALL)
    assert {name: values["weight"] for name, values in found["stack"].items()} == SMALL.weights
    assert all(values["scale"] > 0 for values in found["stack"].values())


def word(number):
    return "".join(chr(97 + number // power % 26) for power in (1, 26, 676))


def cross_fitted(texts, machine, families):
    stream = token_stream(pa.array(texts))
    bounds, owners = parts_of(stream)
    machine = np.array(machine)
    tables = Tables(load(), human_bigrams(stream, ~machine), NO_COLUMNS, NO_COLUMNS)
    distinct, keys = distinct_tokens(stream), np.array(families, np.uint64)
    columns = fit._cross_fitted(stream, distinct, bounds, owners, machine, keys, tables, 1)
    unseen = NAMES.index("human_bigrams_unseen")
    own = statistics(stream, token_facts(stream, distinct, tables), bounds, tables)
    others = np.delete(np.arange(len(NAMES)), [NAMES.index(name) for name in NAMES if name.startswith("human_bigrams")])
    np.testing.assert_array_equal(columns[:, others], own[:, others])
    return columns[:, unseen], own[:, unseen]


def test_the_own_document_is_left_out():
    texts = [" ".join(word(20 * text + number) for number in range(20)) * 3 for text in range(40)]
    left_out, own = cross_fitted(texts, [False] * 40, range(40))
    assert (left_out > 0.9).all()
    assert (own == 0).all()


def test_the_own_family_is_left_out():
    texts = [" ".join(word(20 * (text // 2) + number) for number in range(20)) for text in range(40)]
    alone, _ = cross_fitted(texts, [False, True] * 20, [text // 2 for text in range(40)])
    assert (alone > 0.9).all()  # a machine text that repeats the human text of its own family
    apart, _ = cross_fitted(texts, [False, True] * 20, range(40))
    assert 0.1 < (apart[1::2] == 0).mean() < 1


def test_people_of_other_families_are_learnt_from():
    left_out, _ = cross_fitted(["one two three four five six seven"] * 12, [False] * 11 + [True], range(12))
    assert (left_out == 0).all()


def test_families():
    ids = ["a/1/x", "a/1/y", "a/2/x", "b", "a/1"]
    keys = family_keys(pa.table({"id": ids, "text": list("abcde")}))
    assert keys[0] == keys[1] and len(set(keys.tolist())) == 4
    keys = family_keys(pa.table({"text": ["a", "a", "b"]}))
    assert keys[0] == keys[1] != keys[2]


def table(texts, labels, ids=None):
    columns = {"text": pa.array(texts, pa.string()), "label": labels}
    return pa.table(columns | ({"id": ids} if ids else {}))


@pytest.mark.parametrize(
    ("texts", "labels"),
    [(["", None], ["human", "machine"]), (["some words", " "], ["human", "machine"]), (["a b"] * 2, ["machine"] * 2)],
)
def test_words_of_one_class_only_are_refused(texts, labels):
    with pytest.raises(UsageError, match="one class"):
        arrays(table(texts, labels))


def test_one_family_cannot_be_parted():
    documents = table([f"some words {word(number)}" for number in range(6)], ["human", "machine"] * 3, ["a/b/c"] * 6)
    with pytest.raises(UsageError, match=r"families|one class"):
        fit_stack(documents, 1, SMALL)


def test_hostile_texts_are_fitted(corpus):
    hostile = ["", None, "x", "\u0301" * 50, "\U0001f600" * 700, "!" * 2_000, "中" * 1_500, "a" * 5_000, "\u200b"]
    documents = pa.concat_tables(
        [corpus.select(["text", "label"]), table(hostile * 2, ["human", "machine"] * len(hostile))]
    )
    found = arrays(documents)
    assert all(np.isfinite(array).all() for array in found.values())
