"""Shares: how even they are, how far from others, and whether few sources or copies make up much of a corpus."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

TRAILING = 6
"""Months whose mean a month is compared with; a source with fewer before it is not judged."""

TOP = 0.01
"""Share of the duplicate groups whose share of the documents is told."""


def effective_number(shares: Sequence[float]) -> float | None:
    """The exponential of the Shannon entropy of shares that need not sum to 1 (Hill number of order 1)."""
    total = sum(shares)
    if total <= 0:
        return None
    return math.exp(-sum(s / total * math.log(s / total) for s in shares if s > 0))


def js_divergence(left: Sequence[float], right: Sequence[float]) -> float | None:
    """Jensen–Shannon divergence in bits of two lists of shares (Lin 1991); None where one of them is all zero."""
    if sum(left) <= 0 or sum(right) <= 0:
        return None
    p = [value / sum(left) for value in left]
    q = [value / sum(right) for value in right]
    middle = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
    divergences = (sum(a * math.log2(a / m) for a, m in zip(side, middle, strict=True) if a > 0) for side in (p, q))
    return max(0.0, sum(divergences) / 2)


def herfindahl(sizes: Sequence[float]) -> float | None:
    """Herfindahl–Hirschman index Σ (size/total)²: 1 / it is an effective number; None of nothing."""
    total = sum(sizes)
    return sum((size / total) ** 2 for size in sizes) if total else None


def top_share(sizes: Sequence[float]) -> float | None:
    """Share of the largest; None of nothing."""
    return max(sizes) / sum(sizes) if sum(sizes) else None


def duplicate_concentration(sizes: Mapping[int, int], documents: int) -> dict[str, float | None]:
    """How concentrated the copies are.

    Args:
        sizes: documents in a group of duplicates → such groups (`curate.report.groups.Groups.sizes`).
        documents: all documents; those of no group are groups of one.

    Returns:
        `top`: share of the documents in the largest 1 % of the groups; `herfindahl`: of the sizes.
    """
    grouped = sum(size * groups for size, groups in sizes.items())
    everyone = {**sizes, 1: sizes.get(1, 0) + documents - grouped}
    left = math.ceil(TOP * sum(everyone.values()))
    in_top = squares = 0
    for size, groups in sorted(everyone.items(), reverse=True):
        in_top += size * min(groups, left)
        left -= min(groups, left)
        squares += size * size * groups
    if not documents:
        return {"top": None, "herfindahl": None}
    return {"top": in_top / documents, "herfindahl": squares / documents**2}


def bursts(months: Mapping[tuple[str, str], int]) -> list[tuple[str, str, int, float]]:
    """Months in which a source gave more than it used to, as z against the mean of the months before.

    Args:
        months: (source, month as YYYY-MM) → documents. A month without documents of a source counts as none.

    Returns:
        (source, month, documents, z), the largest z first; z = (x − μ)/√max(μ, s², 1), μ and s² of the `TRAILING`
        calendar months before: that of Poisson, or of a source that was unsteady all the time.
    """
    found: list[tuple[str, str, int, float]] = []
    by_source: dict[str, dict[int, int]] = {}
    for (source, name), documents in months.items():
        by_source.setdefault(source, {})[int(name[:4]) * 12 + int(name[5:7]) - 1] = documents
    for source, counts in by_source.items():
        began = min(counts)
        for month, documents in counts.items():
            if month - began < TRAILING:
                continue
            before = np.array([counts.get(earlier, 0) for earlier in range(month - TRAILING, month)], float)
            mean, variance = float(before.mean()), float(before.var())
            z = (documents - mean) / math.sqrt(max(mean, variance, 1.0))
            found.append((source, f"{month // 12:04d}-{month % 12 + 1:02d}", documents, z))
    return sorted(found, key=lambda row: (-row[3], row[0], row[1]))
