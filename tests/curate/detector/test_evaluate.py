import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.detector.evaluate import _rates, evaluate_detector, format_evaluation, measure
from curate.detector.model import load_detector


@given(st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=4, max_size=40))
@settings(max_examples=80, deadline=None)
def test_auroc_counts_pairs(rows):
    scores, machine = np.array([row[0] for row in rows], float), np.array([row[1] for row in rows])
    if machine.all() or not machine.any():
        return
    pairs = scores[machine][:, None] - scores[~machine][None]
    ranks = np.unique(scores, return_inverse=True)[1]
    auroc, tpr, _ = _rates(ranks, machine, np.ones(len(scores)))
    assert np.isclose(auroc, np.mean((pairs > 0) + 0.5 * (pairs == 0)))
    best = max(np.mean(scores[machine] >= t) for t in [*scores, np.inf] if np.mean(scores[~machine] >= t) <= 0.05)
    assert np.isclose(tpr, best)


def test_measure_brackets_the_estimate():
    draw = np.random.default_rng(1)
    machine = np.arange(400) % 2 == 0
    result = measure(draw.normal(size=400) + machine, machine, np.arange(400), seed=1)
    for name in ("auroc", "tpr_05", "tpr_01"):
        estimate, low, high = result[name]
        assert low <= estimate <= high
    assert 0.7 < result["auroc"][0] < 0.82


def test_too_few_documents_are_not_measured():
    machine = np.array([True] * 10 + [False] * 4)
    assert measure(np.arange(14.0), machine, np.arange(14), 1) == {"human": 4, "machine": 10}


def test_evaluation_without_optional_columns(tiny_corpus):
    result = evaluate_detector(load_detector(), tiny_corpus.select(["text", "label"]))
    assert list(result["by"]) == ["length"]
    assert set(result["beta_res"]) == {"0.3", "0.5", "0.8"}
    assert "AUROC" in format_evaluation(result)


def test_evaluation_does_not_depend_on_row_order(tiny_corpus):
    backwards = tiny_corpus.take(pa.array(range(len(tiny_corpus) - 1, -1, -1)))
    left, right = (
        evaluate_detector(load_detector(), table)["overall"]["auroc"][0] for table in (tiny_corpus, backwards)
    )
    assert left == right
