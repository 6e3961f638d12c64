"""Training of the detector: views of every text, fastText, quantisation, calibration, model card.

A text is shown in halves and in pieces: three random halves of its sentences in random order, and its
consecutive pieces of about 80 words. So the model leans neither on length nor on what a text is about as a whole,
and learns to score windows as well as documents. The result depends on the documents and the seed, not on their
order.
"""

import json
import math
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import fasttext
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.detector.evaluate import count_tokens, evaluate_detector, format_evaluation
from curate.detector.model import MODEL_FILE, Detector, load_detector
from curate.detector.preprocess import MAX_CHARS, detector_lines, normalise
from curate.errors import CurateError, UsageError
from curate.hashing import UInt64Array, hash_strings, mix, stage_seed, uniform

DEV_SHARE = 0.1
"""Share of the documents, by hash of their family, held out where no dev set is given."""

_SENTENCE_END = re.compile(r"(?<=[.!?؟۔।]) +|(?<=[。！？])")
_QUANTILES = 200


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of fastText and of the views.

    Attributes:
        dimensions: of the embedding of words; two classes need few.
        word_ngrams: longest n-gram of words.
        buckets: hash buckets of the n-grams; the size of the model.
        least_count: occurrences below which a word is not in the vocabulary (its n-grams are).
        epochs: passes over the views.
        rate: first learning rate.
        halves: random halves of the sentences per text.
        piece: words in a piece.
        subvector: dimensions quantised together; 1 loses least.
        least_tokens: shorter documents are left out of the numbers stored beside the model.
    """

    dimensions: int = 4
    word_ngrams: int = 2
    buckets: int = 2**18
    least_count: int = 5
    epochs: int = 3
    rate: float = 0.3
    halves: int = 3
    piece: int = 80
    subvector: int = 1
    least_tokens: int = 50


def train_detector(
    documents: pa.Table,
    out_dir: str,
    dev: pa.Table | None = None,
    seed: int = 1,
    settings: TrainingSettings | None = None,
    notes: str = "",
) -> dict[str, Any]:
    """Trains, quantises, calibrates and measures a detector.

    Args:
        documents: columns text and label (human or machine); others as in `evaluate_detector`.
        out_dir: existing or new directory for detector.ftz, detector.json, metrics.json and MODEL_CARD.md.
        dev: documents for Platt scaling, reference scores and metrics; a part of `documents` where None.
        seed: of views, order and initial weights.
        settings: of the training.
        notes: Markdown on the origin and licences of the data, for the model card.

    Returns:
        The metrics of the quantised model on dev, as `evaluate_detector`.

    Raises:
        UsageError: one of the classes is missing from the training or the dev documents.
        CurateError: the installed `fasttext` module cannot train.
    """
    settings = settings or TrainingSettings()
    if not hasattr(fasttext, "train_supervised"):
        raise CurateError(
            "the installed module 'fasttext' cannot train, another package has overwritten it; "
            "uninstall that and reinstall fasttext-community"
        )
    if dev is None:
        documents, dev = _hold_out(documents, seed)
    for name, table in (("training", documents), ("dev", dev)):
        missing = {"human", "machine"} - set(pc.unique(table["label"]).to_pylist())
        if missing:
            raise UsageError(
                f"the {name} documents hold no {' and no '.join(sorted(missing))} text, expected both classes"
            )

    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        _fit(training_lines(documents, settings, seed), scratch, seed, settings)
        model = load_detector(str(scratch))
        numbers = {"sha256": model.digest, "max_chars": MAX_CHARS, "seed": seed, "settings": asdict(settings)}
        numbers |= _reference_numbers(model, dev, settings.least_tokens)
        metrics = evaluate_detector(replace(model, numbers=numbers), dev, seed)
        card = model_card(documents, dev, numbers, metrics, notes)

        out = Path(out_dir)
        out.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(scratch / MODEL_FILE, out / MODEL_FILE)
        _write_json(out / "detector.json", numbers)
        _write_json(out / "metrics.json", metrics)
        (out / "MODEL_CARD.md").write_text(card, encoding="utf-8")
    return metrics


def training_lines(documents: pa.Table, settings: TrainingSettings, seed: int) -> list[str]:
    """All views of all texts with their labels, in hashed order.

    Args:
        documents: columns text and label.
        settings: of the views.
        seed: of the choice of sentences and of the order.
    """
    texts = normalise(documents["text"].combine_chunks())
    views, labels = [], []
    keys = hash_strings(texts, stage_seed(seed, "views"))
    for text, label, key in zip(texts.to_pylist(), documents["label"].to_pylist(), keys, strict=True):
        for view in _views(text, key, settings):
            views.append(view)
            labels.append(label)
    separated = detector_lines(pa.array(views, pa.large_string()))
    lines = pa.array(
        [f"__label__{label} {line}" for label, line in zip(labels, separated.to_pylist(), strict=True)],
        pa.large_string(),
    )
    order = np.lexsort((np.arange(len(lines)), hash_strings(lines, stage_seed(seed, "order"))))
    return lines.take(pa.array(order)).to_pylist()


def platt_fit(scores: NDArray[np.floating], machine: NDArray[np.bool_]) -> tuple[float, float]:
    """Coefficients (a, b) of logit P(machine) = a·score + b, both classes weighing the same.

    Newton's method on the weighted log-loss with the smoothed targets of Platt (1999), so that it stays finite
    where the classes separate.
    """
    positive, negative = int(machine.sum()), int((~machine).sum())
    target = np.where(machine, (positive + 1) / (positive + 2), 1 / (negative + 2))
    weight = np.where(machine, 0.5 / positive, 0.5 / negative)
    design = np.column_stack([scores.astype(np.float64), np.ones(len(scores))])
    beta = np.zeros(2)
    for _ in range(100):
        predicted = 0.5 * (1 + np.tanh(0.5 * design @ beta))
        gradient = design.T @ (weight * (predicted - target))
        curvature = (design * (weight * predicted * (1 - predicted))[:, None]).T @ design
        step = np.linalg.solve(curvature + 1e-9 * np.eye(2), gradient)
        beta -= step / max(1.0, float(np.abs(step).max()))  # bounded: a full step may overshoot far from the optimum
        if np.abs(step).max() < 1e-9:
            break
    return float(beta[0]), float(beta[1])


def model_card(documents: pa.Table, dev: pa.Table, numbers: dict[str, Any], metrics: dict[str, Any], notes: str) -> str:
    """The model card (Mitchell et al., 2019), in Markdown."""
    settings = numbers["settings"]
    overall = metrics["overall"]
    return f"""# Detector of machine text

