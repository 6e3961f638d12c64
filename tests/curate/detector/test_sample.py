import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.detector import sample as module
from curate.detector.calibration import Calibration
from curate.detector.groups import group_names
from curate.detector.sample import CalibrationSample

rows = st.lists(
    st.tuples(
        st.sampled_from(["en", "de", None]),
        st.sampled_from(["web", None]),
        st.integers(0, 1200),
        st.sampled_from([0, 1, None]),
        st.floats(-4, 4, width=32) | st.just(float("nan")),
    ),
    max_size=40,
)


def collect(rows, start=0):
    columns = list(zip(*rows, strict=True)) or [()] * 5
    return CalibrationSample.collect(
        group_names(
            pa.array(columns[0], pa.string()),
            pa.array(columns[1], pa.string()),
            np.array(columns[2], np.int32),
            pa.array(columns[3], pa.int32()),
        ),
        np.array(columns[4], np.float32),
        np.arange(start, start + len(rows), dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15),
    )


def plain(sample):
    return {name: (keys.tolist(), values.tolist()) for name, keys, values in sample.groups(1)}


@given(rows, rows, rows)
@settings(max_examples=40, deadline=None)
def test_merge_is_associative_commutative_idempotent(first, second, third):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_MOST_SCORES", 7)
        patch.setattr(module, "_MOST_CLUSTER_SCORES", 3)
        a, b, c = collect(first), collect(second, 100), collect(third, 200)
        whole = plain(a.merge(b).merge(c))
        assert whole == plain(a.merge(b.merge(c))) == plain(c.merge(a).merge(b))
        assert plain(a.merge(a)) == plain(a)
        assert whole == plain(a.merge(b).merge(c).merge(b))
        assert all(len(values) <= (3 if "/cluster-" in name else 7) for name, (_, values) in whole.items())


def test_collect_names_groups():
    sample = collect([("en", "web", 300, 4, 0.5), (None, None, 60, None, 0.1), ("de", "web", 60, 1, float("nan"))])
    assert [name for name, _, _ in sample.groups(1)] == [
        "en", "en/source-web", "en/source-web/200-500", "en/source-web/cluster-4", "und", "und/50-100",
    ]  # fmt: skip


def test_small_parts_of_a_language_are_left_out():
    sample = collect([("en", "a" if i < 19 else "b", 300, None, float(i)) for i in range(39)])
    assert set(sample.calibrate(seed=1).scores) == {"en", "en/source-b", "en/source-b/200-500"}


def test_calibration_round_trip():
    draw = np.random.default_rng(1)
    sample = collect([("en", None, 300, i % 3, float(s)) for i, s in enumerate(draw.normal(size=500))])
    calibration = sample.calibrate(seed=1)
    again = Calibration.from_dict(json.loads(json.dumps(calibration.to_dict())))
    assert again.id == calibration.id
    assert again.to_dict() == calibration.to_dict()
    assert sample.calibrate(seed=2).id != calibration.id
    assert calibration.documents("en") == 500 and 350 < len(calibration.scores["en"]) < 450
    assert (np.diff(calibration.human("en")) >= 0).all()
    np.testing.assert_array_equal(again.scores["en"], calibration.scores["en"])


def test_keys_that_differ_in_score_keep_the_lower_one():
    names = group_names(pa.array(["en"] * 3), pa.nulls(3, pa.string()), np.full(3, 60), pa.nulls(3, pa.int32()))
    sample = CalibrationSample.collect(names, np.array([3, 1, 2], np.float32), np.array([7, 7, 8], np.uint64))
    assert plain(sample)["en"] == ([7, 8], [1, 2])


def test_a_source_for_every_document_calibrates_the_language_alone():
    sample = collect([("en", f"s{n}", 300, n, float(n)) for n in range(3_000)])
    assert set(sample.calibrate(seed=1).scores) == {"en"}
