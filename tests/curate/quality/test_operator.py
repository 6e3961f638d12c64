"""fastText models of the operator's."""

import numpy as np
import pyarrow as pa
import pytest

from curate.errors import UsageError
from curate.quality.operator import model_scores


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    fasttext = pytest.importorskip("fasttext")
    folder = tmp_path_factory.mktemp("model")
    lines = ["__label__good a careful sentence about history", "__label__bad buy cheap pills now"] * 50
    folder.joinpath("lines.txt").write_text("\n".join(lines), encoding="utf-8")
    trained = fasttext.train_supervised(str(folder / "lines.txt"), epoch=20, lr=1.0, thread=1, verbose=0, dim=8)
    trained.save_model(str(folder / "model.bin"))
    return str(folder / "model.bin")


def test_scores_are_probabilities_of_the_label(model):
    texts = pa.array(["a careful sentence\nabout history", None, "buy cheap\r\npills now", ""])
    good, bad = model_scores(texts, model, "good"), model_scores(texts, model, "__label__bad")
    assert good[0] > 0.9 and good[2] < 0.1 and np.isnan(good[1])
    assert np.allclose(good[[0, 2]] + bad[[0, 2]], 1, atol=1e-3)


def test_scores_do_not_depend_on_the_batch(model):
    texts = pa.array(["buy a careful sentence", "pills about history", "now"] * 700)
    alone = np.concatenate([model_scores(texts[i : i + 1], model, "good") for i in range(3)])
    assert np.array_equal(model_scores(texts, model, "good"), np.tile(alone, 700))


def test_bad_models_and_labels_are_told(model, tmp_path):
    with pytest.raises(UsageError, match="best"):
        model_scores(pa.array(["a"]), model, "best")
    with pytest.raises(UsageError, match=r"none\.bin"):
        model_scores(pa.array(["a"]), str(tmp_path / "none.bin"), "good")
    tmp_path.joinpath("text.bin").write_text("no model", encoding="utf-8")
    with pytest.raises(UsageError, match=r"text\.bin"):
        model_scores(pa.array(["a"]), str(tmp_path / "text.bin"), "good")
