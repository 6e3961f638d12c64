from datetime import date, datetime, timezone

import numpy as np
import pyarrow as pa
import pytest

from curate.config import make_config
from curate.provenance.evidence import from_lists
from curate.provenance.lineage import lineage_evidence, microseconds
from curate.provenance.origin import REAL, UNKNOWN, own_class, prior
from curate.schema import TIMESTAMP

CUTOFF = datetime(2022, 11, 30, tzinfo=timezone.utc)


def config(**provenance):
    return make_config({"provenance": provenance})


def seen(table, settings=None):
    return [
        [(e.kind, e.claim, e.llr) for e in row] for row in from_lists(lineage_evidence(table, settings or config()))
    ]


def test_capture_date_is_exact_to_the_microsecond():
    before = CUTOFF.replace(day=29, hour=23, minute=59, second=59, microsecond=999_999)
    table = pa.table({"timestamp": pa.array([before, CUTOFF, None], TIMESTAMP)})
    assert seen(table) == [[("capture_date", "human", 0.0)], [], []]
    assert from_lists(lineage_evidence(table, config()))[0][0].detail == "2022-11-29"


def test_declared_date_counts_only_without_a_capture_before_the_cutoff():
    old, new = datetime(2019, 1, 1, tzinfo=timezone.utc), datetime(2024, 1, 1, tzinfo=timezone.utc)
    table = pa.table(
        {"timestamp": pa.array([old, new, None], TIMESTAMP), "published": pa.array([old, old, new], TIMESTAMP)}
    )
    assert [[kind for kind, _, _ in row] for row in seen(table)] == [["capture_date"], ["declared_date"], []]


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("human", ("human", -0.5)),
        (" Human ", ("human", -0.5)),
        ("synthetic", ("synthetic", 5.0)),
        ("AI", ("synthetic", 5.0)),
        ("machine", ("synthetic", 5.0)),
        ("machine_generated", ("synthetic", 5.0)),
        ("mixed", ("mixed", 1.0)),
        ("procedural", ("procedural", 0.0)),
        ("unknown", None),
        ("", None),
        ("gibberish", None),
        (None, None),
    ],
)
def test_origin_column(claim, expected):
    rows = seen(pa.table({"origin_claim": pa.array([claim], pa.string())}))
    assert rows == [[("origin_column", *expected)] if expected else []]


def test_trusted_origin_and_listed_sources_are_overrides():
    table = pa.table({"source": ["gazette", "bot", "web", None], "origin_claim": ["synthetic", None, "human", "human"]})
    listed = config(human_sources=["gazette"], synthetic_sources=["bot"])
    assert seen(table, listed) == [
        [("source_list", "human", -8.0), ("origin_column", "synthetic", 8.0)],
        [("source_list", "synthetic", 8.0)],
        [("origin_column", "human", -0.5)],
        [("origin_column", "human", -0.5)],
    ]
    assert seen(table, config(trust_origin=True))[2] == [("origin_column", "human", -8.0)]


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array([datetime(2020, 1, 1)], pa.timestamp("ms")), 1_577_836_800_000_000),
        (pa.array([datetime(2020, 1, 1)], pa.timestamp("s", tz="UTC")), 1_577_836_800_000_000),
        (pa.array([datetime(2020, 1, 1)], pa.timestamp("ns")), 1_577_836_800_000_000),
        (pa.array([date(2020, 1, 1)], pa.date32()), 1_577_836_800_000_000),
        (pa.array([date(2020, 1, 1)], pa.date64()), 1_577_836_800_000_000),
        (pa.array([datetime(1, 1, 1)], pa.timestamp("us")), -62_135_596_800_000_000),
        (pa.array([2**62], pa.int64()).cast(pa.timestamp("s")), (2**63 - 1) // 10**6 * 10**6),
        (pa.array([-(2**62)], pa.int64()).cast(pa.timestamp("s")), -((2**63 - 1) // 10**6) * 10**6),
        (pa.array([None], pa.timestamp("s")), None),
        (pa.nulls(1), None),
    ],
)
def test_microseconds(array, expected):
    assert microseconds(pa.table({"t": array}), "t").to_pylist() == [expected]


def test_year_bounds_and_missing_columns():
    years = pa.array([datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_999)], pa.timestamp("us"))
    assert [len(row) for row in seen(pa.table({"timestamp": years}))] == [1, 0]
    assert seen(pa.table({"id": ["a"]})) == [[]]
    assert seen(pa.table({"timestamp": pa.array([], TIMESTAMP)})) == []


def test_rows_do_not_depend_on_their_neighbours():
    table = pa.table(
        {
            "source": ["a", None, "b"] * 20,
            "timestamp": pa.array([datetime(2000 + i % 30, 1, 1, tzinfo=timezone.utc) for i in range(60)], TIMESTAMP),
            "origin_claim": ["human", "ai", None, "mixed"] * 15,
        }
    )
    order = np.random.default_rng(0).permutation(60)
    settings = config(human_sources=["a"])
    rows = seen(table, settings)
    assert seen(table.take(pa.array(order)), settings) == [rows[i] for i in order]


def test_sources_have_their_own_rules():
    rules = {
        "press": {"origin": "human", "capture_cutoff": "2020-01-01", "rights": "constrained"},
        "lab": {"origin": "mixed", "reliability": 0.5},
        "maps": {"origin": "procedural"},
        "wild": {"reliability": 0.4},
    }
    year = datetime(2021, 6, 1, tzinfo=timezone.utc)
    table = pa.table(
        {
            "source": ["press", "lab", "maps", "wild", "other", None],
            "origin_claim": [None, None, None, "ai", "ai", None],
            "timestamp": pa.array([year] * 5 + [None], TIMESTAMP),
        }
    )
    capture = ("capture_date", "human", 0.0)
    assert seen(table, config(sources=rules)) == [
        [("source_list", "human", -8.0), ("source_rights", "constrained", 0.0)],
        [capture, ("source_list", "mixed", 0.0)],
        [capture, ("source_list", "procedural", 0.0)],
        [capture, ("origin_column", "synthetic", 2.0)],
        [capture, ("origin_column", "synthetic", 5.0)],
        [],
    ]


def test_a_capture_beats_a_declared_date():
    old, new = datetime(2019, 1, 1, tzinfo=timezone.utc), datetime(2024, 1, 1, tzinfo=timezone.utc)
    table = pa.table({"timestamp": pa.array([old, new], TIMESTAMP), "published": pa.array([new, old], TIMESTAMP)})
    assert own_class(table, config()).own_class.tolist() == [REAL, UNKNOWN]
    assert prior(table, config()).tolist() == [0.01, 0.1]


def test_licences_and_parents():
    table = pa.table({"license": ["CC-BY-4.0 ", "cc-by-nc-4.0", "mit", None], "parent": ["a", None, None, "d"]})
    settings = config(licenses={"cc-by-4.0": "allow", "CC-BY-NC-4.0": "deny"})
    assert seen(table, settings) == [
        [("parent", "unknown", 0.0), ("license", "allow", 0.0)],
        [("license", "deny", 0.0)],
        [],
        [("parent", "unknown", 0.0)],
    ]
