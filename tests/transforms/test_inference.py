"""A detector of one's own: what Beam's handler is given, what becomes of its predictions, and what if it fails."""

import functools
import hashlib
import random
import sys
import types

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
import scipy.stats
from apache_beam.ml.inference.base import ModelHandler, PredictionResult
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from curate.config import make_config
from curate.detector.other import log_odds
from curate.errors import UsageError
from curate.transforms import Curate, FilterSynthetic, TextDetector
from curate.transforms.annotate import located
from curate.transforms.configured import configured_models
from curate.transforms.inference import AskModel, take_column
from curate.transforms.models import TextModels

BEFORE, AFTER = "2015-03-01T00:00:00Z", "2023-06-01T00:00:00Z"
SETTINGS = {"synthetic": {"min_group": 100}}
SENTENCE = "the river runs past old stone mills where children used to swim every summer before winter came"
WORDS = SENTENCE.split()


def expected_score(text):
    """Log-odds that any process gives alike: the share of a word that machines like, and some noise."""
    noise = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") / 2**32
    return 20 * text.split().count("delve") / len(text.split()) + 2 * noise - 3


class Lexicon:
    """The model. It fails on batches that hold a poisoned text."""

    def logits(self, texts):
        if any("poison" in text for text in texts):
            raise ValueError("cannot be tokenised")
        return [np.array([0.0, expected_score(text)]) for text in texts]


class LexiconHandler(ModelHandler):
    """A handler without batch limits, unless given."""

    def load_model(self):
        return Lexicon()

    def run_inference(self, batch, model, inference_args=None):
        assert isinstance(batch[0], str)
        assert len(batch) <= self.batch_elements_kwargs().get("max_batch_size", 1)
        for text, logits in zip(batch, model.logits(batch), strict=True):
            yield PredictionResult(text, logits)


def detector(handler=None, score=log_odds):
    return TextDetector(handler or LexiconHandler(), "lexicon", "1", score)


def document(number, machine=False, timestamp=AFTER, words=80):
    draw = random.Random(number)
    chosen = [draw.choice(WORDS) for _ in range(words)]
    for place in draw.sample(range(words), 8 if machine else 0):
        chosen[place] = "delve"
    return {"id": f"d{number:04d}", "text": " ".join(chosen), "timestamp": timestamp, "language": "en"}


def corpus():
    """Trusted human documents, unknown ones of both kinds, and some that are not scored."""
    rows = [document(number, timestamp=BEFORE) for number in range(250)]
    rows += [document(number, machine=number % 3 == 0) for number in range(250, 310)]
    rows += [document(400, words=49), document(401, words=50), {**document(402), "text": None}]
    return rows


@pytest.fixture(scope="module")
def rows():
    return corpus()


@pytest.fixture(scope="module")
def filtered(apply, rows):
    return apply(FilterSynthetic(config=SETTINGS, detector=detector()), rows)


@pytest.fixture(scope="module")
def by_id(filtered, ledger_of):
    return {row["id"]: row for row in ledger_of(filtered["ledger"])}


def test_scores_are_the_handlers(by_id, rows):
    for row in rows:
        found = by_id[row["id"]]["detector_score"]
        if row["text"] is None or len(row["text"].split()) < 50:
            assert found is None
        else:
            assert found == pytest.approx(expected_score(row["text"]), abs=1e-6)


def test_zones_come_from_the_calibration_of_its_scores(by_id, filtered):
    machine = [row for id, row in by_id.items() if 250 <= int(id[1:]) < 310 and int(id[1:]) % 3 == 0]
    human = [row for id, row in by_id.items() if int(id[1:]) < 310 and row not in machine]
    assert {(row["decision"], row["reason"]) for row in machine} <= {("dropped", "detector"), ("held", "suspect")}
    assert {row["group"] for row in machine} == {"en/50-100"}
    assert sum(row["decision"] == "kept" for row in human) >= 0.9 * len(human)
    assert len(filtered["held"]) + len(filtered["dropped"]) >= len(machine)


def _cut(rows, size):
    schema = pa.Table.from_pylist(rows).schema
    return [pa.Table.from_pylist(rows[start : start + size], schema) for start in range(0, len(rows), size)]


@pytest.mark.parametrize("size", [3, 100])
def test_blocks_and_order_do_not_matter(apply, ledger_of, rows, filtered, size):
    shuffled = random.Random(3).sample(rows, len(rows))
    found = apply(FilterSynthetic(config=SETTINGS, detector=detector()), _cut(shuffled, size))
    assert ledger_of(found["ledger"]) == ledger_of(filtered["ledger"])


