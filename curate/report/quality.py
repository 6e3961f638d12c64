"""Whom rules of quality take documents from: by rule, language and cluster, with an alarm.

Filters of quality have cost small languages much of their text, unseen, since few of all documents are theirs. So the
removal rate of each is held against that of all others together. The rates of documents by people are told besides:
limits let one in 200 of them break a rule, wherever there are enough to tell.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy

from curate.decisions.quality import REASON
from curate.provenance.evidence import QUALITY, list_lengths, one_chunk
from curate.provenance.origin import SYNTHETIC
from curate.quality.catalogue import GATE
from curate.report.tables import ROWS_LISTED, share

JsonDict = dict[str, Any]

DIMENSIONS = ("language", "cluster")
ALL = "all"
FACTOR, LEAST, CHANCE = 3, 5, 0.01
"""Alarm: this many times the rate of the others and this many documents at least, less likely by chance than this."""

_TEXTS, _PEOPLE, _BROKEN, _PEOPLE_BROKEN, _REMOVED = "documents", "people", "broken", "people_broken", "removed"


@dataclass(frozen=True)
class QualityCounts:
    """Counts of texts that are not declared synthetic, of any part of a ledger.

    Attributes:
        counts: (dimension, value, rule, what) → documents; the rule is "" for those of all texts.
    """

    counts: Counter[tuple[str, Any, str, str]] = field(default_factory=Counter)

    @staticmethod
    def of(ledger: pa.Table) -> "QualityCounts":
        """Counts over finished documents (`curate.decisions.mixing.FINISHED`)."""
        texts = ledger.filter(pc.and_(ledger["tokens"].is_valid(), pc.not_equal(ledger["own"], SYNTHETIC)))
        removed = pc.fill_null(pc.equal(texts["reason"], REASON), False)
        rows = pa.table(
            {name: texts[name] for name in DIMENSIONS}
            | {
                ALL: pa.repeat(ALL, texts.num_rows),
                "people": pc.equal(texts["tier"], "trusted_human").fill_null(False).cast(pa.int64()),
                "removed": removed.cast(pa.int64()),
            }
        )
        evidence = one_chunk(texts["evidence"])
        items = evidence.flatten()
        broken = rows.take(pa.array(np.repeat(np.arange(len(evidence)), list_lengths(evidence))))
        broken = broken.append_column("rule", pc.struct_field(items, "kind"))
        broken = broken.filter(pc.equal(pc.struct_field(items, "family"), QUALITY))
        counts: Counter[tuple[str, Any, str, str]] = Counter()
        for name in (ALL, *DIMENSIONS):
            for row in _sums(rows, [name]):
                counts[name, row[name], "", _TEXTS] += row["count_all"]
                counts[name, row[name], "", _PEOPLE] += row["people_sum"]
            for row in _sums(broken, [name, "rule"]):
                counts[name, row[name], row["rule"], _BROKEN] += row["count_all"]
                counts[name, row[name], row["rule"], _PEOPLE_BROKEN] += row["people_sum"]
                counts[name, row[name], row["rule"], _REMOVED] += row["removed_sum"]
        return QualityCounts(+counts)

    def merge(self, other: "QualityCounts") -> "QualityCounts":
        """The counts of both parts."""
        return QualityCounts(self.counts + other.counts)

    def to_dict(self) -> JsonDict:
        """Plain JSON types."""
        return {"counts": [[*key, count] for key, count in sorted(self.counts.items(), key=str)]}

    @staticmethod
    def from_dict(values: JsonDict) -> "QualityCounts":
        """Reads what `to_dict` gave."""
        return QualityCounts(Counter({tuple(key): count for *key, count in values["counts"]}))

    def table(self, drop: Sequence[str]) -> JsonDict:
        """What the report says: `rules`, and for `languages` and `clusters` each of them, alarms and high rates first.

        Args:
            drop: rules that drop what breaks them; the gate is told of whether it drops or not.
        """
        rules = dict.fromkeys((*drop, GATE))
        rows = {name: self._rows(name, list(rules), drop) for name in DIMENSIONS}
        return {
            "rules": [row for rule in rules for row in self._rows(ALL, [rule], drop)],
            "languages": rows["language"][:ROWS_LISTED],
            "clusters": rows["cluster"][:ROWS_LISTED],
            "alarms": sum(row["alarm"] for found in rows.values() for row in found),
        }

    def _rows(self, name: str, rules: Sequence[str], drop: Sequence[str]) -> list[JsonDict]:
        texts = (key for key in self.counts if (key[0], *key[2:]) == (name, "", _TEXTS))
        values = [value for _, value, _, _ in texts]
        rows = []
        for rule in rules:
            drops, whole = rule in drop, self._row(ALL, ALL, rule, rule in drop)
            for value in values:
                row = self._row(name, value, rule, drops)
                others = share(whole[_REMOVED] - row[_REMOVED], whole[_TEXTS] - row[_TEXTS])
                row |= {"others_share": others, "alarm": name != ALL and _alarming(row, others or 0.0)}
                if row[_BROKEN] or name == ALL:
                    rows.append(row)
        rows.sort(key=lambda row: (not row["alarm"], -row["share"], -row[_BROKEN], str(row[name]), row["rule"]))
        return rows

    def _row(self, name: str, value: Any, rule: str, drops: bool) -> JsonDict:
        of = {what: self.counts[name, value, "", what] for what in (_TEXTS, _PEOPLE)}
        of |= {what: self.counts[name, value, rule, what] for what in (_BROKEN, _PEOPLE_BROKEN)}
        of[_REMOVED] = self.counts[name, value, rule, _REMOVED] if drops else 0
        row = {name: value, "rule": rule, "drops": drops, **of, "share": share(of[_REMOVED], of[_TEXTS]) or 0.0}
        return row | {"broken_share": share(of[_BROKEN], of[_TEXTS])}


def _alarming(row: JsonDict, others: float) -> bool:
    """Whether a rule takes much more of a language or a cluster than of the others, by more than chance."""
    if row[_REMOVED] < LEAST:
        return False
    return bool(scipy.special.bdtrc(row[_REMOVED] - 1, row[_TEXTS], min(FACTOR * others, 1.0)) < CHANCE)


def _sums(rows: pa.Table, names: list[str]) -> list[JsonDict]:
    sums = rows.group_by(names, use_threads=False).aggregate([([], "count_all"), ("people", "sum"), ("removed", "sum")])
    found: list[JsonDict] = sums.to_pylist()
    return found
