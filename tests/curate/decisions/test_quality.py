"""What quality makes of documents: the gate, the rules that drop, and what is told of them."""

import numpy as np
import pyarrow as pa
import pytest

from curate.config import make_config
from curate.decisions.quality import judge_quality, reject_poor
from curate.decisions.reference import Reference
from curate.decisions.verdict import ACCEPT, FILL, HOLD, REJECT, Verdicts
from curate.detector.calibration import Calibration
from curate.errors import UsageError
from curate.provenance.evidence import from_lists
from curate.quality.calibration import QualitySample, level_column
from curate.quality.catalogue import MODEL, NAMES, SIGNALS
from curate.schema import QUALITY

MOJIBAKE, DIGITS = NAMES.index("mojibake"), NAMES.index("digits")


def people(count):
    levels = np.random.default_rng(4).normal(60, 8, (count, len(SIGNALS))).clip(1, 254).astype(np.uint8)
    levels[:, MOJIBAKE], levels[:, MODEL] = 0, 200
    return levels


@pytest.fixture(scope="module")
def reference():
    levels = people(500)
    names = pa.chunked_array([pa.array(["en"] * 500)])
    column = pa.chunked_array([level_column(levels, np.ones(500, bool))])
    sample = QualitySample.collect(names, column, np.arange(500, dtype=np.uint64))
    return Reference(Calibration({}, {}), {}, {}, {}, quality=sample.calibrate(0.02, 200, 1))


def judged(reference, levels, **settings):
    documents = pa.table(
        {"language": ["en"] * len(levels), "quality": level_column(levels, np.ones(len(levels), bool))}
    )
    return judge_quality(documents, reference, make_config({"quality": settings}))


@pytest.fixture
def three():
    """A person's document, one with many digits, and mojibake."""
    levels = np.repeat(np.full((1, len(SIGNALS)), 60, np.uint8), 3, axis=0)
    levels[:, MOJIBAKE], levels[:, MODEL] = 0, 200
    levels[1, DIGITS] = 95
    levels[2, MOJIBAKE] = 150
    return levels


def test_the_gate_tells_what_is_odd(reference, three):
    found = judged(reference, three)
    assert found.passed.tolist() == [True, True, False]
    assert not found.dropped.any()
    assert found.score[0] > 0.5 > found.score[2]
    kept, digits, mojibake = from_lists(found.evidence)
    assert (kept, digits) == ([], [])
    assert (mojibake[0].family, mojibake[0].claim, mojibake[0].llr) == ("quality", "unknown", 0.0)
    assert mojibake[0].detail.startswith("mojibake 0.349 > 0")


@pytest.mark.parametrize(
    ("drop", "dropped"),
    [
        (["gate"], [False, False, True]),
        (["digits"], [False, True, False]),
        (["mojibake", "digits"], [False, True, True]),
        (["bullets"], [False, False, False]),
    ],
)
def test_rules_drop_what_breaks_them(reference, three, drop, dropped):
    assert judged(reference, three, drop=drop).dropped.tolist() == dropped


def test_a_threshold_of_the_model_counts_where_there_is_a_probability(reference, three):
    three[0, MODEL], three[1, MODEL] = 199, 255
    assert judged(reference, three, threshold=0.79).passed.tolist() == [False, True, False]


def test_nothing_is_said_of_what_has_no_signals(reference):
    documents = pa.table({"language": pa.nulls(2, pa.string()), "quality": pa.nulls(2, QUALITY)})
    found = judge_quality(documents, reference, make_config({"quality": {"drop": ["gate"]}}))
    assert found.passed.all() and not found.dropped.any()
    empty = judge_quality(documents[:0], reference, make_config({}))
    assert len(empty.passed) == len(empty.evidence) == 0


def test_what_is_dropped_is_rejected_and_leads_nothing():
    verdict = np.array([ACCEPT, FILL, HOLD, REJECT, ACCEPT], np.int8)
    reason = np.array([None, None, "suspect", "detector", None], object)
    found = reject_poor(Verdicts(verdict, reason, np.ones(5)), np.array([True, True, True, True, False]))
    assert found.verdict.tolist() == [REJECT, REJECT, REJECT, REJECT, ACCEPT]
    assert found.reason.tolist() == ["quality", "quality", "quality", "detector", None]


def test_unknown_rules_are_told():
    with pytest.raises(UsageError, match="mojibake"):
        make_config({"quality": {"drop": ["mojibak"]}})
