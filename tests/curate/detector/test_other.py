import math

import numpy as np
import pytest

from curate.config import make_config
from curate.detector.other import OtherDetector, detector_of, log_odds, unscored
from curate.errors import UsageError

LABELS = [{"label": "Real", "score": 0.8}, {"label": "Fake", "score": 0.2}]


class Tensor:
    """What of a PyTorch tensor is used."""

    def __init__(self, values):
        self._values = np.array(values, dtype=np.float32)

    def detach(self):
        return self

    def cpu(self):
        return self._values


@pytest.mark.parametrize(
    ("output", "machine", "expected"),
    [
        (2.5, 1, 2.5),
        (np.float32(-1.5), 1, -1.5),
        (np.array([[0.25]]), 1, 0.25),
        ([1.0, 3.0], 1, 2.0),
        (np.array([1.0, 3.0]), 0, -2.0),
        (np.array([0.0, 1.0, 2.0]), 2, 2.0 - math.log(1 + math.e)),
        (np.array([-400.0, 400.0], dtype=np.float32), 1, 800.0),
        (Tensor([1.0, 3.0]), 1, 2.0),
        ({"logits": Tensor([[1.0, 3.0]])}, 1, 2.0),
        (LABELS, "Fake", math.log(0.25)),
        (LABELS, "Real", math.log(4)),
        ([*LABELS, {"label": "Other", "score": 0.2}], "Fake", math.log(0.2)),
        ([{"label": "Real", "score": 0.0}, {"label": "Fake", "score": 1.0}], "Fake", 126 * math.log(2)),
    ],
)
def test_log_odds(output, machine, expected):
    assert log_odds(output, machine) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("output", "machine", "told"),
    [
        (object(), 1, "gave a object, expected logits"),
        ("Fake", 1, "gave a str"),
        ([1.0, 2.0], 2, "gave 2 logits, but machine is 2"),
        ([1.0, 2.0], "Fake", "gave 2 logits, but machine is 'Fake'"),
        ([], 1, "gave 0 logits"),
        (LABELS, 1, "gave the labels ['Fake', 'Real'], expected 1"),
        (LABELS, "fake", "expected 'fake'"),
        (LABELS[0], "Fake", "ask for all classes (top_k=None)"),
        (LABELS[1], "Fake", "ask for all classes (top_k=None)"),
        ({"generated_text": "x"}, "Fake", "expected a label and a score"),
        ([{"label": "Real", "score": -3.0}, {"label": "Fake", "score": 4.0}], "Fake", "expected probabilities"),
    ],
)
def test_outputs_that_are_not_understood(output, machine, told):
    with pytest.raises(UsageError) as error:
        log_odds(output, machine)
    assert told in str(error.value)


def test_texts_that_should_have_a_score():
    tokens, scores = np.array([49, 50, 50], np.int32), np.array([np.nan, np.nan, 0.0], np.float32)
    other = make_config({"synthetic": {"handler": "a:b"}})
    assert unscored(tokens, scores, other).tolist() == [False, True, False]
    assert not unscored(tokens, scores, make_config({})).any()


def test_nothing_is_known_of_another_detector():
    detector = detector_of(make_config({"synthetic": {"handler": "a:b"}}))
    assert detector == OtherDetector()
    assert detector.platt == (1.0, 0.0)
    assert len(detector.reference_scores("machine")) == 0
    assert detector_of(make_config({})).id.startswith("detector-")
