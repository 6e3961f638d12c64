"""What the detector's training makes of a data set, or of generators, that it has not seen.

Every fold trains the parts of the detector anew, with the product's own functions and settings. The centers and scales
that put the views together are those of a given detector: they hardly change without one unit of the data, and fitting
them costs a second training. The data sets that continue the same paragraphs of SQuAD are one unit.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy.stats
from numpy.typing import NDArray

from curate.detector.evaluate import count_tokens
from curate.detector.fit import FitSettings, family_keys, fit_components
from curate.detector.model import Components, Detector
from curate.hashing import stage_seed, uniform

VIEWS = ("trees", "regression", "vectors")
SQUAD = "squad"
FAMILIES = {
    "base models": ("gpt2-xl", "gpt-j-6b", "gpt-neo-2.7b", "gpt-neox-20b", "opt-2.7b"),
    "small chat models": ("llama-3-8b", "qwen2-7b", "mistral-7b", "deepseek-7b"),
    "claude-3 and gpt-4": ("claude-3-opus", "claude-3-sonnet", "gpt-4"),
}
"""Generators that are held out together, since there are few texts of each."""

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Stack = dict[str, dict[str, float]]


class Fold(NamedTuple):
    """What is trained on and what is judged, masks over the documents."""

    name: str
    train: Bools
    test: Bools


class Transfer(NamedTuple):
    """The outcome of a fold: documents judged, and AUROC of the whole (`stack`) and of each view."""

    name: str
    human: int
    machine: int
    aurocs: dict[str, float]


def units(documents: pa.Table) -> NDArray[np.object_]:
    """The data set of each document, those made from SQuAD as one."""
    names = documents["dataset"].to_numpy()
    return np.where([name.endswith("-squad") for name in names], SQUAD, names)


def data_set_folds(documents: pa.Table) -> Iterator[Fold]:
    """Each unit in turn."""
    names = units(documents)
    for unit in np.unique(names):
        yield Fold(unit, names != unit, names == unit)


def generator_folds(documents: pa.Table, seed: int = 1) -> Iterator[Fold]:
    """Each generator or family of generators in turn, judged on a third of the families of the units it occurs in.

    Nothing of these families is trained on, whoever wrote it, and of the generators nothing at all.
    """
    names, generators = units(documents), documents["generator"].to_numpy()
    machine = documents["label"].to_numpy() == "machine"
    family = {generator: name for name, members in FAMILIES.items() for generator in members}
    groups = np.array([family.get(generator, generator) for generator in generators])
    third = uniform(family_keys(documents), stage_seed(seed, "hold-out")) < 1 / 3
    for group in np.unique(groups[machine]):
        own = machine & (groups == group)
        held_out = third & np.isin(names, names[own])
        yield Fold(group, ~own & ~held_out, held_out & (own | ~machine))


def transfer(
    documents: pa.Table,
    fold: Fold,
    numbers: Mapping[str, Any],
    settings: FitSettings | None = None,
    seed: int = 1,
    people: pa.Table | None = None,
) -> Transfer:
    """Trains without what is held out, but with further people, and judges it: AUROCs within units.

    Units weigh as much as they have machine texts.
    """
    train = documents.filter(pa.array(fold.train))
    train = train if people is None else pa.concat_tables([train, people], promote_options="default")
    components = fit_components(train, seed, settings or FitSettings())
    test = documents.filter(pa.array(fold.test))
    texts, machine = test["text"].combine_chunks(), pc.equal(test["label"], "machine").to_numpy()
    stacks = {"stack": numbers["stack"], **{view: _alone(numbers["stack"], view) for view in VIEWS}}
    aurocs = {
        name: within(_scores(components, {**numbers, "stack": part}, texts), machine, units(test))
        for name, part in stacks.items()
    }
    return Transfer(fold.name, int((~machine).sum()), int(machine.sum()), aurocs)


def _scores(components: Components, numbers: Mapping[str, Any], texts: pa.Array) -> NDArray[np.float32]:
    return Detector("", numbers, components).score(texts, count_tokens(texts), 0)


def within(scores: NDArray[np.floating], machine: Bools, groups: NDArray[np.object_]) -> float:
    """The mean AUROC within groups, weighted by machine texts; groups of one class do not count."""
    total, count = 0.0, 0
    for group in np.unique(groups):
        inside = groups == group
        found = int(machine[inside].sum())
        if 0 < found < inside.sum():
            total += found * auroc(scores[inside], machine[inside])
            count += found
    return total / count


def auroc(scores: NDArray[np.floating], machine: Bools) -> float:
    """How often a machine text is above a human text; ties count half (Mann and Whitney, 1947)."""
    positive, negative = int(machine.sum()), int((~machine).sum())
    ranks = scipy.stats.rankdata(scores)[machine].sum()
    return float((ranks - positive * (positive + 1) / 2) / (positive * negative))


def line(name: str, human: int | str, machine: int | str, aurocs: dict[str, float]) -> str:
    """One row of the matrix."""
    return f"| {name} | {human} | {machine} | " + " | ".join(f"{value:.3f}" for value in aurocs.values()) + " |"


def mean(outcomes: list[Transfer]) -> dict[str, float]:
    """The mean over folds, each counting the same."""
    return {name: float(np.mean([outcome.aurocs[name] for outcome in outcomes])) for name in outcomes[0].aurocs}


def _alone(stack: Stack, view: str) -> Stack:
    return {name: {**part, "weight": float(name == view)} for name, part in stack.items()}