fastText classifier, model `{metrics["detector"]}`, SHA-256 `{numbers["sha256"]}`.
Its score is log p(machine) - log p(human); P(machine) at equal classes is
1 / (1 + exp(-({numbers["platt"]["a"]}·score + {numbers["platt"]["b"]}))).

## Use

One piece of evidence among others, with thresholds set per group by trusted human documents of the corpus at hand.
Without such a calibration nothing is dropped on it. It is not made to judge a single author.

## Data

Training: {_composition(documents)}
Held out for the numbers below: {_composition(dev)}

{notes.strip() or "Origin and licences of the data were not given."}

## Training

Whitespace collapsed, invisible characters left out, the first {numbers["max_chars"]:,} characters; punctuation marks,
Han and kana as words of their own. Views of each text: {settings["halves"]} random halves of its sentences in random
order, and consecutive pieces of about {settings["piece"]} words. fastText: {settings["dimensions"]} dimensions, word
n-grams up to {settings["word_ngrams"]}, {settings["buckets"]:,} buckets, {settings["epochs"]} epochs, learning rate
{settings["rate"]}, one thread, seed {numbers["seed"]}. Product quantisation, {settings["subvector"]} dimension(s) at
a time. Platt coefficients and reference scores are fitted on the held-out documents of
{settings["least_tokens"]} tokens or more.

## Metrics of the quantised model

AUROC {_interval(overall, "auroc")}, machine text found at 5 % false positives {_interval(overall, "tpr_05")}, at 1 %
{_interval(overall, "tpr_01")}. 95 % intervals from a bootstrap over source documents. Generators are compared with
all human documents, the other groups with their own.

```
{format_evaluation(metrics)}
```

## Limits

- It knows the sources, languages and generators that it was trained on. On others expect ranks not far from chance:
  measure with `curate detector evaluate`, and train on your own with `curate detector train`.