def test_batches_of_the_handlers_size(apply, ledger_of, rows, filtered):
    found = apply(FilterSynthetic(config=SETTINGS, detector=detector(LexiconHandler(max_batch_size=7))), rows)
    assert ledger_of(found["ledger"]) == ledger_of(filtered["ledger"])


def test_users_elements_come_back_as_they_were(filtered, rows):
    given = {row["id"]: row for row in rows}
    for row in filtered["kept"]:
        assert {name: value for name, value in row.items() if not name.startswith("curate_")} == given[row["id"]]


def test_all_steps_go_with_it(apply, ledger_of, rows):
    rows = [*rows, {**rows[256], "id": "copy"}]
    found = {row["id"]: row for row in ledger_of(apply(Curate(SETTINGS, detector()), rows)["ledger"])}
    assert found["copy"]["detector_score"] == found["d0256"]["detector_score"]
    assert {found["copy"]["stage"], found["d0256"]["stage"]} == {None, "dedupe"}
    assert found["d0001"]["cluster"] is not None


class Doubling(LexiconHandler):
    """Takes texts in pieces, and its predictions have to be mended."""

    def run_inference(self, batch, model, inference_args=None):
        return [-2 * logits for logits in model.logits([" ".join(words) for words in batch])]


def test_functions_before_and_after_the_model(apply, ledger_of, rows, filtered):
    handler = Doubling().with_preprocess_fn(str.split).with_postprocess_fn(lambda logits: -logits / 2)
    found = apply(FilterSynthetic(config=SETTINGS, detector=detector(handler)), rows)
    assert ledger_of(found["ledger"]) == ledger_of(filtered["ledger"])


@pytest.mark.parametrize("size", [1, 16])
def test_a_text_that_fails_costs_its_score(apply, ledger_of, rows, by_id, size):
    poisoned = [
        {**document(600), "text": document(600)["text"] + " poison"},
        {**document(601, timestamp=BEFORE), "text": document(601)["text"] + " poison"},
        {**document(602, words=20), "text": "poison " * 20},
    ]
    given = FilterSynthetic(config=SETTINGS, detector=detector(LexiconHandler(max_batch_size=size)))
    found = {row["id"]: row for row in ledger_of(apply(given, rows + poisoned)["ledger"])}
    failed = found.pop("d0600")
    assert (failed["decision"], failed["reason"], failed["detector_score"]) == ("kept", "uncalibrated", None)
    trusted, short = found.pop("d0601"), found.pop("d0602")
    assert trusted["detector_score"] is None
    assert (trusted["decision"], trusted["reason"]) == (short["decision"], short["reason"]) == ("kept", None)
    assert found == by_id


SEEN = []


def see(block):
    SEEN.append(block)


def scored(blocks, given, config):
    """The blocks that AskModel gives for blocks, and Beam's counters."""
    SEEN.clear()
    pipeline = beam.Pipeline(runner=FnApiRunner())
    _ = pipeline | beam.Create(blocks) | AskModel(given, config) | beam.Map(see)
    result = pipeline.run()
    return list(SEEN), {found.key.metric.name: found.committed for found in result.metrics().query()["counters"]}


def test_a_block_is_a_batch(rows):
    """Location and columns of the block stay; Beam counts its documents and the texts that failed."""
    texts = [{**row, "text": "poison " * 60 if number == 2 else row["text"]} for number, row in enumerate(rows[:5])]
    block = located(pa.Table.from_pylist(texts), "a.parquet", 7 << 32)
    config = make_config({"synthetic": {"handler": "lexicon-1"}})
    (found,), counters = scored([block], detector(), config)
    plain, scores = take_column(found, detector())
    assert TextDetector.column in found.schema.names
    assert plain.equals(block, check_metadata=True)
    assert scores.type == pa.float32()
    assert scores.is_null().to_pylist() == [False, False, True, False, False]
    assert counters["num_inferences"] == 5
    assert counters["failed_texts"] == 1


def test_blocks_stay_tables():
    """So that a runner that does not fuse encodes them as such."""
    blocks = beam.Pipeline(runner=FnApiRunner()) | beam.Create([]).with_output_types(pa.Table)
    assert (blocks | AskModel(detector(), make_config({}))).element_type is pa.Table


@pytest.mark.parametrize(("texts", "rate", "fails"), [(19, 0.5, False), (20, 0.5, True), (20, 1.0, False)])
def test_a_model_that_fails_on_most_texts_fails_the_run(texts, rate, fails):
    block = pa.table({"text": [f"{number} " + "poison " * 60 for number in range(texts)]})
    config = make_config({"run": {"max_error_rate": rate}})
    if not fails:
        assert take_column(scored([block], detector(), config)[0][0], detector())[1].null_count == texts
        return
    with pytest.raises(RuntimeError, match=r"lexicon-1 failed on 20 of 20 texts.*cannot be tokenised"):
        scored([block], detector(), config)


