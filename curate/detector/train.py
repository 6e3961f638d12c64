"""Training of the detector from labelled documents: fit, calibration, measurement, model card."""

import json
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.detector.evaluate import count_tokens, evaluate_detector, format_evaluation
from curate.detector.fit import FitSettings, family_keys, fit_components, fit_stack
from curate.detector.groups import LENGTH_BINS, length_bins
from curate.detector.model import WHOLE_TOKENS, WINDOW_TOKENS, Detector, save_detector
from curate.detector.prevalence import transfer_spread
from curate.detector.views import HALVES, PIECE
from curate.detector.word_vectors import GRAM
from curate.errors import UsageError
from curate.hashing import stage_seed, uniform

DEV_SHARE = 0.1
"""Share of the documents, by hash of their family, held out where no dev set is given."""

_QUANTILES = 200
_QUANTILES_BY_LENGTH = 50
_LEAST_FALLBACK = 19


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of the training.

    Attributes:
        fit: of the parts of the detector.
        least_tokens: shorter documents are left out of the numbers stored beside the model.
    """

    fit: FitSettings = field(default_factory=FitSettings)
    least_tokens: int = 50


def train_detector(
    documents: pa.Table,
    out_dir: str,
    dev: pa.Table | None = None,
    seed: int = 1,
    settings: TrainingSettings | None = None,
    notes: str = "",
) -> dict[str, Any]:
    """Trains, calibrates and measures a detector.

    Args:
        documents: columns text and label (human or machine); others as in `evaluate_detector`.
        out_dir: existing or new directory for detector.npz, detector.json, metrics.json and MODEL_CARD.md.
        dev: documents for Platt scaling, reference scores and metrics; a part of `documents` where None.
        seed: of all draws.
        settings: of the training.
        notes: Markdown on the origin and licences of the data, for the model card.

    Returns:
        The metrics of the model on dev, as `evaluate_detector`.

    Raises:
        UsageError: one of the classes is missing from the training or the dev documents.
        CurateError: the installed `fasttext` module cannot train.
    """
    settings = settings or TrainingSettings()
    if dev is None:
        documents, dev = _hold_out(documents, seed)
    for name, table in (("training", documents), ("dev", dev)):
        missing = {"human", "machine"} - set(pc.unique(table["label"]).to_pylist())
        if missing:
            raise UsageError(
                f"the {name} documents hold no {' and no '.join(sorted(missing))} text, expected both classes"
            )

    stack = fit_stack(documents, seed, settings.fit)
    components = fit_components(documents, seed, settings.fit)
    numbers: dict[str, Any] = {"seed": seed, "settings": asdict(settings), **stack}
    with tempfile.TemporaryDirectory() as scratch:
        raw = save_detector(components, numbers, Path(scratch))
        numbers |= _reference_numbers(raw, dev, settings.least_tokens)
    out = Path(out_dir)
    out.mkdir(parents=True, exist_ok=True)
    model = save_detector(components, numbers, out)
    metrics = evaluate_detector(model, dev, seed)
    out.joinpath("metrics.json").write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")
    card = model_card(documents, dev, model, metrics, notes)
    out.joinpath("MODEL_CARD.md").write_text(card, encoding="utf-8")
    return metrics


def model_card(documents: pa.Table, dev: pa.Table, model: Detector, metrics: dict[str, Any], notes: str) -> str:
    """The model card (Mitchell et al., 2019), in Markdown."""
    numbers, fit = model.numbers, model.numbers["settings"]["fit"]
    boosting, words, stack = fit["boosting"], fit["fasttext"], numbers["stack"]
    overall = metrics["overall"]
    return f"""# Detector of machine text

Model `{model.id}`, SHA-256 `{model.digest}`. Boosted trees on how a text is written, logistic regression on its
n-grams, and fastText. Its score is in log-odds; P(machine) at equal classes is
1 / (1 + exp(-({numbers["platt"]["a"]}·score + {numbers["platt"]["b"]}))).

## Use

One piece of evidence among others, with thresholds set per group by trusted human documents of the corpus at hand.
Without such a calibration nothing is dropped on it. It is not made to judge a single author.

## Data

Training: {_composition(documents)}
Held out for the numbers below: {_composition(dev)}

