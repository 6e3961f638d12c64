import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from curate.simulate.arms import ARMS, Arm, simulated
from curate.simulate.chain import Curated, run_chain
from curate.simulate.corpus import generated_corpus
from curate.simulate.metrics import Judge, curation_metrics
from curate.simulate.page import draw_page
from curate.simulate.results import summarise, table
from curate.simulate.tiers import TIERS
from curate.simulate.world import HUMAN, World

MODEL_METRICS = {
    *("perplexity", "perplexity_tail", "perplexity_worst", "trigram_coverage", "vocabulary_coverage", "distinct_3"),
    *("unigram_entropy", "tail_share", "topic_entropy", "tail_recall"),
}


@pytest.fixture(scope="module")
def world():
    return World.of(generated_corpus(400, 1), 1)


def keep_people(arm, world, crawl, sample):
    """A curation that never errs."""
    human = pc.equal(crawl["kind"], HUMAN).to_numpy()
    texts = crawl["text"].combine_chunks()
    return Curated(texts, human.astype(np.int64), np.where(human, 0.0, 1.0), float(np.mean(~human)))


def keep_all(arm, world, crawl, sample):
    count = crawl.num_rows
    return Curated(crawl["text"].combine_chunks(), np.ones(count, np.int64), np.full(count, np.nan))


def never(arm, world, crawl, sample):
    raise AssertionError("an arm without settings runs no curation")


def test_no_curation_collapses_and_perfect_curation_is_human_only(world):
    human, none, replace = (
        run_chain(ARMS[name], world, 3, "sharp", never) for name in ("human_only", "no_curation", "replace")
    )
    perfect = run_chain(ARMS["full"], world, 3, "sharp", keep_people)
    assert none[-1]["perplexity"] > 1.5 * human[-1]["perplexity"]
    assert replace[-1]["perplexity"] > none[-1]["perplexity"]
    assert none[-1]["tail_share"] < 0.7 * human[-1]["tail_share"]
    assert none[-1]["distinct_3"] < human[-1]["distinct_3"]
    for own, best in zip(perfect, human, strict=True):
        sampled = {"distinct_3", "unigram_entropy"}  # from the same model, in which the documents have another order
        assert {name: own[name] for name in MODEL_METRICS - sampled} == pytest.approx(
            {name: best[name] for name in MODEL_METRICS - sampled}
        )
        assert own["human_loss"] == own["synthetic_admitted"] == own["prevalence_error"] == 0


def test_exact_samples_do_harm_as_well_and_are_more_varied_than_sharp_ones(world):
    human, exact = (run_chain(ARMS[name], world, 2, "ancestral", never) for name in ("human_only", "no_curation"))
    sharp = run_chain(ARMS["no_curation"], world, 2, "sharp", never)
    assert exact[-1]["perplexity"] > 1.2 * human[-1]["perplexity"]
    assert exact[-1]["distinct_3"] > sharp[-1]["distinct_3"]
    assert exact[-1]["tail_share"] > sharp[-1]["tail_share"]


def test_the_same_seed_gives_the_same_metrics(world):
    again = World.of(generated_corpus(400, 1), 1)
    for arm in (ARMS["no_curation"], ARMS["importance"], simulated(2.0)):
        first, second = (run_chain(arm, each, 1, "sharp", keep_people) for each in (world, again))
        assert first == second


def test_a_stronger_detector_admits_less(world):
    admitted = [
        run_chain(simulated(strength), world, 1, "sharp", keep_all)[0]["synthetic_admitted"] for strength in (0, 2, 4)
    ]
    assert admitted[0] > admitted[1] > admitted[2]
    assert admitted[0] == pytest.approx(8 / 9, abs=0.03) and admitted[2] < 0.2


def test_repeats_and_dropped_texts_are_what_is_trained_on(world):
    def twice(arm, world, crawl, sample):
        kept = keep_people(arm, world, crawl, sample)
        texts = pc.if_else(pa.array(kept.copies > 0), kept.texts, None)
        return Curated(texts, kept.copies * 2, kept.p_machine)

    arm = Arm("twice", "kept", {})
    budget = round(1.5 * world.slice(1).num_rows)
    seen = []

    def fit(documents):
        seen.append(documents)
        return World.fit(world, documents)

    spy = _Spy(world, fit)
    run_chain(arm, spy, 1, "sharp", twice)
    assert seen[-1].num_rows == budget and seen[-1]["text"].null_count == 0


class _Spy:
    """A world that tells what models are fitted to."""

    def __init__(self, world, fit):
        self._world, self.fit = world, fit

    def __getattr__(self, name):
        return getattr(self._world, name)


def test_curation_is_measured_on_the_crawl():
    crawl = pa.table(
        {
            "kind": ["human"] * 20 + ["synthetic", "copy", "gibberish", "gibberish"],
            "topic": [0] * 10 + [1] * 10 + [0] * 4,
        }
    )
    kept = np.array([0, 0, 2, *[1] * 17, 1, 0, 0, 3])
    found = curation_metrics(crawl, crawl.take(np.repeat(np.arange(24), kept)), kept)
    assert found == {
        "human_loss": pytest.approx(0.1),
        "human_loss_worst": pytest.approx(0.2),
        "synthetic_admitted": pytest.approx(1 / 23),
        "gibberish_admitted": 0.5,
    }


def test_a_model_of_all_that_is_held_out_covers_it(world):
    judge = Judge.of(world)
    found = judge.model(world.fit(world.held_out), world.held_out, "ancestral", 1)
    assert found["trigram_coverage"] == found["vocabulary_coverage"] == found["tail_recall"] == 1
    assert 1 < found["perplexity"] < judge.model(world.fit(world.pool), world.pool, "ancestral", 1)["perplexity"]


@pytest.mark.parametrize("name", TIERS)
def test_results_are_told_in_json_table_and_page(name):
    tier = TIERS[name]
    base = dict.fromkeys(MODEL_METRICS, 0.5)
    curation = {"human_loss": 0.05, "synthetic_admitted": 0.1, "gibberish_admitted": 0.0, "prevalence_error": 0.01}
    levels = {"human_only": 100.0, "no_curation": 300.0, "full": 105.0}
    chains = {
        (arm, seed): [
            {**base, **(curation if found.settings else {}), "perplexity": levels.get(arm, 200.0) + seed}
            for _ in range(generations)
        ]
        for (arm, seed), (found, generations) in tier.chains().items()
    }
    report = {"tier": name, "documents": 9, "topics": 2, "decoder": "sharp", **summarise(chains, tier)}
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    full = report["arms"]["full"]
    ratios = [(105 + seed) / (100 + seed) for seed in tier.seeds]
    assert full["perplexity_ratio"] == pytest.approx(np.mean(ratios), abs=1e-6)
    assert full["damage_removed"] == pytest.approx(195 / 200)
    assert len(full["generations"]) == tier.generations and list(full["seeds"]) == list(map(str, tier.seeds))
    assert report["arms"]["human_only"]["perplexity_ratio"] == 1
    assert [point["strength"] for point in report["detector_curve"]] == list(tier.strengths)
    text = table(report)
    assert all(row["label"] in text for row in report["arms"].values())
    page = draw_page(report)
    assert page == draw_page(report) and "<script" not in page and page.count("<svg") == (4 if tier.strengths else 3)
    assert {check["name"]: check["passed"] for check in report["checks"]}["perplexity ratio, full curation"]
