"""The slices of a corpus that metrics compare, and their sums by cluster and source over all documents."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

SLICES = ("human", "accepted", "input", "suspected")
HUMAN, ACCEPTED, INPUT, SUSPECTED = SLICES
"""Trusted human documents, without copies; what the built corpus holds; everything read; suspected machine text."""

_MACHINE_TIERS = ("likely_synthetic", "declared_synthetic")
_MACHINE_REASONS = ("suspect", "detector", "declared", "copy_of_synthetic")

SUMS = pa.schema(
    [
        ("cluster", pa.int32()),
        ("source", pa.string()),
        *((f"{name}_documents", pa.int64()) for name in SLICES),
        *((f"{name}_tokens", pa.int64()) for name in SLICES),  # of accepted documents with their copies
    ]
)

Members = Mapping[str, NDArray[np.bool_]]


def slices_of(ledger: pa.Table) -> dict[str, NDArray[np.bool_]]:
    """Which documents belong to each slice.

    Copies of human documents are not in the human slice: what comes in many times says nothing of how people write.

    Args:
        ledger: n rows with the columns of `curate.schema.LEDGER`.
    """

    def among(name: str, values: Sequence[str]) -> NDArray[np.bool_]:
        return pc.is_in(ledger[name], value_set=pa.array(values, pa.string())).to_numpy().astype(bool)

    text = (ledger["tokens"].fill_null(0).to_numpy() > 0) & ~among("stage", ["read"])
    machine = among("tier", _MACHINE_TIERS) | among("reason", _MACHINE_REASONS) | among("origin", ["synthetic"])
    return {
        HUMAN: text & among("tier", ["trusted_human"]) & ~among("stage", ["dedupe"]),
        ACCEPTED: text & among("decision", ["kept"]) & (ledger["copies"].fill_null(0).to_numpy() > 0),
        INPUT: text,
        SUSPECTED: text & machine,
    }


@dataclass(frozen=True, eq=False)
class SliceSums:
    """Sums of every slice; merging is associative and commutative.

    Attributes:
        table: `SUMS`, one row for each cluster and source that has documents, sorted.
        months: (source, month as YYYY-MM) → documents read, where both are known.
    """

    table: pa.Table = field(default_factory=SUMS.empty_table)
    months: Counter[tuple[str, str]] = field(default_factory=Counter)

    @staticmethod
    def of(ledger: pa.Table, members: Members | None = None) -> "SliceSums":
        """Sums over documents.

        Args:
            ledger: n rows with the columns of `curate.decisions.mixing.FINISHED` that say what a document is, where it
                is from, and how often it is there: cluster, source, timestamp, tokens, copies.
            members: slice → bool[n]; None for those of `slices_of`.
        """
        members = slices_of(ledger) if members is None else members
        tokens = ledger["tokens"].fill_null(0).to_numpy().astype(np.int64)
        copies = ledger["copies"].fill_null(0).to_numpy().astype(np.int64)
        sums = {name: tokens * member * (copies if name == ACCEPTED else 1) for name, member in members.items()}
        columns = {
            "cluster": ledger["cluster"],
            "source": ledger["source"],
            **{f"{name}_documents": member.astype(np.int64) for name, member in members.items()},
            **{f"{name}_tokens": values for name, values in sums.items()},
        }
        table = pa.table(columns, schema=SUMS).filter(pa.array(members[INPUT]))
        months = pa.table(
            {"source": ledger["source"], "month": pc.strftime(ledger["timestamp"], format="%Y-%m")}
        ).filter(pa.array(members[INPUT]))
        counted = months.drop_null().group_by(["source", "month"]).aggregate([([], "count_all")])
        keys = zip(counted["source"].to_pylist(), counted["month"].to_pylist(), strict=True)
        return SliceSums(_summed(table), Counter(dict(zip(keys, counted["count_all"].to_pylist(), strict=True))))

    def merge(self, other: "SliceSums") -> "SliceSums":
        """The sums of both parts."""
        return SliceSums(_summed(pa.concat_tables([self.table, other.table])), self.months + other.months)

    def by(self, dimension: str, values: str) -> dict[Any, int]:
        """A column summed by cluster or source, those that are null left out."""
        sums = self.table.group_by(dimension).aggregate([(values, "sum")])
        pairs = zip(sums[dimension].to_pylist(), sums[f"{values}_sum"].to_pylist(), strict=True)
        return {key: value for key, value in pairs if key is not None}

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "rows": [list(row.values()) for row in self.table.to_pylist()],
            "months": [[*key, number] for key, number in sorted(self.months.items())],
        }

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "SliceSums":
        """Reads what `to_dict` gave."""
        columns: list[Any] = list(zip(*values["rows"], strict=True)) or [[]] * len(SUMS)
        arrays = [pa.array(column, kind.type) for column, kind in zip(columns, SUMS, strict=True)]
        months = Counter({(source, month): number for source, month, number in values["months"]})
        return SliceSums(pa.table(arrays, schema=SUMS), months)


def _summed(table: pa.Table) -> pa.Table:
    keys, names = SUMS.names[:2], SUMS.names[2:]
    totals = table.group_by(keys, use_threads=False).aggregate([(name, "sum") for name in names])
    columns = [*(totals[key] for key in keys), *(totals[f"{name}_sum"] for name in names)]
    return pa.table(columns, schema=SUMS).sort_by([(key, "ascending") for key in keys]).combine_chunks()