@pytest.mark.parametrize(
    ("score", "told"),
    [
        (functools.partial(log_odds, machine="Fake"), "gave 2 logits, but machine is 'Fake'"),
        (functools.partial(log_odds, machine=2), "gave 2 logits, but machine is 2"),
    ],
)
def test_predictions_of_another_kind_fail_the_run(score, told):
    block = pa.table({"text": ["word " * 60]})
    with pytest.raises(UsageError, match=told):
        scored([block], detector(score=score), make_config({}))


class Short(LexiconHandler):
    """Forgets the last text of a batch."""

    def run_inference(self, batch, model, inference_args=None):
        return model.logits(batch)[:-1]


def test_a_prediction_for_every_text():
    with pytest.raises(UsageError, match="gave 0 predictions for 1 texts"):
        scored([pa.table({"text": ["word " * 60]})], detector(Short()), make_config({}))


def test_a_score_that_is_no_number_is_a_failure():
    block = pa.table({"text": ["word " * 60, "other " * 60]})
    given = detector(score=lambda logits: float("nan"))
    assert take_column(scored([block], given, make_config({}))[0][0], given)[1].null_count == 2


def test_realised_false_positive_rate(apply, ledger_of):
    """Human documents outside the calibration are suspected at the rate that was accepted."""
    trusted = [document(number, timestamp=BEFORE) for number in range(1000)]
    fresh = [document(number) for number in range(1000, 2000)]
    out = apply(
        FilterSynthetic(config=SETTINGS, detector=detector(LexiconHandler(max_batch_size=64))),
        _cut(trusted + fresh, 500),
    )
    found = {row["id"]: row for row in ledger_of(out["ledger"])}
    for alpha, reasons in ((0.05, ("suspect", "detector")), (0.01, ("detector",))):
        errors = sum(found[row["id"]]["reason"] in reasons for row in fresh)
        calibrated = found["d1000"]["group_n"]  # the threshold is drawn as well
        low, high = scipy.stats.betabinom.interval(
            0.99, len(fresh), alpha * (calibrated + 1), (1 - alpha) * (calibrated + 1)
        )
        assert low <= errors <= high


def test_what_a_detector_may_be():
    with pytest.raises(UsageError, match="handler of a detector is a str"):
        TextDetector("gpt2", "a", "1")
    with pytest.raises(UsageError, match="with_no_batching"):
        TextDetector(LexiconHandler().with_no_batching(), "a", "1")
    with pytest.raises(UsageError, match=r"synthetic.handler is 'a:b', but the detector lexicon-1 is given too"):
        FilterSynthetic(config={"synthetic": {"handler": "a:b"}}, detector=detector())
    with pytest.raises(UsageError, match=r"synthetic.handler is 'lexicon-1' and synthetic.model is 'x'"):
        FilterSynthetic(config={"synthetic": {"model": "x"}}, detector=detector())


@pytest.fixture
def module(monkeypatch):
    made = types.ModuleType("my_detectors")
    made.good, made.wrong, made.number = detector, lambda: "no detector", 3
    monkeypatch.setitem(sys.modules, "my_detectors", made)


def test_the_function_that_the_settings_name(module):
    assert configured_models(make_config({"synthetic": {"handler": "my_detectors:good"}})).detector.id == "lexicon-1"
    assert configured_models(make_config({})) == TextModels()
    assert configured_models(make_config({"synthetic": {"handler": "no:such", "enabled": False}})) == TextModels()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("my_detectors", "expected module:function"),
        ("my_detectors:bad", "has no attribute 'bad'"),
        ("no_such_module:good", "No module named 'no_such_module'); mend it, install what it needs"),
        (":good", "Empty module name"),
        ("my_detectors:wrong", "gave a str, expected module:function"),
        ("my_detectors:number", "TypeError: 'int' object is not callable"),
    ],
)
def test_settings_that_name_no_detector(module, name, told):
    with pytest.raises(UsageError) as error:
        configured_models(make_config({"synthetic": {"handler": name}}))
    assert told in str(error.value)


def test_the_settings_of_a_transform_name_it_too(module, apply, ledger_of, rows, filtered):
    found = apply(
        FilterSynthetic(config={"synthetic": {**SETTINGS["synthetic"], "handler": "my_detectors:good"}}), rows
    )
    assert ledger_of(found["ledger"]) == ledger_of(filtered["ledger"])
