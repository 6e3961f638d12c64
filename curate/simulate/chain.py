"""A chain of models: crawl, curate, train, write, again and again."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.language_model.words import Int64Array
from curate.simulate.arms import BUDGET, Arm, importance_copies, importance_weights, passes, within_budget
from curate.simulate.metrics import Judge, Metrics, curation_metrics
from curate.simulate.topics import Decoder, TopicModel
from curate.simulate.world import HUMAN, World

SAMPLE = 400
"""Documents of the last model that a detector is trained with, at most."""


@dataclass(frozen=True)
class Curated:
    """What curate made of a crawl, in the order of its documents.

    Attributes:
        texts: as kept, string[n]; null where dropped or held.
        copies: int64[n], 0 where dropped or held.
        p_machine: by the detector at equal classes, float64[n]; NaN without one.
        prevalence: estimated share of machine text in the crawl; NaN where it is not estimated.
    """

    texts: pa.Array
    copies: Int64Array
    p_machine: NDArray[np.float64]
    prevalence: float = float("nan")


Curate = Callable[[Arm, World, pa.Table, pa.Table], Curated]
"""Runs curate: of (arm, world, crawl, sample of the last model's output to train a detector with)."""


def run_chain(arm: Arm, world: World, generations: int, decoder: Decoder, curate: Curate) -> list[Metrics]:
    """Runs an arm.

    Args:
        arm: how to make training data.
        world: to live in.
        generations: how many.
        decoder: how models write.
        curate: runs curate.

    Returns:
        The metrics of each generation: of the model, and if there was a choice of documents, of curation.
    """
    judge = Judge.of(world)
    model = world.fit(world.slice(0))
    metrics = []
    for generation in range(1, generations + 1):
        training, found = _make_training(arm, world, generation, model, decoder, curate)
        model = world.fit(training)
        metrics.append({**judge.model(model, training, decoder, generation), **found})
    return metrics


def _make_training(
    arm: Arm, world: World, generation: int, model: TopicModel, decoder: Decoder, curate: Curate
) -> tuple[pa.Table, Metrics]:
    human = world.slice(generation)
    if arm.training == "human":
        return human, {}
    if arm.training == "written":
        return world.write(model, human.num_rows, decoder, f"write/{generation}"), {}
    crawl = world.crawl(generation, model, decoder)
    found: Metrics = {}
    rng, budget = world.rng(f"train/{generation}"), round(BUDGET * human.num_rows)
    if arm.settings is None:
        texts, copies = crawl["text"].combine_chunks(), np.ones(crawl.num_rows, dtype=np.int64)
    else:
        sample = world.write(model, SAMPLE if arm.detector else 0, decoder, f"sample/{generation}")
        curated = curate(arm, world, crawl, sample)
        texts, copies = curated.texts, curated.copies
        if arm.training in ("importance", "thinned"):
            doubt = np.where(np.isnan(curated.p_machine), 0.5, curated.p_machine)
            weights = importance_weights(np.where(copies > 0, doubt, 1.0))
            thinned = (rng.random(len(weights)) < weights).astype(np.int64)
            copies = thinned if arm.training == "thinned" else importance_copies(weights, budget, rng)
        if arm.strength is not None:
            copies = copies * passes(pc.not_equal(crawl["kind"], HUMAN).to_numpy(), arm.strength, rng)
        if arm.detector:
            found["prevalence_error"] = abs(curated.prevalence - float(np.mean(crawl["kind"].to_numpy() != HUMAN)))
    taken = within_budget(copies, budget, rng)
    training = crawl.set_column(1, "text", texts).take(np.repeat(np.arange(len(taken)), taken))
    return training, {**found, **curation_metrics(crawl, training, copies)}
