"""What a run remembers of its trusted human documents, for thresholds and reference shares of later runs.

`artefacts/human_reference/` keeps rows without texts (`REMEMBERED`) and, in `ABOUT`, sums over all documents by
cluster. Rows are those that a later run can use: the smallest hashes of each language, source, length and cluster that
its samples keep (`curate.detector.sample`, `curate.quality.calibration`, `curate.mixture.overlap`). So their number is
bounded by that of the groups, however large the corpus, while the sums behind the shares are of every document.
Clusters are numbers, which mean something with the embedding and the centroids beside the folder only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curate.arrays import distinct, lookup
from curate.config import Config
from curate.decisions.reference import ReferenceSample
from curate.errors import UsageError
from curate.mixture.overlap import Totals
from curate.schema import QUALITY, TIMESTAMP

FOLDER = "human_reference"
"""Where it lies among the artefacts; and that of an earlier run, among the annotations."""

ABOUT = "about.json"
FORMAT = 1
"""Of both; it changes with the columns and with what they mean."""

REMEMBERED = pa.schema(
    [
        ("id", pa.string()),
        ("content", pa.uint64()),  # halves of the 128-bit hash of the normalised text
        ("content_low", pa.uint64()),
        ("tokens", pa.int32()),
        ("language", pa.string()),
        ("source", pa.string()),
        ("timestamp", TIMESTAMP),
        ("detector_score", pa.float32()),
        ("windows", pa.binary()),
        ("quality", QUALITY),
        ("cluster", pa.int32()),
    ]
)
"""A trusted human document without its text."""

KEPT = pa.schema([("key", pa.uint64())])

JsonDict = dict[str, Any]


@dataclass(frozen=True)
class About:
    """What rows of `REMEMBERED` were made with, and the sums over the documents that they are a sample of.

    Attributes:
        detector: its id; None without scores.
        quality_model: digest of the operator's model of quality; None without.
        embedder: id of the model whose vectors were clustered; None without.
        clusters: id of the artefact that the clusters are numbers of; None without clusters.
        space: settings that say what the clusters are of (`space`).
        totals: sums by cluster.
        reviewed: group → least threshold of suspicion that reviewers' answers ask for (`curate.review.calibration`).
        alpha: share of people that it lets be suspected.
    """

    detector: str | None
    quality_model: str | None
    embedder: str | None
    clusters: str | None
    space: JsonDict
    totals: Totals
    reviewed: dict[str, float]
    alpha: float

    def least_thresholds(self, config: Config) -> dict[str, float]:
        """What answers ask of a run: nothing where it lets more people be suspected, so that thresholds are lower."""
        return self.reviewed if config.review.enabled and config.synthetic.alpha_suspect <= self.alpha else {}

    def to_dict(self) -> JsonDict:
        """Plain JSON types."""
        made = {name: getattr(self, name) for name in _MADE}
        asked = {"reviewed": self.reviewed, "alpha": self.alpha}
        return {"format": FORMAT, **made, "totals": self.totals.to_dict(), **asked}

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> "About":
        """Reads what `to_dict` gave.

        Raises:
            UsageError: it is of another format.
        """
        if values.get("format") != FORMAT:
            raise UsageError(
                f"its format is {values.get('format')!r}, expected {FORMAT}; remember with this version of curate"
            )
        made = {name: values[name] for name in _MADE}
        # Versions before this one remembered no answers.
        reviewed = {group: float(least) for group, least in values.get("reviewed", {}).items()}
        return About(
            **made, totals=Totals.from_dict(values["totals"]), reviewed=reviewed, alpha=values.get("alpha", 0.0)
        )


_MADE = ("detector", "quality_model", "embedder", "clusters", "space")


def space(config: Config) -> JsonDict:
    """The settings that say what is clustered, and how a document gets its cluster."""
    names = ("group_column", "embedding_column", "dimensions")
    return {name: getattr(config.mixture, name) for name in names}


def check_memory(
    about: About, config: Config, detector: str | None, quality_model: str | None, embedder: str | None
) -> None:
    """Checks that a run can go on from what an earlier one remembers.

    Args:
        about: what it remembers.
        config: settings of the run.
        detector: id of the run's; None where it scores nothing.
        quality_model: digest of the run's; None without one.
        embedder: id of the run's; None where it asks none.

    Raises:
        UsageError: scores, signals or clusters of both would not be comparable.
    """
    path = config.synthetic.human_reference
    if None not in (about.detector, detector) and about.detector != detector:
        raise UsageError(
            f"human reference {path!r} remembers scores of the detector {about.detector}, but this run scores with "
            f"{detector}; score with that one, or leave out --human-reference"
        )
    if None not in (about.quality_model, quality_model) and about.quality_model != quality_model:
        raise UsageError(
            f"human reference {path!r} remembers a signal of another quality.model than {config.quality.model!r}; "
            f"give the model of then, or leave out --human-reference"
        )
    if about.clusters is None:
        return
    if config.mixture.enabled and about.embedder != embedder:
        raise UsageError(
            f"human reference {path!r} remembers clusters of {_vectors(about.embedder)}, but this run has "
            f"{_vectors(embedder)}; embed as then, or leave out --human-reference"
        )
    for name, now in space(config).items():
        then = about.space.get(name)
        if then != now:
            raise UsageError(
                f"mixture.{name} is {now!r}, but human reference {path!r} remembers clusters made with {then!r}; "
                f"set it as then, or leave out --human-reference"
            )


def _vectors(embedder: str | None) -> str:
    return "no embedder's vectors" if embedder is None else f"vectors of the embedder {embedder}"


def kept_texts(sample: ReferenceSample) -> pa.Table:
    """The contents of the documents that are worth a row, `KEPT`, ascending.

    Args:
        sample: of all trusted documents, those remembered before included.
    """
    tables = (sample.calibration.table, sample.quality.table, sample.texts.table)
    keys = distinct(np.concatenate([table["key"].to_numpy() for table in tables]))
    return pa.table([pa.array(keys)], schema=KEPT)


def remembered(real: pa.Table, kept: pa.Table, known: NDArray[np.uint64]) -> pa.Table:
    """The documents to keep rows of.

    Args:
        real: columns of `REMEMBERED`.
        kept: from `kept_texts`.
        known: contents of documents that rows are kept of already, ascending.

    Returns:
        `REMEMBERED`, sorted by content and id.
    """
    contents = real["content"].to_numpy()
    chosen = lookup(kept["key"].to_numpy(), contents)[1] & ~lookup(known, contents)[1]
    rows = real.select(REMEMBERED.names).filter(pa.array(chosen))
    return rows.sort_by([("content", "ascending"), ("id", "ascending")]).combine_chunks()
