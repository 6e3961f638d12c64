"""What the accepted real documents of each cluster look like, as far as the ledger tells without their texts."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.hashing import hash_strings
from curate.report.bounded import Lowest
from curate.report.mixture import MACHINE
from curate.report.summary import EXAMPLES_MOST

LENGTHS = np.unique(np.ceil(2.0 ** (np.arange(8 * 31) / 8)).astype(np.int64))
"""Lower edges of the bins that lengths in tokens are counted in: single up to 11, then eight to the octave."""

QUANTILES = {"p10": 0.1, "median": 0.5, "p90": 0.9}

NO_STYLE: dict[str, Any] = {"tokens": dict.fromkeys(QUANTILES), "languages": []}
"""What is said of a cluster without documents."""

JsonDict = dict[str, Any]


@dataclass(frozen=True)
class ClusterStyles:
    """Kept documents not judged machine-made, by cluster. Mergeable.

    Attributes:
        counts: (cluster, language or None, bin of `LENGTHS`) → documents.
        examples: cluster → (hash of the id, id), the lowest hashes.
    """

    counts: Counter[tuple[int, str | None, int]] = field(default_factory=Counter)
    examples: Lowest = field(default_factory=lambda: Lowest(EXAMPLES_MOST))

    @staticmethod
    def of(ledger: pa.Table, examples: int) -> "ClusterStyles":
        """Looks over finished documents.

        Args:
            ledger: n rows with the columns of `curate.schema.LEDGER`.
            examples: ids kept per cluster.
        """
        kept = pc.and_(pc.equal(ledger["decision"], "kept"), pc.is_valid(ledger["cluster"]))
        real = pc.invert(pc.is_in(ledger["origin"], value_set=pa.array(MACHINE)))
        rows = ledger.filter(pc.and_(kept, real)).select(["id", "cluster", "language", "tokens"])
        lengths = np.searchsorted(LENGTHS, rows["tokens"].fill_null(0).to_numpy(), side="right") - 1
        table = rows.append_column("length", pa.array(np.maximum(lengths, 0)))
        sums = table.group_by(["cluster", "language", "length"]).aggregate([("length", "count")])
        keys = zip(*(sums[name].to_pylist() for name in ("cluster", "language", "length")), strict=True)
        found = ClusterStyles(Counter(dict(zip(keys, sums["length_count"].to_pylist(), strict=True))), Lowest(examples))
        ids = pa.table({"value": pa.array(hash_strings(rows["id"])), "id": rows["id"]})
        found.examples.add([rows["cluster"]], ids)
        return found

    def merge(self, other: "ClusterStyles") -> "ClusterStyles":
        """The styles of both parts."""
        return ClusterStyles(self.counts + other.counts, self.examples.merge(other.examples))

    def describe(self) -> dict[int, JsonDict]:
        """What is known of every cluster that has documents.

        `tokens` are quantiles of the length, at most 9 % below the true ones; `languages` a list of
        {language, documents}, the most frequent first.
        """
        languages: dict[int, Counter[str | None]] = defaultdict(Counter)
        lengths: dict[int, NDArray[np.int64]] = defaultdict(lambda: np.zeros(len(LENGTHS), dtype=np.int64))
        for (cluster, language, length), documents in self.counts.items():
            languages[cluster][language] += documents
            lengths[cluster][length] += documents
        return {
            cluster: {
                "tokens": {name: _quantile(lengths[cluster], share) for name, share in QUANTILES.items()},
                "languages": [
                    {"language": language, "documents": documents}
                    for language, documents in sorted(found.items(), key=lambda item: (-item[1], item[0] or ""))
                ],
            }
            for cluster, found in languages.items()
        }

    def to_dict(self) -> JsonDict:
        """Plain JSON types; equal styles give equal values in equal order."""
        ordered = sorted(self.counts.items(), key=lambda item: (item[0][0], item[0][1] or "", item[0][2]))
        return {
            "counts": [[*key, documents] for key, documents in ordered],
            "limit": self.examples.limit,
            "examples": [[cluster, entries] for cluster, entries in sorted(self.examples.entries.items())],
        }

    @staticmethod
    def from_dict(values: JsonDict) -> "ClusterStyles":
        """Reads what `to_dict` gave."""
        counts = Counter({(cluster, language, length): n for cluster, language, length, n in values["counts"]})
        entries = {cluster: [tuple(entry) for entry in found] for cluster, found in values["examples"]}
        return ClusterStyles(counts, Lowest(values["limit"], entries))


def _quantile(lengths: NDArray[np.int64], share: float) -> int:
    total = np.cumsum(lengths)
    return int(LENGTHS[np.searchsorted(total, share * total[-1])])
