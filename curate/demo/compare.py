"""Compares the ledger of a run over the demo with the truth about its documents."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

Row = Mapping[str, Any]

_GROUPS = {
    "human": "human prose",
    "rare_topic": "human, rare topic",
    "rare_language": "human, rare languages",
    "machine": "machine text",
    "spam": "spam",
}
_COPIES = {
    "exact_copy": "exact copies",
    "near_copy": "edited copies",
    "loose_copy": "copies edited too much to count as duplicates",
}
_IMAGES: dict[str, tuple[str, Callable[[Row], bool]]] = {
    "image_ai": ("signed by an AI generator: synthetic", lambda row: row["origin"] == "synthetic"),
    "image_camera": ("signed by a camera: human", lambda row: row["origin"] == "human"),
    "image_unsigned": ("not signed: unknown", lambda row: row["origin"] == "unknown"),
    "image_tampered": ("tampered with: not believed to be human", lambda row: row["origin"] != "human"),
    "image_denied": (
        "closed to training: dropped for its rights",
        lambda row: row["decision"] == "dropped" and row["stage"] == "rights",
    ),
}
_SYNTHETIC_TIERS = ("likely_synthetic", "declared_synthetic")


@dataclass(frozen=True)
class Fate:
    """What became of the documents of one group; kept, merged, held and dropped add up to documents.

    Attributes:
        documents: documents in the group.
        kept: kept by themselves.
        merged: dropped or held as duplicates of a copy of theirs; their text lives or waits on in that copy.
        held: held for review for another reason.
        dropped: dropped for another reason.
        marked: kept, but as a suspect of reduced weight, or in the ledger as declared or likely synthetic.
        boosted: kept with a weight above 1.
        weight: sum of the weights of those kept.
    """

    documents: int = 0
    kept: int = 0
    merged: int = 0
    held: int = 0
    dropped: int = 0
    marked: int = 0
    boosted: int = 0
    weight: float = 0.0

    @property
    def survival(self) -> float:
        """Share of the documents whose text was kept; 1 for an empty group."""
        return (self.kept + self.merged) / self.documents if self.documents else 1.0


@dataclass(frozen=True)
class CopiesFound:
    """How many copies of one kind were recognised.

    Attributes:
        documents: copies of this kind.
        found: linked with their original or another copy of it.
        moot: not linked, but at most one of copy and original was kept, as the other left for another reason.
    """

    documents: int
    found: int
    moot: int

    @property
    def recall(self) -> float:
        """Share found of those that were not moot; 1 where there are none."""
        asked = self.documents - self.moot
        return self.found / asked if asked else 1.0


@dataclass(frozen=True)
class DemoResult:
    """The comparison.

    Attributes:
        fates: what became of each group of original documents, by kind.
        copies: copies recognised: exact_copy, near_copy (similar enough to be a duplicate) and loose_copy (not so).
        right_drops: documents dropped as duplicates of their own original or copy, by reason; spam matches spam.
        wrong_drops: documents dropped as duplicates of an unrelated one, by reason.
        images: (images, verdicts that are right) by kind.
    """

    fates: dict[str, Fate]
    copies: dict[str, CopiesFound]
    right_drops: dict[str, int]
    wrong_drops: dict[str, int]
    images: dict[str, tuple[int, int]]

    def precision(self, reason: str | None = None) -> float:
        """Share of the duplicate drops (of one reason, or all) that were right; 1 where there were none."""
        reasons = [reason] if reason else sorted({*self.right_drops, *self.wrong_drops})
        right = sum(self.right_drops.get(r, 0) for r in reasons)
        wrong = sum(self.wrong_drops.get(r, 0) for r in reasons)
        return right / (right + wrong) if right + wrong else 1.0

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types: all counts, and the shares made of them."""
        return {
            "groups": {name: asdict(fate) | {"survival": fate.survival} for name, fate in self.fates.items()},
            "copies": {name: asdict(found) | {"recall": found.recall} for name, found in self.copies.items()},
            "duplicate_drops": {
                reason: {
                    "right": self.right_drops.get(reason, 0),
                    "wrong": self.wrong_drops.get(reason, 0),
                    "precision": self.precision(reason),
                }
                for reason in sorted({*self.right_drops, *self.wrong_drops})
            },
            "duplicate_precision": self.precision(),
            "images": {name: {"images": n, "right": right} for name, (n, right) in self.images.items()},
        }

    def to_text(self) -> str:
        """A table for people who see curate for the first time."""
        lines = [
            f"{'What became of':<24}{'documents':>10}{'kept':>8}{'(weight)':>10}{'merged':>8}{'held':>7}{'dropped':>9}"
        ]
        for kind, fate in self.fates.items():
            weight = f"({fate.weight / fate.kept:.2f})" if fate.kept else ""
            numbers = f"{fate.documents:>10}{fate.kept:>8}{weight:>10}{fate.merged:>8}{fate.held:>7}{fate.dropped:>9}"
            lines.append(f"  {_GROUPS[kind]:<22}{numbers}")
        lines += [
            "  weight: mean of those kept; merged: a copy of the same text stands for it; held: waits for a person",
            "",
            "Copies",
        ]
        for kind, copies in self.copies.items():
            name, asked = _COPIES[kind], copies.documents - copies.moot
            lines.append(f"  {copies.found} of {asked} {name} found" + (f" ({copies.recall:.1%})" if asked else ""))
        right, wrong = sum(self.right_drops.values()), sum(self.wrong_drops.values())
        lines.append(f"  {right + wrong} documents dropped as duplicates, {wrong} of them of an unrelated document")
        lines += ["", *self._sentences(), "", "Images"]
        for kind, (images, correct) in self.images.items():
            lines.append(f"  {correct} of {images} {_IMAGES[kind][0]}")
        return "\n".join(lines)

    def _sentences(self) -> list[str]:
        machine, human, spam = self.fates["machine"], self.fates["human"], self.fates["spam"]
        unnoticed = machine.kept - machine.marked
        rare = ", ".join(
            f"{self.fates[kind].survival:.0%} ({_GROUPS[kind].removeprefix('human, ')})"
            for kind in ("rare_topic", "rare_language")
        )
        return [
            "Machine text and people",
            f"  {_share(machine.dropped + machine.held, machine.documents)} of the machine texts dropped or held, "
            f"{_share(machine.marked, machine.documents)} kept but marked,",
            f"  {_share(unnoticed, machine.documents)} kept unnoticed",
            f"  {_share(human.dropped, human.documents)} of the human texts wrongly dropped, "
            f"{_share(human.held, human.documents)} wrongly held",
            f"  human texts that survive: {human.survival:.0%} of the common ones, {rare}",
            f"  {spam.boosted} of {spam.documents} spam pages given more weight",
        ]


