"""Plain classifiers of machine text that a detector has to beat, trained on what it was trained on.

Their settings are the best of a few on detector_dev itself, which is in their favour.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import fasttext
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def fasttext_scores(texts: Sequence[str], machine: Bools, judged: Sequence[str], seed: int = 1) -> Floats:
    """P(machine) by fastText on words and pairs of words."""
    with tempfile.TemporaryDirectory() as scratch:
        corpus = Path(scratch, "lines.txt")
        lines = [f"__label__{label} {collapsed(text)}\n" for text, label in zip(texts, machine, strict=True)]
        corpus.write_text("".join(lines), encoding="utf-8")
        model = fasttext.train_supervised(
            str(corpus), wordNgrams=2, dim=16, lr=0.5, epoch=5, thread=1, seed=seed, verbose=0
        )
    found = [dict(zip(*model.predict(collapsed(text), k=2), strict=True)) for text in judged]
    return np.array([shares["__label__True"] for shares in found])


def tfidf_scores(texts: Sequence[str], machine: Bools, judged: Sequence[str]) -> Floats | None:
    """Log-odds by logistic regression on TF-IDF of words, marks and pairs of them; None without scikit-learn."""
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        return None
    words = r"\w+|[^\w\s]"  # with punctuation and capitals, which help
    weights = TfidfVectorizer(token_pattern=words, lowercase=False, ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    model = LogisticRegression(C=10, class_weight="balanced", max_iter=1000)
    model.fit(weights.fit_transform(texts), machine)
    scores: Floats = model.decision_function(weights.transform(judged))
    return scores


def collapsed(text: str) -> str:
    """Every run of white space as one space."""
    return " ".join(text.split())
