import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.comparison.changes import PLAIN, POINTS, counted, estimated, judged, measured

numbers = st.floats(-5, 5, allow_nan=False)


@pytest.mark.parametrize(
    ("before", "after", "noise", "status", "relative", "bands"),
    [
        (1.0, 1.0, 0.1, "ok", 0.0, 0.0),
        (1.0, 1.04, 0.01, "ok", 0.04, 4.0),  # beyond chance, but small
        (1.0, 1.1, 0.2, "ok", 0.1, 0.5),  # large, but chance
        (1.0, 1.1, 0.05, "warn", 0.1, 2.0),
        (1.0, 0.9, 0.05, "warn", -0.1, -2.0),
        (1.0, 1.16, 0.05, "alert", 0.16, 3.2),
        (1.0, 0.84, 0.05, "alert", -0.16, -3.2),
        (-1.0, -0.84, 0.05, "alert", 0.16, 3.2),
        (0.0, 0.02, 0.001, "alert", 2.0, 20.0),
        (0.0, 0.0, 0.0, "ok", 0.0, None),
        (1.0, 1.1, 0.0, "warn", 0.1, None),
    ],
)
def test_a_change_counts_if_it_is_more_than_chance_and_large(before, after, noise, status, relative, bands):
    change = judged(PLAIN, before, after, noise)
    assert change == {
        "difference": pytest.approx(after - before),
        "relative": pytest.approx(relative),
        "bands": bands if bands is None else pytest.approx(bands),
        "status": status,
    }


@pytest.mark.parametrize(("before", "after", "noise"), [(None, 1.0, 0.1), (1.0, None, 0.1), (1.0, 2.0, None)])
def test_what_is_not_known_is_not_judged(before, after, noise):
    change = judged(PLAIN, before, after, noise)
    assert change["status"] is None and change["bands"] is None and change["relative"] is None
    assert change["difference"] == (1.0 if noise is None else None)


def test_points_are_judged_as_they_are():
    assert [judged(POINTS, 0.0, after, 0.001)["status"] for after in (0.04, 0.06, 0.16)] == ["ok", "warn", "alert"]
    assert judged(POINTS, 0.0, 0.06, 0.001)["relative"] is None


@pytest.mark.parametrize(
    ("kind", "before", "after", "n", "noise"),
    [
        ("share", 0.1, 0.1, (1000, 1000), 3 * (202 / 1000**2) ** 0.5),
        ("share", 0.0, 0.0, (1000, 1000), 3 * (2 / 1000**2) ** 0.5),
        ("share", 0.1, 0.1, (0, 1000), None),
        ("share", None, 0.1, (1000, 1000), None),
        ("number", 40.0, 44.0, (900, 900), 3 * 42 * (2 / 900) ** 0.5),
    ],
)
def test_noise_of_what_was_counted(kind, before, after, n, noise):
    assert counted(kind, before, after, n) == (noise if noise is None else pytest.approx(noise))


def test_a_few_documents_say_little():
    """None of three where there were 16 of 1,000 is chance, as is one of three; none of 3,000 is not."""
    for after, n in ((0.0, 3), (1 / 3, 3), (0.0, 3_000)):
        noise = counted("share", 0.016, after, (1_000, n))
        assert judged(PLAIN, 0.016, after, noise)["status"] == ("ok" if n == 3 else "alert")


def test_noise_of_an_estimate_is_that_of_the_sides_that_face_each_other():
    rising = estimated(0.2, (0.1, 0.23), 0.5, (0.46, 0.9))
    assert rising == pytest.approx(3 / 1.96 * 0.05)  # of 0.03 above the first and 0.04 below the last
    assert estimated(0.5, (0.46, 0.9), 0.2, (0.1, 0.23)) == pytest.approx(rising)
    assert estimated(0.2, None, 0.5, (0.4, 0.6)) is None
    assert estimated(0.2, (0.1, None), 0.5, (0.4, 0.6)) is None


def test_half_a_band_is_its_wider_side():
    assert measured(0.02, (0.0, 0.05), 1.0) == pytest.approx(0.03)
    assert measured(0.5, (0.4, 0.6), 0.5) == pytest.approx(0.2)
    assert measured(0.5, None, 1.0) is None


@given(numbers, numbers, st.floats(1e-3, 10))
def test_the_other_way_round_a_change_is_the_negative(before, after, noise):
    there, back = judged(PLAIN, before, after, noise), judged(PLAIN, after, before, noise)
    assert there["difference"] == -back["difference"]
    assert there["bands"] == -back["bands"]


@given(numbers, st.floats(0, 10))
def test_no_change_is_never_told(value, noise):
    assert judged(PLAIN, value, value, noise)["status"] == "ok"
