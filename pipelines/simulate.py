"""The collapse benchmark with the real run of curate in it (`curate simulate`)."""

import contextlib
import io
import json
import logging
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curate.config import make_config
from curate.detector.fit import FitSettings
from curate.detector.model import load_detector
from curate.detector.train import TrainingSettings, train_detector
from curate.detector.word_vectors import FastTextSettings
from curate.errors import UsageError
from curate.hashing import hash_strings, stage_seed, uniform
from curate.io.output import prepare_output
from curate.io.scratch import scratch
from curate.pipelines.files import BeamFiles
from curate.pipelines.progress import say
from curate.pipelines.run import curate_inputs
from curate.schema import TIMESTAMP
from curate.simulate.arms import Arm
from curate.simulate.chain import SAMPLE, Curated, run_chain
from curate.simulate.corpus import Corpus, generated_corpus, prose_corpus, read_corpus
from curate.simulate.metrics import Metrics
from curate.simulate.page import draw_page
from curate.simulate.results import missed, summarise, table
from curate.simulate.tiers import TIERS, Tier
from curate.simulate.topics import Decoder
from curate.simulate.world import HUMAN, SYNTHETIC, World

_CAPTURED = 1_500_000_000_000_000  # microseconds: 2017, before the cut-off
_DETECTOR_SHARE = 0.5
# As `curate detector train`, with fewer buckets: a few hundred documents do not fill more.
_TRAINING = TrainingSettings(FitSettings(fasttext=FastTextSettings(buckets=1 << 16)))


_DECODER: Decoder = "sharp"
_PROCESSES = 2


def simulate(output: str, tier_name: str, corpus: Optional[str] = None) -> tuple[str, list[str]]:
    """Runs the benchmark.

    Args:
        output: new or empty directory for report.json, report.html, table.md and protocol.md.
        tier_name: ci or doc.
        corpus: Parquet of human documents for the tier doc; None: Python's own prose.

    Returns:
        The table, and the names of the checks that were not reached.

    Raises:
        UsageError: the output may not be written, or the corpus cannot be used.
    """
    tier = TIERS[tier_name]
    if corpus is not None and tier_name == "ci":
        raise UsageError(f"--corpus {corpus!r} is given for the tier ci, which generates its own; leave it out")
    with prepare_output(output, False, BeamFiles(), [corpus] if corpus else []) as staging:
        human = _corpus(tier_name, corpus, tier.seeds[0])
        report = {
            "tier": tier_name,
            "documents": len(human.texts),
            "topics": len(human.names),
            "decoder": _DECODER,
            **summarise(run_chains(tier, tier_name, corpus), tier),
        }
        files = {
            "report.json": json.dumps(report, indent=1, ensure_ascii=False) + "\n",
            "report.html": draw_page(report),
            "table.md": table(report),
            "protocol.md": resources.files("curate.simulate").joinpath("protocol.md").read_text(encoding="utf-8"),
        }
        for name, content in files.items():
            Path(staging.path, name).write_text(content, encoding="utf-8")
        staging.commit()
    return f"{table(report)}\nreport: {os.path.join(output, 'report.html')}", missed(report)


def run_chains(tier: Tier, tier_name: str, corpus: Optional[str]) -> dict[tuple[str, int], list[Metrics]]:
    """Runs the chains of a tier in two processes, which share nothing: results do not depend on their number."""
    chains = tier.chains()
    # The first import of Beam in each process warns of missing clouds.
    pool = ProcessPoolExecutor(
        _PROCESSES, multiprocessing.get_context("spawn"), initializer=logging.disable, initargs=(logging.WARNING,)
    )
    with pool:
        waiting = {
            pool.submit(_run, tier_name, corpus, seed, arm, generations): (name, seed)
            for (name, seed), (arm, generations) in chains.items()
        }
        found: dict[tuple[str, int], list[Metrics]] = {}
        try:
            for number, future in enumerate(as_completed(waiting), start=1):
                name, seed = waiting[future]
                found[name, seed] = future.result()
                last = found[name, seed][-1]["perplexity"]
                say(f"{number} of {len(chains)} chains: {name}, seed {seed}, ends at perplexity {last:,.0f}")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # else all other chains would run to their ends first
            raise
    return {key: found[key] for key in chains}


