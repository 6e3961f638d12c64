"""Whether reviewers agree with the machine, and with each other."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from math import sqrt
from typing import Any

import pyarrow as pa

from curate.review.answers import VERDICTS, Answer, latest

JsonDict = dict[str, Any]

OVERRIDES_WARN = 0.2
"""Share of answers against the machine's verdict above which its calibration is in doubt."""

FOR, AGAINST = ("human", "keep"), ("synthetic", "drop")


def machine_wanted(row: Mapping[str, Any]) -> bool | None:
    """Whether the machine would have a document in the corpus; None where it has no verdict on its origin."""
    if row["decision"] == "kept":
        return True
    return False if row["stage"] == "synthetic" and row["reason"] not in ("conflict", "duplicate_of_held") else None


def overrides(ledger: pa.Table, verdicts: Mapping[str, str]) -> list[JsonDict]:
    """How often answers contradict the machine, by cluster.

    Args:
        ledger: columns id, decision, stage, reason and cluster of at least the documents that are answered; decided
            without the answers.
        verdicts: id → what most of the reviewers say of it.

    Returns:
        {cluster, answers (all), n (those to documents that the machine had a verdict on), overrides, rate, low, high
        (95 % Wilson interval)} by cluster, those without one last; the whole is in `total`.
    """
    cells: dict[int | None, list[int]] = {}
    for row in ledger.select(["id", "decision", "stage", "reason", "cluster"]).to_pylist():
        verdict = verdicts.get(row["id"])
        if verdict is None:
            continue
        cell = cells.setdefault(row["cluster"], [0, 0, 0])
        wanted = machine_wanted(row)
        cell[0] += 1
        cell[1] += wanted is not None
        cell[2] += wanted is not None and wanted != (verdict in FOR)
    order = sorted(cells, key=lambda cluster: (cluster is None, cluster or 0))
    return [{"cluster": cluster} | _rate(*cells[cluster]) for cluster in order]


def total(rows: Sequence[JsonDict]) -> JsonDict:
    """The same over all clusters."""
    return _rate(*(sum(row[name] for row in rows) for name in ("answers", "n", "overrides")))


def _rate(answers: int, n: int, overridden: int) -> JsonDict:
    low, high = wilson(overridden, n)
    rate = overridden / n if n else None
    return {"answers": answers, "n": n, "overrides": overridden, "rate": rate, "low": low, "high": high}


def wilson(found: int, n: int, z: float = 1.959964) -> tuple[float | None, float | None]:
    """The score interval of a share (Wilson, 1927), None without observations."""
    if not n:
        return None, None
    share, width = found / n, z * z / n
    middle, half = share + width / 2, z * sqrt(share * (1 - share) / n + width / (4 * n))
    return max(0.0, (middle - half) / (1 + width)), min(1.0, (middle + half) / (1 + width))


def kappas(answers: Iterable[Answer]) -> list[JsonDict]:
    """Cohen's κ (1960) of every two reviewers who answered the same documents.

    Returns:
        {reviewers, n, agreement, kappa} by name; κ is None where both said one and the same thing throughout.
    """
    both: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for given in latest(answers).values():
        for one, other in combinations(sorted(given), 2):
            both.setdefault((one, other), []).append((str(given[one].verdict), str(given[other].verdict)))
    found = []
    for reviewers, pairs in sorted(both.items()):
        n = len(pairs)
        agreement = sum(one == other for one, other in pairs) / n
        ones, others = (Counter(side) for side in zip(*pairs, strict=True))
        by_chance = sum(ones[verdict] * others[verdict] for verdict in VERDICTS) / (n * n)
        kappa = None if by_chance == 1 else (agreement - by_chance) / (1 - by_chance)
        found.append({"reviewers": list(reviewers), "n": n, "agreement": agreement, "kappa": kappa})
    return found
