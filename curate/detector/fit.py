"""Fitting the parts of the detector to labelled texts: the result depends on texts and seed, not on their order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.detector import ranks
from curate.detector.distinct import DistinctTokens, distinct_tokens
from curate.detector.human_language import frequent_endings, frequent_tokens, human_bigrams
from curate.detector.model import Components, parts_of, weigh, windows_of
from curate.detector.regression import fit_regression, ngram_counts
from curate.detector.statistics import NO_COLUMNS, Tables, statistics, token_facts
from curate.detector.stream import TokenStream, token_stream
from curate.detector.trees import BoostingSettings, fit_trees
from curate.detector.views import training_views
from curate.detector.word_vectors import FastTextSettings, fit_word_vectors
from curate.errors import UsageError
from curate.hashing import UInt64Array, hash_strings, stage_seed, uniform

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

_FOLDS = 4
_HELD_OUT = 0.2


@dataclass(frozen=True)
class FitSettings:
    """Settings of the fit.

    Attributes:
        token_rates: frequent tokens whose rates are statistics.
        ending_rates: frequent endings of words whose rates are statistics.
        boosting: of the trees.
        fasttext: of fastText.
        weights: of the standardised views; the statistics transfer best to unseen sources and count most.
    """

    token_rates: int = 150
    ending_rates: int = 60
    boosting: BoostingSettings = field(default_factory=BoostingSettings)
    fasttext: FastTextSettings = field(default_factory=FastTextSettings)
    weights: dict[str, float] = field(default_factory=lambda: {"trees": 1.0, "regression": 0.5, "vectors": 0.15})


def fit_components(documents: pa.Table, seed: int, settings: FitSettings) -> Components:
    """Fits all parts.

    Args:
        documents: columns text and label (human or machine), dataset where known.
        seed: of all draws.
        settings: of the fit.

    Raises:
        UsageError: the documents of one of the classes hold no words.
    """
    documents = _sorted(documents)
    texts = documents["text"].combine_chunks()
    machine = pc.equal(documents["label"], "machine").to_numpy()
    keys, families = hash_strings(texts), family_keys(documents)
    stream = token_stream(texts)
    bounds, owners = parts_of(stream)
    if machine[owners].all() or not machine[owners].any():
        raise UsageError(
            f"the {documents.num_rows} documents to fit to hold words of one class at most, expected both; give more"
        )
    weight = _weights(machine, owners)
    sources = _sources(documents)
    tables = Tables(ranks.load(), human_bigrams(stream, ~machine), NO_COLUMNS, NO_COLUMNS)
    distinct = distinct_tokens(stream)
    facts = token_facts(stream, distinct, tables)
    tables = tables._replace(
        tokens=frequent_tokens(stream, sources, settings.token_rates),
        endings=frequent_endings(stream, facts, sources, settings.ending_rates),
    )
    columns = _cross_fitted(stream, distinct, bounds, owners, machine, families, tables, seed)
    lines, line_texts = training_views(stream, facts.ends, keys, seed)
    return Components(
        tables,
        fit_trees(columns, machine[owners], weight, seed, settings.boosting),
        fit_regression(ngram_counts(stream, bounds), machine[owners], weight),
        fit_word_vectors(lines, machine[line_texts].tolist(), seed, settings.fasttext),
    )


def fit_stack(documents: pa.Table, seed: int, settings: FitSettings) -> dict[str, Any]:
    """How the views are put together, from texts that they were not fitted to, a fifth of the families.

    Args:
        documents: as for `fit_components`.
        seed: of all draws.
        settings: of the fit.

    Returns:
        `stack`: weight, center and scale of each view, as `curate.detector.model.weigh` reads them; `window_gain`: what
        the mean of a text's windows is multiplied by.

    Raises:
        UsageError: there are too few documents to set a fifth apart.
    """
    documents = _sorted(documents)
    held_out = pa.array(uniform(family_keys(documents), stage_seed(seed, "stack")) < _HELD_OUT)
    components = fit_components(documents.filter(pc.invert(held_out)), seed, settings)
    stream = token_stream(documents.filter(held_out)["text"].combine_chunks())
    bounds, owners = parts_of(stream)
    if not len(bounds):
        raise UsageError(
            f"a fifth of the families of {documents.num_rows} documents holds no words, the views are weighed on it; "
            "give documents of more families (ids up to the last /)"
        )
    views = components.views(stream, bounds)
    stack = {name: _standard(getattr(views, name), weight) for name, weight in settings.weights.items()}
    with np.errstate(invalid="ignore"):  # texts without words have no parts, and no windows either
        wholes = np.bincount(owners, weigh(views, stack)) / np.bincount(owners)
    return {"stack": stack, "window_gain": _window_gain(components, stream, stack, wholes)}


def _window_gain(
    components: Components, stream: TokenStream, stack: Mapping[str, Mapping[str, float]], wholes: Floats
) -> float:
    """The slope of what texts get as a whole on the mean of their windows; 1 where none has windows."""
    windows, texts = windows_of(stream)
    if not len(windows):
        return 1.0
    sizes = np.bincount(texts)
    means = np.bincount(texts, weigh(components.views(stream, windows), stack))[sizes > 0] / sizes[sizes > 0]
    wholes = wholes[: len(sizes)][sizes > 0]
    return round(float(means @ wholes / (means @ means)), 6)


def family_keys(documents: pa.Table) -> UInt64Array:
    """A hash of what documents have in common that were made from one source: all but the last part of the id."""
    if "id" not in documents.column_names:
        return hash_strings(documents["text"])
    return hash_strings(pc.replace_substring_regex(documents["id"], r"/[^/]*$", ""))


def _sorted(documents: pa.Table) -> pa.Table:
    """In order of the hash of the text, equal texts by all else that the fit reads."""
    names = [name for name in ("dataset", "id", "label", "text") if name in documents.column_names]
    return documents.take(pa.array(np.lexsort([hash_strings(documents[name]) for name in names])))


def _sources(documents: pa.Table) -> NDArray[np.int64]:
    if "dataset" not in documents.column_names:
        return np.zeros(documents.num_rows, np.int64)
    names = pc.fill_null(documents["dataset"], "").combine_chunks()
    order = pa.array(sorted(pc.unique(names).to_pylist()), names.type)
    return pc.index_in(names, order).to_numpy().astype(np.int64)


def _weights(machine: Bools, owners: NDArray[np.int64]) -> Floats:
    """Both classes weigh the same, within a class every text, within a text every part."""
    by_class = np.where(machine, 1 / max(machine.sum(), 1), 1 / max((~machine).sum(), 1))
    parts = np.bincount(owners, minlength=len(machine))
    return by_class[owners] / parts[owners]


def _cross_fitted(
    stream: TokenStream,
    distinct: DistinctTokens,
    bounds: NDArray[np.int64],
    owners: NDArray[np.int64],
    machine: Bools,
    families: UInt64Array,
    tables: Tables,
    seed: int,
) -> NDArray[np.float32]:
    """Statistics of segments, each with the bigrams of people from other families than its own."""
    folds = (uniform(families, stage_seed(seed, "folds")) * _FOLDS).astype(np.int64)
    parts = [np.flatnonzero(folds[owners] == fold) for fold in range(_FOLDS)]
    columns = []
    for fold, part in enumerate(parts):
        own = tables._replace(bigrams=human_bigrams(stream, ~machine & (folds != fold)))
        columns.append(statistics(stream, token_facts(stream, distinct, own), bounds[part], own))
    return np.concatenate(columns)[np.argsort(np.concatenate(parts))]


def _standard(values: Floats, weight: float) -> dict[str, float]:
    scale = float(values.std())
    return {"weight": weight, "center": round(float(values.mean()), 6), "scale": round(scale, 6) or 1.0}
