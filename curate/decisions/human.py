"""Human documents from outside the corpus (`synthetic.human_reference`), which are never decided on.

They are texts, or what an earlier run remembers (`curate.decisions.memory`). Texts are annotated like those of the
corpus and calibrate the detector together with the corpus's own trusted ones; no share of the mixture comes from them.
What is remembered was annotated and clustered then, by the same detector and centroids: thresholds, limits of quality
and shares of the clusters rest on it and on the corpus, and a text that both have counts once.
"""

from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curate.arrays import distinct
from curate.clusters.groups import Groups
from curate.clusters.kmeans import Centroids
from curate.config import Config, make_config
from curate.decisions.documents import prepare_documents
from curate.decisions.reference import Reference, ReferenceSample, calibration_sample, quality_sample, window_counts
from curate.decisions.suspects import score_cells
from curate.detector.drift import Drift, measure_drift
from curate.detector.groups import is_language
from curate.detector.sample import CalibrationSample
from curate.detector.windows import WindowCounts
from curate.mixture.overlap import TextSample, Totals, added, without_known
from curate.provenance.origin import SYNTHETIC
from curate.quality.calibration import QualitySample


@dataclass(frozen=True)
class HumanReference:
    """What is gathered of a reference set; merging is associative and commutative.

    Attributes:
        sample: a bounded sample of the scores.
        counts: documents, and of those used, unread (no text), unscored (too short), not_human (they say so).
        windows: of those used.
        quality: of those used.
        totals: sums over what is remembered, by cluster.
        texts: a sample of the texts of each cluster.
        contents: contents of the rows remembered, uint64[n] ascending.
        scores: of the rows remembered, by cluster (`curate.decisions.suspects.score_cells`).
    """

    sample: CalibrationSample
    counts: Counter[str] = field(default_factory=Counter)
    windows: WindowCounts = field(default_factory=WindowCounts)
    quality: QualitySample = field(default_factory=QualitySample)
    totals: Totals = field(default_factory=Totals.none)
    texts: TextSample = field(default_factory=TextSample)
    contents: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    scores: Counter[int] = field(default_factory=Counter)

    @staticmethod
    def recall(rows: pa.Table) -> "HumanReference":
        """Gathers rows that a run remembers, but for its totals.

        Args:
            rows: `curate.decisions.memory.REMEMBERED`.
        """
        unscored = rows["detector_score"].null_count
        counts = {"documents": rows.num_rows, "used": rows.num_rows - unscored, "unscored": unscored}
        return HumanReference(
            calibration_sample(rows),
            Counter(counts | {"unread": 0, "not_human": 0}),
            window_counts(rows),
            quality_sample(rows),
            texts=TextSample.collect(rows),
            contents=distinct(rows["content"].to_numpy()),
            scores=score_cells(rows),
        )

    @staticmethod
    def collect(features: pa.Table, clusters: Centroids | Groups | None, config: Config) -> "HumanReference":
        """Gathers a block.

        Args:
            features: `curate.schema.features`, n rows.
            clusters: those of the corpus; None when the mixture is off.
            config: settings.
        """
        documents = prepare_documents(features, clusters, config)
        unread = documents["read_reason"].is_valid().to_numpy()
        machine = (documents["own"].to_numpy() == SYNTHETIC) | documents["conflict"].to_numpy()
        unscored = documents["detector_score"].is_null().to_numpy()
        used = ~(unread | machine | unscored)
        counts = {
            "documents": len(used),
            "used": int(used.sum()),
            "unread": int(unread.sum()),
            "not_human": int((machine & ~unread).sum()),
            "unscored": int((unscored & ~machine & ~unread).sum()),
        }
        people = documents.filter(pa.array(used))
        gathered = calibration_sample(people), Counter(counts), window_counts(people), quality_sample(people)
        return HumanReference(*gathered)

    def merge(self, other: "HumanReference") -> "HumanReference":
        """What both parts of a reference set have."""
        counts = Counter(self.counts)
        counts.update(other.counts)
        return HumanReference(
            self.sample.merge(other.sample),
            counts,
            self.windows.merge(other.windows),
            self.quality.merge(other.quality),
            self.totals.merge(other.totals),
            self.texts.merge(other.texts),
            np.union1d(self.contents, other.contents),
            added(self.scores, other.scores),
        )

    def with_totals(self, totals: Totals) -> "HumanReference":
        """The same with the sums over all that is remembered, whose documents are counted as `remembered`."""
        counts = Counter({**self.counts, "remembered": sum(totals.documents.values())})
        return replace(self, totals=totals, counts=counts)


def joined(own: ReferenceSample | None, human: HumanReference | None) -> ReferenceSample | None:
    """The sample of a corpus together with human documents from outside it; None without both.

    Args:
        own: of the corpus.
        human: from outside.
    """
    if human is None:
        return own
    outside = ReferenceSample(
        human.sample,
        human.totals.tokens,
        human.totals.documents,
        windows=human.windows,
        quality=human.quality,
        squares=human.totals.squares,
        texts=human.texts,
        scores_of_people=human.scores,
    )
    if own is None:
        return outside
    new = without_known(own.totals, own.texts, human.texts)
    return replace(own, **new._asdict()).merge(outside)


def drift_of(own: ReferenceSample, reference: Reference, human: HumanReference | None) -> list[Drift]:
    """Whether a corpus's own trusted documents score as a reference set, or else as the reference in use.

    Args:
        own: of the corpus.
        reference: in use.
        human: a reference set, if there is one.
    """
    mine = _by_language(own.calibration)
    if human is not None:
        stored = _by_language(human.sample)
    else:
        stored = {name: reference.calibration.human(name) for name in mine}
    return measure_drift(mine, stored, mine)


def _by_language(sample: CalibrationSample) -> dict[str, NDArray[np.float32]]:
    return {name: scores for name, _, scores in sample.groups() if is_language(name)}


def human_config(config: Config) -> Config:
    """The settings that the documents of a reference set are annotated with: without duplicates and evaluation sets."""
    values = config.to_dict()
    values["dedupe"] |= {"enabled": False, "exclude": [], "prefer": []}
    return make_config(values)