- The held-out documents come from the same data sets as the training documents, and settings were chosen and the
  calibration fitted on them, so the numbers above are the best case.
- Short texts tell little; documents under {settings["least_tokens"]} tokens should not be scored.
- Edited, paraphrased or translated machine text, and formulaic human text, are often taken for the other class.
"""


def _fit(lines: list[str], scratch: Path, seed: int, settings: TrainingSettings) -> None:
    """Writes the quantised model into the scratch directory."""
    corpus = scratch / "lines.txt"
    corpus.write_text("\n".join(lines) + "\n", encoding="utf-8")
    model = fasttext.train_supervised(
        str(corpus),
        dim=settings.dimensions,
        wordNgrams=settings.word_ngrams,
        bucket=settings.buckets,
        minCount=settings.least_count,
        epoch=settings.epochs,
        lr=settings.rate,
        thread=1,  # more threads race: the model would differ from run to run
        seed=seed,
        verbose=0,
    )
    model.quantize(dsub=settings.subvector, qnorm=False, verbose=0)
    model.save_model(str(scratch / MODEL_FILE))


def _views(text: str, key: np.uint64, settings: TrainingSettings) -> Iterator[str]:
    sentences = [sentence for sentence in _SENTENCE_END.split(text) if sentence]
    for half in range(settings.halves):
        order = np.argsort(mix(np.arange(len(sentences), dtype=np.uint64), int(key) + half), kind="stable")
        yield " ".join(sentences[i] for i in order[: max(1, len(order) // 2)])
    words = text.split(" ")
    size = math.ceil(len(words) / max(1, round(len(words) / settings.piece)))
    for start in range(0, len(words), size):
        yield " ".join(words[start : start + size])


def _hold_out(documents: pa.Table, seed: int) -> tuple[pa.Table, pa.Table]:
    """Parts training and dev documents, keeping families (ids that share all but their last part) together."""
    column = documents["id"] if "id" in documents.column_names else documents["text"]
    families = pc.replace_substring_regex(column, r"/[^/]*$", "") if "id" in documents.column_names else column
    keys: UInt64Array = hash_strings(families)
    held_out = pa.array(uniform(keys, stage_seed(seed, "dev")) < DEV_SHARE)
    return documents.filter(pc.invert(held_out)), documents.filter(held_out)


def _reference_numbers(model: Detector, dev: pa.Table, least_tokens: int) -> dict[str, Any]:
    """Platt coefficients and quantiles of both classes on the dev documents that are long enough to be scored."""
    texts = dev["text"].combine_chunks()
    tokens = count_tokens(texts)
    scores = model.score(texts, tokens, 0)
    machine = pc.equal(dev["label"], "machine").to_numpy()
    scored = ~np.isnan(scores)
    enough = scored & (tokens >= least_tokens)
    if machine[enough].any() and not machine[enough].all():
        scored = enough  # otherwise one class has short documents only, and they have to do
    a, b = platt_fit(scores[scored], machine[scored])
    levels = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
    classes = {"human": scores[scored & ~machine], "machine": scores[scored & machine]}
    return {
        "platt": {"a": round(a, 6), "b": round(b, 6)},
        "documents": {label: len(values) for label, values in classes.items()},
        "scores": {
            label: [round(float(value), 6) for value in np.quantile(values, levels)]
            for label, values in classes.items()
        },
    }


def _composition(documents: pa.Table) -> str:
    labels = documents["label"].to_pylist()
    parts = [f"{labels.count('human'):,} human and {labels.count('machine'):,} machine documents."]
    for name in ("language", "dataset", "domain", "generator"):
        if name in documents.column_names:
            counts = pc.value_counts(documents[name].combine_chunks()).to_pylist()
            counts.sort(key=lambda entry: (-entry["counts"], str(entry["values"])))
            parts.append(f"By {name}: " + ", ".join(f"{entry['values']} {entry['counts']:,}" for entry in counts) + ".")
    return "\n".join(parts)


def _interval(values: dict[str, Any], name: str) -> str:
    if name not in values:
        return "not measured"
    estimate, low, high = values[name]
    return f"{estimate:.3f} ({low:.3f} to {high:.3f})"


def _write_json(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
