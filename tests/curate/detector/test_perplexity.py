import random
import shutil

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from curate.detector.perplexity import load_perplexity_ratio
from curate.errors import UsageError


def text(seed, words, vocabulary):
    return " ".join(random.Random(seed).choices([word for word in vocabulary if word != "[UNK]"], k=words))


@pytest.fixture(scope="module")
def texts(tiny_models):
    return [text(seed, words, tiny_models.vocabulary) for seed, words in enumerate((2, 7, 60, 61, 300, 60, 3))]


@pytest.fixture(scope="module")
def ratio(tiny_models):
    return load_perplexity_ratio(*tiny_models.files, max_tokens=512)


def by_formula(text, tiny_models, max_tokens=512):
    """-B by the formulas of the paper, token by token."""
    ids = [tiny_models.vocabulary[word] for word in text.split()][:max_tokens]
    p, log_q = softmax(tiny_models.observer(ids), axis=1), log_softmax(tiny_models.performer(ids), axis=1)
    surprise = [-log_q[place - 1, ids[place]] for place in range(1, len(ids))]
    expected = [-sum(p[place - 1] * log_q[place - 1]) for place in range(1, len(ids))]
    return -np.mean(surprise) / np.mean(expected)


def test_scores_are_those_of_the_formula(ratio, texts, tiny_models):
    scores = ratio.scores(texts)
    assert scores.dtype == np.float32
    assert scores == pytest.approx([by_formula(text, tiny_models) for text in texts], abs=2e-6)


def test_padding_does_not_count(ratio, texts):
    together = ratio.scores(texts)
    assert together == pytest.approx([ratio.scores([text])[0] for text in texts], abs=2e-6)
    assert together == pytest.approx(ratio.scores(texts[::-1])[::-1], abs=2e-6)


def test_long_texts_are_cut(texts, tiny_models):
    cut = load_perplexity_ratio(*tiny_models.files, max_tokens=50)
    assert cut.scores(texts[4:5]) == pytest.approx([by_formula(texts[4], tiny_models, 50)], abs=2e-6)
    assert cut.scores(texts[4:5]) == cut.scores([" ".join(texts[4].split()[:50])])


def test_a_text_of_one_token_has_no_score(ratio, texts):
    alone, beside = ratio.scores(["river"]), ratio.scores(["river", texts[2]])
    assert np.isnan(alone).all()
    assert np.isnan(beside).tolist() == [True, False]


def test_text_of_the_model_scores_higher(ratio, tiny_models):
    """Likely continuations of the performer against words drawn evenly."""
    words = list(tiny_models.vocabulary)
    draw = np.random.default_rng(1)
    machine = []
    for _ in range(20):
        ids = [int(draw.integers(1, len(words)))]
        for _ in range(59):
            weights = softmax(tiny_models.performer(ids)[-1] / 0.7)
            ids.append(int(draw.choice(len(words), p=weights)))
        machine.append(" ".join(words[number].strip("[]") for number in ids))
    human = [text(seed, 60, tiny_models.vocabulary) for seed in range(20)]
    assert ratio.scores(machine).min() > ratio.scores(human).max()


def test_models_that_want_positions_or_give_half_precision(texts, tiny_models, language_model, tmp_path):
    size = len(tiny_models.vocabulary)
    paths = [tmp_path / "a.onnx", tmp_path / "b.onnx"]
    language_model(paths[0], 0, size, ("input_ids", "attention_mask", "position_ids"))
    language_model(paths[1], 1, size, ("input_ids",), "FLOAT16")
    ratio = load_perplexity_ratio(*map(str, paths), tiny_models.files[2], max_tokens=512)
    assert ratio.scores(texts) == pytest.approx([by_formula(text, tiny_models) for text in texts], abs=2e-3)


def test_refused_files(tiny_models, language_model, tmp_path):
    observer, performer, tokenizer = tiny_models.files
    language_model(tmp_path / "other.onnx", 3, 99)
    language_model(tmp_path / "cached.onnx", 3, 14, ("input_ids", "past_key_values.0.key"))
    shutil.copy(tokenizer, tmp_path / "no_model.onnx")
    cases = [
        (
            (observer, tmp_path / "other.onnx", tokenizer),
            "performer .*other.onnx' one of 99; give two models that share",
        ),
        ((tmp_path / "cached.onnx", performer, tokenizer), "has the inputs .*past_key_values.*without a cache"),
        ((tmp_path / "gone.onnx", performer, tokenizer), "gone.onnx' cannot be loaded"),
        ((observer, tmp_path / "no_model.onnx", tokenizer), "no_model.onnx' cannot be loaded"),
        ((observer, performer, observer), "observer.onnx' cannot be loaded .*give a tokenizer.json"),
    ]
    for files, told in cases:
        with pytest.raises(UsageError, match=told):
            load_perplexity_ratio(*map(str, files), max_tokens=512)


def test_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(UsageError, match=r"the perplexity ratio needs onnxruntime; pip install 'curate\[onnx\]'"):
        load_perplexity_ratio("a", "b", "c", 512)
