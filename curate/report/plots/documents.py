"""What happened to the documents: the removal flow, what sources lost, and how large groups of duplicates are."""

import math

from matplotlib.figure import Figure

from curate.report.draw import GONE, HELD, KEPT, NEUTRAL, beside, legend, row_axes, thousands
from curate.report.tables import JsonDict
from curate.report.words import STAGES, count, percent, plural

SOURCES = 15


def flow(report: JsonDict) -> tuple[Figure, str] | None:
    """Read → dropped by stage → held → kept, as a waterfall."""
    read = report["totals"]["documents"]
    if not read:
        return None
    steps: dict[tuple[str, str], int] = {}
    for row in report["flow"]:
        if row["decision"] != "kept":
            name = "held for review" if row["decision"] == "held" else f"− {STAGES.get(row['stage'], row['stage'])}"
            steps[name, row["decision"]] = steps.get((name, row["decision"]), 0) + row["documents"]
    bars, left = [("read", 0, read, NEUTRAL)], read
    for (name, decision), number in steps.items():
        left -= number
        bars.append((name, left, number, HELD if decision == "held" else GONE))
    bars.append(("kept", 0, left, KEPT))
    figure, axes = row_axes(len(bars), [name for name, *_ in bars])
    for y, (_, start, number, colour) in enumerate(bars):
        axes.barh(y, number, left=start, color=colour, height=0.7)
        beside(axes, start + number, y, count(number), read)
    axes.set_xlim(0, read * 1.25)
    axes.set_xlabel("documents")
    thousands(axes)
    told = [f"{count(number)} {name.removeprefix('− ')}" for (name, _), number in steps.items()]
    return figure, f"Removal flow: {count(read)} read; removed: {', '.join(told) or 'none'}; {count(left)} kept."


def fates(report: JsonDict) -> tuple[Figure, str] | None:
    """Shares kept, held and dropped of the largest sources."""
    rows = report["sources"][:SOURCES]
    if not rows:
        return None
    names = ["(no source)" if row["source"] is None else row["source"] for row in rows]
    figure, axes = row_axes(len(rows), names, with_legend=True)
    for y, row in enumerate(rows):
        start = 0.0
        for name, colour in (("kept", KEPT), ("held", HELD), ("dropped", GONE)):
            part = row[name] / row["documents"]
            axes.barh(y, part, left=start, color=colour, height=0.7, label=name if y == 0 else None)
            start += part
        beside(axes, 1.0, y, count(row["documents"]), 1.0)
    axes.set_xlim(0, 1.25)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100%"])
    axes.set_xlabel("documents")
    legend(figure, axes, 3)
    least = min(rows, key=lambda row: row["kept"] / row["documents"])
    name = names[rows.index(least)]
    alt = f"Documents kept, held and dropped in {plural(len(rows), 'source')}; the least is kept of {name}"
    return figure, f"{alt}: {percent(least['kept'] / least['documents'])} of {count(least['documents'])}."


def group_sizes(report: JsonDict) -> tuple[Figure, str] | None:
    """Number of duplicate groups by size, in powers of two."""
    sizes = report["duplicates"]["sizes"]
    if not sizes:
        return None
    numbers: dict[int, int] = {}
    for size, number in sizes:
        numbers[int(math.log2(size - 0.5))] = numbers.get(int(math.log2(size - 0.5)), 0) + number
    top = max(numbers)
    names = [_power_label(power) for power in range(top + 1)]
    figure, axes = row_axes(top + 1, names)
    most = max(numbers.values())
    for power in range(top + 1):
        number = numbers.get(power, 0)
        axes.barh(power, number, color=NEUTRAL, height=0.7)
        beside(axes, number, power, count(number), most)
    axes.set_xlim(0, most * 1.25)
    axes.set_xlabel("groups, by documents in a group")
    thousands(axes)
    total = sum(numbers.values())
    return figure, f"Sizes of {plural(total, 'duplicate group')}; the largest has {plural(sizes[-1][0], 'document')}."


def _power_label(power: int) -> str:
    low, high = 2**power + 1, 2 ** (power + 1)
    return str(high) if low >= high else f"{low:,} – {high:,}"
