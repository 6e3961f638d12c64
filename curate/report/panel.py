"""A panel of the report: figures with their n, reasons for concern, and the worst status among them."""

from collections.abc import Mapping, Sequence
from typing import Any

from curate.report.tables import JsonDict
from curate.report.words import count

OK, WARN, ALERT = "ok", "warn", "alert"
DETECTION, MIXTURE = ("detector", "thresholds"), ("centroids", "reference")
"""Artefacts that what is said of machine text, and of the shares of clusters, rests on."""
NOTHING = (0.0, 0.0)
"""The band of what should not be there at all."""

Range = tuple[float | None, float | None]


class Panel:
    """A panel under construction: figures, reasons, and the worst status among them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.status = OK
        self.reasons: list[JsonDict] = []
        self.figures: list[JsonDict] = []

    def figure(
        self,
        name: str,
        label: str,
        value: float | None,
        n: int,
        kind: str,
        note: str = "",
        *,
        band: Range | None = None,
        interval: Range | None = None,
        rests_on: Sequence[str] = (),
    ) -> None:
        """Adds a number.

        Args:
            name: short, by which reports are compared.
            label: what it is.
            value: None where it is not known.
            n: what it is computed from.
            kind: how it is written: share, count or number.
            note: more about it.
            band: (least, most) that give no reason for concern, None on a side without limit; None without a baseline.
            interval: of 95 %, where the number is an estimate.
            rests_on: names of the artefacts that it would change with.
        """
        figure = {"name": name, "label": label, "value": _rounded(value), "n": n, "kind": kind, "note": note}
        ranges = {"band": _edges(band), "interval": _edges(interval)}
        self.figures.append({**figure, **ranges, "artefacts": list(rests_on)})

    def flag(self, status: str, text: str, n: int, named: str = "") -> None:
        """Adds a reason for concern.

        Args:
            status: how bad it is.
            text: what is the matter; that of another report is the same reason if they differ in numbers only.
            n: what it is computed from.
            named: what it is the matter with, told after the text.
        """
        self.reasons.append({"status": status, "text": text + named, "what": text, "n": n})
        self.status = worst([self.status, status])

    def to_dict(self, artefacts: Mapping[str, str]) -> JsonDict:
        """The panel as JSON types, alerts before warnings.

        Args:
            artefacts: name → id, of which figures get the ids; those that a run has not are left out.
        """
        reasons = sorted(self.reasons, key=lambda reason: reason["status"])  # alert sorts before warn
        figures = [
            figure | {"artefacts": [artefacts[name] for name in figure["artefacts"] if name in artefacts]}
            for figure in self.figures
        ]
        return {"name": self.name, "status": self.status, "reasons": reasons, "figures": figures}


def worst(statuses: Sequence[str]) -> str:
    """The worst of some statuses; ok when there are none."""
    return max(statuses, key=(OK, WARN, ALERT).index, default=OK)


def some(values: Sequence[Any], most: int = 8, of: int | None = None) -> str:
    """The first few values in words, of as many as there are, or of `of` where these are only the first of them."""
    total = len(values) if of is None else of
    shown = min(most, len(values))
    named = ", ".join("unknown" if value is None else str(value) for value in values[:most])
    return named + (f" and {count(total - shown)} more" if total > shown else "")


def _edges(values: Range | None) -> list[float | None] | None:
    return None if values is None else [_rounded(value) for value in values]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 6)