def compare(truth: pa.Table, ledger: pa.Table, threshold: float = 0.8, containment: float = 0.9) -> DemoResult:
    """Judges a ledger by the truth.

    Args:
        truth: schema `curate.demo.corpus.TRUTH`.
        ledger: at least the columns id, decision, stage, reason, matched_id, origin, tier and weight; any order.
        threshold: the run's `dedupe.threshold`.
        containment: the run's `dedupe.containment`; edited copies below both count as loose copies.

    Raises:
        ValueError: a document of the truth is not in the ledger.
    """
    columns = ["id", "decision", "stage", "reason", "matched_id", "origin", "tier", "weight"]
    decided = {row["id"]: row for row in ledger.select(columns).to_pylist()}
    documents = truth.to_pylist()
    missing = next((d["id"] for d in documents if d["id"] not in decided), None)
    if missing is not None:
        raise ValueError(f"document {missing!r} is not in the ledger, expected the ledger of a run over the demo")
    # A family is an original with its copies; all spam comes from one template and counts as one family.
    family = {d["id"]: "spam" if d["kind"] == "spam" else d["copy_of"] or d["id"] for d in documents}
    linked = {
        key: family.get(row["matched_id"]) == family[key]
        for key, row in decided.items()
        if row["matched_id"] is not None and key in family
    }

    right_drops, wrong_drops = _duplicate_drops(decided, linked)
    by_kind: dict[str, list[Row]] = {}
    for document in documents:
        by_kind.setdefault(_kind(document, threshold, containment), []).append(document)
    return DemoResult(
        fates={kind: _fate([decided[d["id"]] for d in by_kind.get(kind, [])], linked) for kind in _GROUPS},
        copies={kind: _copies_found(by_kind.get(kind, []), decided, linked) for kind in _COPIES},
        right_drops=right_drops,
        wrong_drops=wrong_drops,
        images={
            kind: (len(by_kind.get(kind, [])), sum(is_right(decided[d["id"]]) for d in by_kind.get(kind, [])))
            for kind, (_, is_right) in _IMAGES.items()
        },
    )


def _kind(document: Row, threshold: float, containment: float) -> str:
    similar = document["kind"] != "near_copy" or (
        document["similarity"] >= threshold or document["containment"] >= containment
    )
    return document["kind"] if similar else "loose_copy"


def _fate(rows: list[Row], linked: Mapping[str, bool]) -> Fate:
    kept = [row for row in rows if row["decision"] == "kept"]
    merged = [row for row in rows if row["decision"] != "kept" and linked.get(row["id"])]
    others = [row["decision"] for row in rows if row["decision"] != "kept" and not linked.get(row["id"])]
    return Fate(
        documents=len(rows),
        kept=len(kept),
        merged=len(merged),
        held=others.count("held"),
        dropped=others.count("dropped"),
        marked=sum(row["reason"] == "suspect" or row["tier"] in _SYNTHETIC_TIERS for row in kept),
        boosted=sum(row["weight"] > 1 for row in kept),
        weight=round(math.fsum(row["weight"] for row in kept), 6),
    )


def _copies_found(copies: list[Row], decided: Mapping[str, Row], linked: Mapping[str, bool]) -> CopiesFound:
    leaders = {decided[key]["matched_id"] for key, right in linked.items() if right}
    found = moot = 0
    for copy in copies:
        pair = (copy["id"], copy["copy_of"])
        if linked.get(copy["id"]) or copy["id"] in leaders:
            found += 1
        elif any(decided[key]["decision"] != "kept" for key in pair):
            moot += 1
    return CopiesFound(len(copies), found, moot)


def _duplicate_drops(decided: Mapping[str, Row], linked: Mapping[str, bool]) -> tuple[dict[str, int], dict[str, int]]:
    """Counts of right and wrong drops of the stage dedupe, by reason."""
    right: dict[str, int] = {}
    wrong: dict[str, int] = {}
    for key, is_right in linked.items():
        row = decided[key]
        if row["decision"] == "dropped" and row["stage"] == "dedupe":
            counts = right if is_right else wrong
            counts[row["reason"]] = counts.get(row["reason"], 0) + 1
    return right, wrong


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "none"
