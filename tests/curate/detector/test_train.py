import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate.detector.evaluate import evaluate_detector, format_evaluation, read_documents
from curate.detector.fit import FitSettings
from curate.detector.model import load_detector
from curate.detector.train import TrainingSettings, platt_fit, train_detector
from curate.detector.trees import BoostingSettings
from curate.detector.word_vectors import FastTextSettings
from curate.errors import UsageError

SMALL = TrainingSettings(
    FitSettings(
        boosting=BoostingSettings(trees=50), fasttext=FastTextSettings(buckets=1 << 11, least_count=1, epochs=5)
    )
)


def test_train_end_to_end(tiny_corpus, tmp_path):
    metrics = train_detector(tiny_corpus, str(tmp_path / "a"), seed=3, settings=SMALL, notes="Made up.")
    shuffled = tiny_corpus.take(pa.array(np.random.default_rng(0).permutation(len(tiny_corpus))))
    train_detector(shuffled, str(tmp_path / "b"), seed=3, settings=SMALL)

    for name in ("detector.npz", "detector.json", "metrics.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    card = (tmp_path / "a" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "Made up." in card and "AUROC" in card
    assert metrics == json.loads((tmp_path / "a" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["overall"]["auroc"][0] > 0.9
    detector = load_detector(str(tmp_path / "a"))
    assert detector.id == metrics["detector"]
    assert detector.platt[0] > 0


def test_dev_without_a_class(tiny_corpus, tmp_path):
    humans = tiny_corpus.filter(pa.compute.equal(tiny_corpus["label"], "human"))
    with pytest.raises(UsageError, match="dev documents hold no machine"):
        train_detector(tiny_corpus, str(tmp_path / "out"), dev=humans, settings=SMALL)
    assert not (tmp_path / "out").exists()


def test_metrics_are_those_of_the_written_model(tiny_corpus, tmp_path):
    metrics = train_detector(tiny_corpus, str(tmp_path), dev=tiny_corpus, seed=3, settings=SMALL)
    assert evaluate_detector(load_detector(str(tmp_path)), tiny_corpus, 3) == metrics


def test_platt_recovers_the_odds():
    scores = np.random.default_rng(1).normal(size=20_000) * 2
    machine = np.random.default_rng(2).uniform(size=20_000) < 1 / (1 + np.exp(-1.5 * scores))
    a, b = platt_fit(scores, machine)
    assert abs(a - 1.5) < 0.1 and abs(b) < 0.1


def test_platt_stays_finite_on_separated_classes():
    a, b = platt_fit(np.array([-2.0, -1.0, 1.0, 2.0]), np.array([False, False, True, True]))
    assert np.isfinite([a, b]).all() and a > 0


def test_read_documents(tiny_corpus, tmp_path):
    path = str(tmp_path / "x.parquet")
    pq.write_table(tiny_corpus, path)
    assert read_documents([path, path]).num_rows == 2 * len(tiny_corpus)
    assert set(read_documents([path], label="human")["label"].to_pylist()) == {"human"}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"body": ["a"]}, "no column 'text'"),
        ({"text": ["a"]}, "no column 'label'"),
        ({"text": ["a"], "label": ["ai"]}, "'ai'"),
    ],
)
def test_read_documents_refuses(tmp_path, columns, message):
    path = str(tmp_path / "x.parquet")
    pq.write_table(pa.table(columns), path)
    with pytest.raises(UsageError, match=message):
        read_documents([path])


def test_read_documents_missing_file(tmp_path):
    with pytest.raises(UsageError, match="not readable Parquet"):
        read_documents([str(tmp_path / "none.parquet")])


@pytest.mark.corpus
def test_shipped_model_on_dev(dev):
    result = evaluate_detector(load_detector(), dev)
    overall = result["overall"]
    assert overall["auroc"][0] >= 0.92
    assert overall["tpr_05"][0] >= 0.66
    assert overall["tpr_01"][0] >= 0.46
    assert result["ties"] <= 0.01
    assert "l2r_LegalDocument" in format_evaluation(result)
