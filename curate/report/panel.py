"""A panel of the report: figures with their n, reasons for concern, and the worst status among them."""

from collections.abc import Sequence
from typing import Any

from curate.report.tables import JsonDict

OK, WARN, ALERT = "ok", "warn", "alert"


class Panel:
    """A panel under construction: figures, reasons, and the worst status among them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.status = OK
        self.reasons: list[JsonDict] = []
        self.figures: list[JsonDict] = []

    def figure(self, name: str, label: str, value: float | None, n: int, kind: str, note: str = "") -> None:
        """Adds a number; kind says how it is written: share, count or number. n: what it is computed from."""
        rounded = None if value is None else round(float(value), 6)
        self.figures.append({"name": name, "label": label, "value": rounded, "n": n, "kind": kind, "note": note})

    def flag(self, status: str, text: str, n: int) -> None:
        """Adds a reason for concern."""
        self.reasons.append({"status": status, "text": text, "n": n})
        self.status = worst([self.status, status])

    def to_dict(self) -> JsonDict:
        """The panel as JSON types, alerts before warnings."""
        reasons = sorted(self.reasons, key=lambda reason: reason["status"])  # alert sorts before warn
        return {"name": self.name, "status": self.status, "reasons": reasons, "figures": self.figures}


def worst(statuses: Sequence[str]) -> str:
    """The worst of some statuses; ok when there are none."""
    return max(statuses, key=(OK, WARN, ALERT).index, default=OK)


def some(values: Sequence[Any], most: int = 8) -> str:
    """The first few values in words."""
    shown = ", ".join("unknown" if value is None else str(value) for value in values[:most])
    return shown + (f" and {len(values) - most} more" if len(values) > most else "")
