"""How good a detector is: ranking, catch rates at fixed error on humans, by group, with intervals, and what is left."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from curate.detector.calibration import probability
from curate.detector.groups import LENGTH_BINS, length_bins
from curate.detector.model import Detector
from curate.detector.prevalence import beta_res
from curate.errors import UsageError
from curate.text.kernel import text_features

FALSE_POSITIVE_RATES = (0.05, 0.01)
SHARES = (0.3, 0.5, 0.8)
GROUPINGS = ("language", "domain", "generator", "dataset", "length")

_REPLICATES = 200
_LEAST_CLASS = 5  # documents of each class below which nothing is measured

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def read_documents(paths: Sequence[str], label: str | None = None) -> pa.Table:
    """Reads labelled documents from Parquet files.

    Args:
        paths: Parquet files with a text column and, unless `label` is given, a label column (human or machine);
            id, language, domain, dataset and generator are read where present.
        label: the label of all of them.

    Raises:
        UsageError: a file is unreadable, a column is missing, or a label is neither human nor machine.
    """
    tables = [_read(path, label) for path in paths]
    if not tables:
        raise UsageError("no input file given, expected Parquet with the columns text and label")
    return pa.concat_tables(tables, promote_options="default")


def evaluate_detector(detector: Detector, documents: pa.Table, seed: int = 1, min_tokens: int = 0) -> dict[str, Any]:
    """Measures a detector on labelled documents that it was not trained on.

    Generators are compared with all human documents; in every other grouping, each group with its own humans.

    Args:
        detector: the model.
        documents: columns text and label (human or machine); id (`dataset/group/document`: rows that share the
            first two parts are resampled together), language, domain, dataset and generator are used where present.
        seed: of the bootstrap.
        min_tokens: shorter documents are left out.

    Returns:
        Plain data: `overall` and `by[grouping][group]` with the counts human and machine, and auroc, tpr_05, tpr_01
        as [estimate, low, high] (95 % intervals); `beta_res[share][rate]`, `reliability`, `ties`.
    """
    texts = documents["text"].combine_chunks()
    tokens = count_tokens(texts)
    scores = detector.score(texts, tokens, min_tokens).astype(np.float64)
    scored = ~np.isnan(scores)
    documents, tokens, scores = documents.filter(pa.array(scored)), tokens[scored], scores[scored]
    machine = pc.equal(documents["label"], "machine").to_numpy()
    families = _families(documents)
    overall = measure(scores, machine, families, seed)
    return {
        "detector": detector.id,
        "not_scored": int((~scored).sum()),
        "ties": _ties(scores),
        "overall": overall,
        "beta_res": _residuals(overall),
        "reliability": _reliability(probability(scores, detector.platt), machine),
        "by": {
            grouping: _by_group(labels, grouping == "generator", scores, machine, families, seed)
            for grouping, labels in _groupings(documents, tokens)
        },
    }


def measure(scores: Floats, machine: Bools, families: NDArray[np.int64], seed: int) -> dict[str, Any]:
    """AUROC and catch rates with 95 % intervals from a bootstrap over families.

    Args:
        scores: float64[n], larger for machine text.
        machine: bool[n].
        families: int64[n], documents of one family are drawn together.
        seed: of the bootstrap.
    """
    counts: dict[str, Any] = {"human": int((~machine).sum()), "machine": int(machine.sum())}
    if min(counts.values()) < _LEAST_CLASS:
        return counts
    _, ranks = np.unique(scores, return_inverse=True)
    _, families = np.unique(families, return_inverse=True)
    estimate = _rates(ranks, machine, np.ones(len(scores)))
    draw = np.random.default_rng(seed)
    drawn = np.array([_rates(ranks, machine, _resample(families, draw)) for _ in range(_REPLICATES)])
    low, high = np.nanquantile(drawn, [0.025, 0.975], axis=0)
    names = ("auroc", *(f"tpr_{round(rate * 100):02d}" for rate in FALSE_POSITIVE_RATES))
    values = zip(estimate, low, high, strict=True)
    return counts | {
        name: [round(float(value), 4) for value in triple] for name, triple in zip(names, values, strict=True)
    }


def format_evaluation(result: dict[str, Any]) -> str:
    """The evaluation as a table for a terminal."""
    lines = [f"{'':32}{'human':>7}{'machine':>8}   {'AUROC':18}{'TPR at 5 % FPR':18}{'TPR at 1 % FPR':18}".rstrip()]
    lines.append(_line("all", result["overall"]))
    for grouping, groups in result["by"].items():
        lines += ["", grouping]
        lines += [_line(f"  {group}", values) for group, values in groups.items()]
    lines += ["", "machine text left after the filter (beta_res), by share before it and false-positive rate"]
    for share, rates in result["beta_res"].items():
        lines.append(f"  {share:>4}   " + "   ".join(f"{value:.3f} at {rate}" for rate, value in rates.items()))
    lines += ["", "reliability: predicted and observed share of machine text at equal classes"]
    lines += [
        f"  {bin['predicted']:.3f}   {bin['observed']:.3f}   n {bin['documents']}" for bin in result["reliability"]
    ]
    return "\n".join(lines)


def count_tokens(texts: pa.Array) -> NDArray[np.int32]:
    """Tokens of each text as a run counts them, int32[n]; 0 for null."""
    return text_features(texts, shingle=1, permutations=0, seed=0).tokens


def _read(path: str, label: str | None) -> pa.Table:
    wanted = ("id", "text", "label", "language", "domain", "dataset", "generator")
    try:
        names = [name for name in wanted if name in pq.read_schema(path).names]
        table = pq.read_table(path, columns=names)
    except (OSError, pa.ArrowException) as error:
        raise UsageError(f"{path!r} is not readable Parquet: {' '.join(str(error).split())}") from None
    if "text" not in names:
        raise UsageError(f"{path!r} has no column 'text'; rename the column that holds the documents")
    if label is not None:
        table = table.drop_columns(["label"] if "label" in names else [])
        table = table.append_column("label", pa.repeat(label, table.num_rows))
    elif "label" not in names:
        raise UsageError(f"{path!r} has no column 'label', expected the values human and machine")
    table = table.cast(pa.schema([(name, pa.large_string()) for name in table.column_names]))
    others = set(pc.unique(table["label"]).to_pylist()) - {"human", "machine"}
    if others:
        raise UsageError(f"{path!r} has the label {sorted(map(str, others))[0]!r}, expected human or machine")
    return table.filter(table["text"].is_valid())


def _families(documents: pa.Table) -> NDArray[np.int64]:
    """Documents made from one source document or prompt: the id up to its last slash."""
    if "id" not in documents.column_names:
        return np.arange(documents.num_rows)
    names = pc.replace_substring_regex(documents["id"], r"/[^/]*$", "").combine_chunks()
    return pc.fill_null(pc.dictionary_encode(names).indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)


def _resample(families: NDArray[np.int64], draw: np.random.Generator) -> Floats:
    """How often each document is drawn when families are drawn with replacement."""
    count = int(families.max()) + 1
    return np.bincount(draw.integers(0, count, count), minlength=count)[families].astype(np.float64)


def _rates(ranks: NDArray[np.int64], machine: Bools, weights: Floats) -> tuple[float, ...]:
    """Weighted AUROC (ties count half) and the catch rate at each false-positive rate."""
    size = int(ranks.max()) + 1
    humans = np.bincount(ranks[~machine], weights[~machine], size)
    machines = np.bincount(ranks[machine], weights[machine], size)
    if not humans.sum() or not machines.sum():
        return (math.nan,) * (1 + len(FALSE_POSITIVE_RATES))
    humans, machines = humans / humans.sum(), machines / machines.sum()
    auroc = float(np.sum(machines * (np.cumsum(humans) - humans / 2)))
    human_above = np.cumsum(humans[::-1])[::-1]
    caught = np.cumsum(machines[::-1])[::-1]
    return (auroc, *(float(np.max(caught[human_above <= rate + 1e-9], initial=0.0)) for rate in FALSE_POSITIVE_RATES))


def _groupings(documents: pa.Table, tokens: NDArray[np.int32]) -> list[tuple[str, pa.Array]]:
    columns = {name: documents[name].combine_chunks() for name in GROUPINGS if name in documents.column_names}
    columns["length"] = length_bins(tokens)
    return [(name, columns[name]) for name in GROUPINGS if name in columns]


def _by_group(
    labels: pa.Array, against_all: bool, scores: Floats, machine: Bools, families: NDArray[np.int64], seed: int
) -> dict[str, Any]:
    result = {}
    for group in sorted((name for name in pc.unique(labels).to_pylist() if name is not None), key=_natural):
        inside = pc.fill_null(pc.equal(labels, group), False).to_numpy(zero_copy_only=False)
        if against_all:
            if not machine[inside].any():
                continue
            inside = inside | ~machine
        result[group] = measure(scores[inside], machine[inside], families[inside], seed)
    return result


def _natural(name: str) -> tuple[int, str]:
    """Length bins in order of length, other names alphabetically."""
    return (LENGTH_BINS.index(name) if name in LENGTH_BINS else 0, name)


def _residuals(overall: dict[str, Any]) -> dict[str, dict[str, float]]:
    if "auroc" not in overall:
        return {}
    rates = {rate: overall[f"tpr_{round(rate * 100):02d}"][0] for rate in FALSE_POSITIVE_RATES}
    return {
        str(share): {str(rate): round(beta_res(share, tpr, rate), 4) for rate, tpr in rates.items()} for share in SHARES
    }


def _reliability(probabilities: Floats, machine: Bools, bins: int = 10) -> list[dict[str, float]]:
    """Predicted and observed shares in equal steps of probability, each class weighing the same."""
    weights = np.where(machine, 0.5 / max(machine.sum(), 1), 0.5 / max((~machine).sum(), 1))
    place = np.minimum((probabilities * bins).astype(int), bins - 1)
    curve = []
    for step in np.unique(place):
        inside = place == step
        share = weights[inside] / weights[inside].sum()
        curve.append(
            {
                "predicted": round(float(share @ probabilities[inside]), 4),
                "observed": round(float(share @ machine[inside]), 4),
                "documents": int(inside.sum()),
            }
        )
    return curve


def _ties(scores: Floats) -> float:
    """Share of the documents whose score another one has as well."""
    _, counts = np.unique(scores, return_counts=True)
    return round(float(counts[counts > 1].sum() / max(len(scores), 1)), 5)


def _line(name: str, values: dict[str, Any]) -> str:
    cells = [f"{values[key][0]:.3f} ({values[key][1]:.2f}-{values[key][2]:.2f})" for key in list(values)[2:]]
    return (
        f"{name[:32]:32}{values['human']:>7}{values['machine']:>8}   "
        + "".join(f"{cell:18}" for cell in cells).rstrip()
    )
