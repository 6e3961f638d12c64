"""Counters and distributions, all under one namespace; Beam tells them apart by the labels of the steps."""

import pyarrow as pa
from apache_beam.metrics import Metrics
from apache_beam.metrics.metricbase import Counter, Distribution

NAMESPACE = "curate"


def counter(name: str) -> Counter:
    """A counter of the namespace."""
    return Metrics.counter(NAMESPACE, name)


def distribution(name: str) -> Distribution:
    """A distribution of the namespace, of integers."""
    return Metrics.distribution(NAMESPACE, name)


def count_decisions(decided: pa.Table) -> None:
    """Counts rows of a ledger by decision, and those that are not kept by reason too, as in `dropped.near`."""
    groups = decided.group_by(["decision", "reason"], use_threads=False).aggregate([([], "count_all")])
    for row in groups.to_pylist():
        counter(row["decision"]).inc(row["count_all"])
        if row["reason"] is not None:
            counter(f"{row['decision']}.{row['reason']}").inc(row["count_all"])
