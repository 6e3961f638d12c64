"""What slices are made of, over all documents: clusters, sources and copies."""

from collections.abc import Mapping

from curate.metrics.parts import Measured
from curate.metrics.shares import duplicate_concentration, effective_number, herfindahl, js_divergence, top_share
from curate.metrics.slices import HUMAN, INPUT, SLICES, SliceSums

BySlice = dict[str, Measured]


def compose(sums: SliceSums, duplicates: Mapping[int, int]) -> dict[str, BySlice]:
    """Metric → slice → what was counted; n are the documents. Nothing is sampled, so that nothing has a band.

    Args:
        sums: of the slices.
        duplicates: documents in a group of duplicates → such groups.
    """
    found: dict[str, BySlice] = {}
    numbers = {name: sum(sums.table[f"{name}_documents"].to_pylist()) for name in SLICES}
    clusters = {name: sums.by("cluster", f"{name}_tokens") for name in SLICES}
    if clusters[INPUT]:
        known = sorted(clusters[INPUT])
        shares = {name: [clusters[name][cluster] for cluster in known] for name in SLICES}
        people = [place for place, tokens in enumerate(shares[HUMAN]) if tokens]
        reached = {name: sum(1 for place in people if shares[name][place]) for name in SLICES}
        found["cluster_coverage"] = _compared(
            {name: reached[name] / len(people) if people else None for name in SLICES}, numbers
        )
        found["cluster_effective"] = _compared({name: effective_number(shares[name]) for name in SLICES}, numbers)
        found["cluster_divergence"] = _compared(
            {name: js_divergence(shares[name], shares[HUMAN]) for name in SLICES}, numbers
        )
    sources = {name: list(sums.by("source", f"{name}_tokens").values()) for name in SLICES}
    if sources[INPUT]:
        found["source_herfindahl"] = _compared({name: herfindahl(sources[name]) for name in SLICES}, numbers)
        found["source_top"] = _compared({name: top_share(sources[name]) for name in SLICES}, numbers)
    if numbers[INPUT]:
        concentrated = duplicate_concentration(duplicates, numbers[INPUT])
        for name, value in concentrated.items():
            found[f"duplicates_{name}"] = {INPUT: Measured(value, numbers[INPUT])}
    return found


def _compared(values: Mapping[str, float | None], numbers: Mapping[str, int]) -> BySlice:
    return {name: Measured(values[name], numbers[name], baseline=values[HUMAN]) for name in SLICES}