{notes.strip() or "Origin and licences of the data were not given."}

## Training

A text is read as folded tokens: case, accents, layout, invisible characters and look-alike letters make no difference
to n-grams. Texts of at most {WHOLE_TOKENS} tokens are judged as a whole, longer ones by the mean of their windows of
about {WINDOW_TOKENS} tokens.

- Trees: {boosting["trees"]:,} of depth {boosting["depth"]}, {boosting["tried"]} statistics tried for each, learning
  rate {boosting["rate"]}. Statistics: shapes and lengths of words, punctuation, rhythm of sentences and clauses,
  richness at fixed lengths, repetition, log-ranks of words in human use, surprise under a bigram model of the human
  training texts (cross-fitted), compressibility, excess vocabulary, template openers, enumerations, rates of
  {fit["token_rates"]} frequent tokens and {fit["ending_rates"]} frequent endings.
- Logistic regression on hashed tokens and pairs, weighted by the log-ratio of their rates.
- fastText: {words["dimensions"]} dimensions, words, pairs and character {GRAM}-grams in {words["buckets"]:,} buckets,
  {words["epochs"]} epochs, learning rate {words["rate"]}; views of each text: the whole, {HALVES} random halves of its
  sentences in random order, consecutive pieces of about {PIECE} tokens, a copy with a tenth of the tokens swapped with
  their neighbours.

The three are standardised on a fifth of the source documents that they were not fitted to, and weigh
{stack["trees"]["weight"]}, {stack["regression"]["weight"]} and {stack["vectors"]["weight"]}; what is known of words
counts by the share of the tokens that training has met. Seed {numbers["seed"]}. Platt coefficients and reference scores
are from the held-out documents of {numbers["settings"]["least_tokens"]} tokens or more.

## Metrics

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
- Short texts tell little; documents under {numbers["settings"]["least_tokens"]} tokens should not be scored.
- Edited, paraphrased or translated machine text, and formulaic human text, are often taken for the other class.
"""


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


def _hold_out(documents: pa.Table, seed: int) -> tuple[pa.Table, pa.Table]:
    """Parts training and dev documents, keeping families together."""
    held_out = pa.array(uniform(family_keys(documents), stage_seed(seed, "dev")) < DEV_SHARE)
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
        "fallback": _fallback(dev, scores, scored & ~machine),
    } | _numbers_by_length(dev, scores, tokens, scored, machine)


def _fallback(dev: pa.Table, scores: NDArray[np.float32], human: NDArray[np.bool_]) -> dict[str, list[float]]:
    """Human scores, ascending, of the languages that have enough of them for a threshold at 5 %."""
    if "language" not in dev.column_names:
        return {}
    languages = dev["language"].to_numpy()
    names = sorted({language for language in languages[human] if language is not None})
    found = {name: np.sort(scores[human & (languages == name)]) for name in names}
    return {
        name: [round(float(score), 6) for score in values]
        for name, values in found.items()
        if len(values) >= _LEAST_FALLBACK
    }


def _numbers_by_length(
    dev: pa.Table,
    scores: NDArray[np.float32],
    tokens: NDArray[np.int32],
    scored: NDArray[np.bool_],
    machine: NDArray[np.bool_],
) -> dict[str, Any]:
    """What prevalence is estimated with: quantiles of both classes by length bin, and the spread between domains."""
    levels = (np.arange(_QUANTILES_BY_LENGTH) + 0.5) / _QUANTILES_BY_LENGTH
    bins = np.array(length_bins(tokens).to_pylist())
    parts = {
        label: {name: scores[scored & chosen & (bins == name)] for name in LENGTH_BINS}
        for label, chosen in (("human", ~machine), ("machine", machine))
    }
    domains = dev["domain"].to_numpy() if "domain" in dev.column_names else np.zeros(dev.num_rows)
    return {
        "documents_by_length": {label: {n: len(v) for n, v in part.items() if len(v)} for label, part in parts.items()},
        "scores_by_length": {
            label: {n: [round(float(q), 6) for q in np.quantile(v, levels)] for n, v in part.items() if len(v)}
            for label, part in parts.items()
        },
        "spread": round(transfer_spread(scores[scored], machine[scored], domains[scored]), 6),
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
