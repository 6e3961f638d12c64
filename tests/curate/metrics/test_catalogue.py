import pytest

from curate.metrics.catalogue import ALERT, BY_NAME, COUNTED, METRICS, OK, UNKNOWN, WARN, change, status, worst_status
from curate.metrics.parts import Measured

BAND = (0.9, 1.1)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("distinct_1", 1.04, OK),  # within the band
        ("distinct_1", 1.12, WARN),  # outside, 12 %
        ("distinct_1", 0.88, WARN),  # the other side
        ("distinct_1", 0.80, ALERT),
        ("distinct_1", 1.20, ALERT),
        ("surprise", 0.899, WARN),
        ("heaps", 1.12, WARN),  # 0.12 more, over twice the tolerance
        ("heaps", 1.16, ALERT),
        ("hapax", 0.899, WARN),
        ("coverage_1", 1.101, WARN),
        ("vendi", 1.5, OK),  # more kinds of documents are no collapse
        ("vendi", 0.7, ALERT),
        ("tail_1", 1.5, OK),
        ("tail_1", 0.89, WARN),
        ("templates", 1.45, OK),  # less than half as many again
        ("templates", 1.55, WARN),
        ("templates", 0.1, OK),
        ("smooth", 1.9, OK),  # twice the nominal share
        ("smooth", 2.1, WARN),
    ],
)
def test_status(name, value, expected):
    assert status(BY_NAME[name], Measured(value, 10, BAND, None, 1.0)) == expected


def test_outside_the_band_alone_is_not_enough_nor_is_size():
    assert status(BY_NAME["distinct_1"], Measured(1.03, 10, (0.99, 1.01), 9.0, 1.0)) == OK
    assert status(BY_NAME["distinct_1"], Measured(2.0, 10, (0.0, 3.0), 1.0, 1.0)) == OK
    assert status(BY_NAME["distinct_1"], Measured(2.0, 10, None, None, 1.0)) == OK
    assert status(BY_NAME["distinct_1"], Measured(None, 0)) == OK


def test_change_is_relative_or_absolute_and_finite():
    assert change(BY_NAME["distinct_1"], Measured(0.6, 1, baseline=0.5)) == pytest.approx(0.2)
    assert change(BY_NAME["heaps"], Measured(0.6, 1, baseline=0.5)) == pytest.approx(0.1)
    assert change(BY_NAME["zipf_head"], Measured(-1.2, 1, baseline=-1.0)) == pytest.approx(-0.2)
    assert change(BY_NAME["templates"], Measured(0.1, 1, baseline=0.0)) == pytest.approx(10.0)
    assert change(BY_NAME["distinct_1"], Measured(0.6, 1)) is None


def test_names_are_told_apart_and_panels_exist():
    names = [metric.name for metric in (*METRICS, *COUNTED)]
    assert len(set(names)) == len(names)
    assert {metric.panel for metric in (*METRICS, *COUNTED)} <= {"Mix", "Tail", "Diversity", "Integrity"}


def test_worst_status():
    rows = [{"slices": {"accepted": {"status": each, "band": [0, 1]}}} for each in (OK, ALERT, WARN)]
    assert worst_status(rows) == ALERT and worst_status(rows[:1]) == OK
    alone = {"slices": {"accepted": {"status": OK, "band": None}}}
    assert worst_status([alone, rows[2]]) == WARN
    other = {"slices": {"suspected": {"status": ALERT, "band": [0, 1]}}}
    assert {worst_status([]), worst_status([alone]), worst_status([other])} == {UNKNOWN}