def _run(tier_name: str, corpus: Optional[str], seed: int, arm: Arm, generations: int) -> list[Metrics]:
    return run_chain(arm, _world(tier_name, corpus, seed), generations, _DECODER, curate_crawl)


@lru_cache(maxsize=1)
def _world(tier_name: str, corpus: Optional[str], seed: int) -> World:
    return World.of(_corpus(tier_name, corpus, seed), seed)


def _corpus(tier_name: str, corpus: Optional[str], seed: int) -> Corpus:
    documents = TIERS[tier_name].documents
    if corpus is not None:
        return read_corpus(corpus, documents, seed)
    return generated_corpus(documents, seed) if tier_name == "ci" else prose_corpus()


def curate_crawl(arm: Arm, world: World, crawl: pa.Table, sample: pa.Table) -> Curated:
    """Curates a crawl beside the trusted reference, of which no arm trains its language model.

    A hashed half of the reference trains the detector, together with the sample of the last model's output. The other
    half is in the input, captured before the cut-off: it calibrates the thresholds and anchors the mixture.
    """
    place = uniform(hash_strings(world.trusted["text"]), stage_seed(world.seed, "simulate.detector"))
    teaching = pa.array(place < _DETECTOR_SHARE)
    settings = {name: dict(values) for name, values in (arm.settings or {}).items()}
    settings["report"] = {"enabled": False, "examples": 0}
    settings["run"] = {"seed": world.seed}
    with scratch() as directory:
        if arm.detector:
            human = world.trusted.filter(teaching).slice(0, SAMPLE)
            documents = pa.concat_tables([_labelled(human, "human"), _labelled(sample, "machine")])
            train_detector(documents, f"{directory}/detector", seed=world.seed, settings=_TRAINING)
            settings["synthetic"] = {**settings.get("synthetic", {}), "model": f"{directory}/detector"}
        reference = _input(world.trusted.filter(pc.invert(teaching)), world, arm, _CAPTURED)
        pq.write_table(pa.concat_tables([reference, _input(crawl, world, arm, None)]), f"{directory}/crawl.parquet")
        with contextlib.redirect_stderr(io.StringIO()):  # the progress of a hundred runs
            curate_inputs([f"{directory}/crawl.parquet"], f"{directory}/out", make_config(settings))
        return _read(f"{directory}/out", crawl, reference.num_rows, settings)


def _labelled(documents: pa.Table, label: str) -> pa.Table:
    return pa.table({"text": documents["text"], "label": pa.repeat(label, documents.num_rows)})


def _input(documents: pa.Table, world: World, arm: Arm, captured: int | None) -> pa.Table:
    rows = documents.num_rows
    origin = documents["origin"]
    if arm.origins == "known":
        origin = pc.if_else(pc.equal(documents["kind"], HUMAN), HUMAN, SYNTHETIC)
    elif arm.origins == "none":
        origin = pa.nulls(rows, pa.string())
    return pa.table(
        {
            "id": documents["id"],
            "text": documents["text"],
            "language": pa.array([world.language] * rows, pa.string()),
            "timestamp": pa.array([captured] * rows, TIMESTAMP),
            "origin": origin,
        }
    )


def _read(output: str, crawl: pa.Table, reference: int, settings: dict[str, Any]) -> Curated:
    """The outcome for each document of the crawl."""
    ledger = pq.read_table(f"{output}/ledger", columns=["id", "copies", "detector_score"])
    data = pq.read_table(f"{output}/data", columns=["curate_id", "text"])
    rows = pc.index_in(crawl["id"], ledger["id"].combine_chunks())
    ledger = ledger.take(rows)
    texts = (
        data["text"]
        .combine_chunks()
        .take(pc.index_in(crawl["id"].combine_chunks(), data["curate_id"].combine_chunks()))
    )
    scores = ledger["detector_score"].to_numpy().astype(np.float64)
    model = settings.get("synthetic", {}).get("model")
    a, b = load_detector(model).platt if model else (1.0, 0.0)
    with open(os.path.join(output, "report.json"), encoding="utf-8") as file:
        total = json.load(file)["prevalence_total"]
    prevalence = float("nan")
    if total is not None and model:
        prevalence = total["estimate"] * total["n"] / (total["n"] - reference)
    return Curated(
        texts,
        np.asarray(ledger["copies"].fill_null(0).to_numpy(), dtype=np.int64),
        1.0 / (1.0 + np.exp(-(a * scores + b))),
        prevalence,
    )
