"""What became of the questions to a verifier of the user's: a mergeable count over ledger tables."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.config import Config
from curate.decisions.verification import REASON, is_accepted
from curate.report.panel import Panel
from curate.report.words import count

JsonDict = dict[str, Any]

ANSWERS = ("accepted", "refused", "failed")
NOT_ASKED = "not_asked"


@dataclass(frozen=True)
class Verification:
    """Counts of documents of any part of a ledger.

    Attributes:
        documents: accepted, refused, failed (these were asked about), and not_asked: those that fill nothing because
            they were not declared machine text when they were annotated.
    """

    documents: Counter[str] = field(default_factory=Counter)

    @staticmethod
    def of(ledger: pa.Table, config: Config) -> "Verification":
        """Counts over finished documents (`curate.decisions.mixing.FINISHED`)."""
        answer = ledger["verification"]
        asked, accepted = answer.is_valid().to_numpy(), is_accepted(answer, config)
        failed = pc.is_nan(answer).fill_null(False).to_numpy()
        missing = pc.equal(ledger["reason"], REASON).fill_null(False).to_numpy() & ~asked
        found = (accepted, asked & ~accepted & ~failed, failed, missing)
        counts = (int(np.count_nonzero(rows)) for rows in found)
        return Verification(Counter(dict(zip((*ANSWERS, NOT_ASKED), counts, strict=True))))

    def merge(self, other: "Verification") -> "Verification":
        """The counts of both parts."""
        return Verification(self.documents + other.documents)

    def to_dict(self) -> JsonDict:
        """Plain JSON types."""
        return dict(self.documents)

    @staticmethod
    def from_dict(values: JsonDict) -> "Verification":
        """Reads what `to_dict` gave."""
        return Verification(Counter(values))

    def told(self, verifier: str) -> JsonDict:
        """What manifest and report say of the verifier with this id."""
        answers = {name: self.documents[name] for name in ANSWERS}
        return {
            "verifier": verifier,
            "asked": sum(answers.values()),
            **answers,
            NOT_ASKED: self.documents[NOT_ASKED],
        }


def add_figure(panel: Panel, found: JsonDict | None) -> None:
    """Adds what `Verification.told` gave, where there is a verifier."""
    if found is None:
        return
    told = ", ".join(f"{name} {count(found[name])}" for name in ANSWERS)
    missing = f"; not asked about {count(found[NOT_ASKED])}" if found[NOT_ASKED] else ""
    panel.figure(
        "verified",
        "declared machine text that the verifier accepted, share of the documents it was asked about",
        found["accepted"] / found["asked"] if found["asked"] else None,
        found["asked"],
        "share",
        f"{found['verifier']}: {told}{missing}",
        rests_on=["verifier"],
    )
