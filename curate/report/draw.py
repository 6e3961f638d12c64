"""Drawing for a page: matplotlib figures as small inline SVG that follows the colours of the page.

Colours are written as CSS variables, text stays text, nothing depends on time or chance. Figures are made without
pyplot, which costs a third of a second and keeps global state.
"""

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from typing import Any
from xml.sax.saxutils import quoteattr

from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from curate.report.words import count

WIDTH = 4.3  # inches, 310 SVG units: a phone shows the text at its own size
ROW = 0.24  # inches per row of horizontal bars
LABEL_CHARS = 18
LABEL_CHAR = 0.079  # inches, the mean width of a character of a label

# Stand-ins that matplotlib accepts, replaced by the variables of report.css.
INK, KEPT, HELD, GONE, NEUTRAL, ACCENT, FAINT = (f"#0a0b{n:02x}" for n in range(1, 8))
VARIABLES = dict(
    zip(
        (INK, KEPT, HELD, GONE, NEUTRAL, ACCENT, FAINT),
        ("ink", "kept", "held", "gone", "neutral", "accent", "faint"),
        strict=True,
    )
)
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.parse_math": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "legend.frameon": False,
    "legend.fontsize": 9,
}


def to_svg(figure: Figure, alt: str) -> str:
    """The figure as an `<svg role="img">` element whose colours are CSS variables."""
    buffer = io.StringIO()
    with warnings.catch_warnings():
        # Labels may hold characters that matplotlib's own font lacks; the reader's fonts draw them.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        FigureCanvasSVG(figure).print_svg(
            buffer, metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.S)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font: \1px sans-serif", svg)
    svg = re.sub(r'(<svg [^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg [^>]*?) height="[^"]*"', r"\1", svg, count=1)
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, f"var(--{variable})")
    svg = re.sub(r"\n\s*", "\n", svg)
    return svg.replace("<svg", f'<svg role="img" aria-label={quoteattr(_clean(alt))}', 1).strip()


def plain_axes(height: float) -> tuple[Figure, Axes]:
    """One pair of axes in a figure of the given height in inches."""
    figure = Figure(figsize=(WIDTH, height))
    axes = figure.add_axes((0.2, 0.5 / height, 0.78, 1 - 0.85 / height))
    return figure, axes


def row_axes(
    number: int, names: Sequence[str], with_legend: bool = False, most: int = LABEL_CHARS
) -> tuple[Figure, Axes]:
    """Axes for horizontal bars, the first on top; beside them names of at most `most` characters."""
    height = 0.55 + 0.3 * with_legend + ROW * number
    figure = Figure(figsize=(WIDTH, height))
    left = 0.01 + most * LABEL_CHAR / WIDTH
    axes = figure.add_axes((left, 0.5 / height, 0.99 - left, ROW * number / height))
    axes.set_yticks(range(number), [label(name, most) for name in names])
    axes.set_ylim(number - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    return figure, axes


def beside(axes: Axes, x: float, y: float, text: str, scale: float) -> None:
    """Writes text to the right of a bar that ends at (x, y); scale is the length of the longest bar."""
    axes.text(x + 0.015 * scale, y, text, va="center", ha="left", fontsize=9)


def legend(figure: Figure, axes: Axes, columns: int) -> None:
    """A legend above the axes."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="upper center", ncols=columns, handlelength=1.0, columnspacing=1.0, borderpad=0.1
    )


def thousands(axes: Axes) -> None:
    """Few whole numbers with separators along x."""
    axes.locator_params(axis="x", nbins=4, integer=True)
    axes.xaxis.set_major_formatter(lambda value, _: count(value))


def _clean(text: str) -> str:
    """Text without characters that XML cannot hold."""
    return "".join(_characters(text))


def _characters(text: str) -> Iterator[str]:
    for character in text:
        printable = character.isprintable() and character not in "\ufffe\uffff"
        yield character if printable else "\ufffd"


def label(text: str, most: int = LABEL_CHARS) -> str:
    """Text that is safe in XML and at most `most` characters long."""
    clean = _clean(str(text))
    return clean if len(clean) <= most else clean[: most - 1] + "…"
