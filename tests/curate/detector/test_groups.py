import numpy as np
import pyarrow as pa

from curate.detector.groups import cluster_of, group_names, is_language, length_bins


def test_length_bins():
    assert length_bins(np.array([0, 49, 50, 99, 100, 200, 500, 999, 1000, 10**6])).to_pylist() == [
        "0-50", "0-50", "50-100", "50-100", "100-200", "200-500", "500-1000", "500-1000", "1000+", "1000+",
    ]  # fmt: skip


def test_names_from_special_to_general():
    names = group_names(
        pa.array(["en", "en", None, "a/b"]),
        pa.array(["web", None, "web", "x/cluster-9"]),
        np.array([60, 60, 300, 300]),
        pa.array([3, 4, None, None], pa.int32()),
    )
    assert [level.to_pylist() for level in names] == [
        ["en/source-web/cluster-3", "en/cluster-4", None, None],
        ["en/source-web/50-100", "en/50-100", "und/source-web/200-500", "a-b/source-x-cluster-9/200-500"],
        ["en/source-web", None, "und/source-web", "a-b/source-x-cluster-9"],
        ["en", "en", "und", "a-b"],
    ]


def test_kinds_of_groups():
    assert is_language("en") and not is_language("en/50-100")
    assert [cluster_of(name) for name in ("en/source-web/cluster-3", "en/cluster-12", "en/source-web", "en")] == [
        3, 12, None, None,
    ]  # fmt: skip
