"""What the corpus knows of real documents: calibrated thresholds and the reference shares of the clusters."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy
from numpy.typing import NDArray

from curate.config import Config
from curate.decisions.suspects import beyond_errors, score_cells
from curate.decisions.verdict import Suspicion, Zones
from curate.detector.calibration import Calibration, conformal_threshold
from curate.detector.groups import GroupNames, cluster_of, group_names, is_language
from curate.detector.other import detector_of, unscored
from curate.detector.platt import Platt, platt_of_groups
from curate.detector.prevalence import bin_edges
from curate.detector.sample import CalibrationSample
from curate.detector.thresholds import Thresholds, thresholds
from curate.detector.windows import WindowCounts
from curate.mixture.overlap import TextSample, Totals, added
from curate.mixture.reference import tail_clusters
from curate.quality.calibration import QualityLimits, QualitySample
from curate.review.calibration import raised
from curate.watermarks.discoveries import Discoveries, Results

RARE_FACTOR = 2.0
RARE_CHANCE = 0.01


@dataclass(frozen=True)
class ReferenceSample:
    """What is gathered of trusted human documents; merging is associative and commutative.

    Attributes:
        calibration: a bounded sample of their detector scores.
        tokens: their tokens per cluster.
        documents: their number per cluster.
        contents: distinct texts per cluster, whoever wrote them.
        watermarks: results of tests for watermarks, likewise.
        windows: of their distinct texts.
        quality: levels of quality, likewise.
        squares: sums of their squared tokens per cluster.
        texts: a bounded sample of their texts per cluster.
        scores: distinct texts per cluster and bin of their scores, whoever wrote them (`curate.decisions.suspects`).
        scores_of_people: real documents likewise.
    """

    calibration: CalibrationSample
    tokens: Counter[int] = field(default_factory=Counter)
    documents: Counter[int] = field(default_factory=Counter)
    contents: Counter[int] = field(default_factory=Counter)
    watermarks: Results = field(default_factory=Results)
    windows: WindowCounts = field(default_factory=WindowCounts)
    quality: QualitySample = field(default_factory=QualitySample)
    squares: Counter[int] = field(default_factory=Counter)
    texts: TextSample = field(default_factory=TextSample)
    scores: Counter[int] = field(default_factory=Counter)
    scores_of_people: Counter[int] = field(default_factory=Counter)

    @staticmethod
    def collect(
        real: pa.Table, documents: pa.Table, config: Config, known: NDArray[np.uint64] | None = None
    ) -> "ReferenceSample":
        """Gathers what one closed set of documents has.

        Args:
            real: real documents that survive among duplicates (`curate.decisions.groups.real_leaders`).
            documents: all documents of the set; a text is in no other set.
            config: settings.
            known: contents of texts whose windows are counted elsewhere.
        """
        totals = Totals.of(real)
        distinct = real.take(np.unique(real["content"].to_numpy(), return_index=True)[1])
        if known is not None:
            distinct = distinct.filter(pa.array(~np.isin(distinct["content"].to_numpy(), known)))
        return ReferenceSample(
            calibration_sample(real),
            totals.tokens,
            totals.documents,
            _contents_by_cluster(documents),
            Results.collect(documents, real, config.synthetic.watermark_q),
            window_counts(distinct),
            quality_sample(real),
            totals.squares,
            TextSample.collect(real),
            score_cells(documents),
            score_cells(distinct),
        )

    @property
    def totals(self) -> Totals:
        """Tokens, documents and squares."""
        return Totals(self.tokens, self.documents, self.squares)

    def merge(self, other: "ReferenceSample") -> "ReferenceSample":
        """The sample of both parts of a corpus."""
        return ReferenceSample(
            self.calibration.merge(other.calibration),
            added(self.tokens, other.tokens),
            added(self.documents, other.documents),
            added(self.contents, other.contents),
            self.watermarks.merge(other.watermarks),
            self.windows.merge(other.windows),
            self.quality.merge(other.quality),
            added(self.squares, other.squares),
            self.texts.merge(other.texts),
            added(self.scores, other.scores),
            added(self.scores_of_people, other.scores_of_people),
        )


def _contents_by_cluster(documents: pa.Table) -> Counter[int]:
    clustered = documents.filter(documents["cluster"].is_valid())
    distinct = clustered.group_by(["cluster", "content"]).aggregate([])
    counts = distinct.group_by("cluster").aggregate([("content", "count")])
    return Counter(dict(zip(counts["cluster"].to_pylist(), counts["content_count"].to_pylist(), strict=True)))


@dataclass(frozen=True)
class Reference:
    """The memory of real data that decisions are made with; an artefact, reusable by later runs.

    Attributes:
        calibration: detector scores per group.
        tokens: tokens of real documents per cluster.
        documents: their number per cluster.
        contents: distinct texts per cluster, whoever wrote them.
        watermarks: test → what it found, with its threshold.
        windows: of human documents.
        quality: what quality human documents have.
        squares: sums of the squared tokens of real documents per cluster; empty in references of older versions.
        scores: distinct texts per cluster and bin of their scores, whoever wrote them; empty likewise.
        scores_of_people: real documents likewise.
        reviewed: group → least threshold of suspicion that reviewers' answers ask for (`curate.review.calibration`).
    """

    calibration: Calibration
    tokens: dict[int, int]
    documents: dict[int, int]
    contents: dict[int, int]
    watermarks: dict[str, Discoveries] = field(default_factory=dict)
    windows: WindowCounts = field(default_factory=WindowCounts)
    quality: QualityLimits = field(default_factory=QualityLimits)
    squares: dict[int, int] = field(default_factory=dict)
    scores: dict[int, int] = field(default_factory=dict)
    scores_of_people: dict[int, int] = field(default_factory=dict)
    reviewed: dict[str, float] = field(default_factory=dict)

    @staticmethod
    def of(sample: ReferenceSample | None, config: Config, reviewed: dict[str, float] | None = None) -> "Reference":
        """The reference that a sample gives; an empty one without a sample.

        Args:
            sample: of the corpus and of what calibrates besides (`curate.decisions.human.joined`).
            config: settings.
            reviewed: what answers ask for.
        """
        if sample is None:
            return Reference(Calibration({}, {}), {}, {}, {})
        tokens, documents, contents = (dict(counts) for counts in (sample.tokens, sample.documents, sample.contents))
        found = sample.watermarks.discoveries(config.synthetic.watermark_q)
        limits = sample.quality.calibrate(config.quality.alpha, config.quality.min_group, config.run.seed)
        calibrated = sample.calibration.calibrate(config.run.seed)
        squares = dict(sample.squares)
        return Reference(
            calibrated,
            tokens,
            documents,
            contents,
            found,
            sample.windows,
            limits,
            squares,
            dict(sample.scores),
            dict(sample.scores_of_people),
            reviewed or {},
        )

    @property
    def id(self) -> str:
        """Digest of the reference."""
        content = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return "reference-" + hashlib.sha256(content.encode()).hexdigest()[:12]

    def tail(self, config: Config) -> NDArray[np.int32]:
        """The tail clusters: the smallest ones that together hold `mixture.tail_mass` of the real tokens."""
        clusters = np.array(sorted(self.tokens), dtype=np.int32)
        return clusters[tail_clusters(self.token_array()[clusters], config.mixture.tail_mass)]

    def protected_clusters(self, config: Config) -> NDArray[np.int32]:
        """Tail clusters whose documents the detector may neither hold nor drop.

        Those that are rare among real documents only are left out: a cluster that machine text has filled is small
        in the reference and large in the corpus, and sheltering it would shelter the machine text. It is one
        with less than 1 / `RARE_FACTOR` of the real documents that its size lets one expect, by more than chance: the
        conditional test of two Poisson rates (Przyborowski and Wilenski, 1940), since real documents that are
        remembered from earlier corpora may be many more than the documents of this one.
        Left out as well are clusters with more suspects than errors of the detector explain: where machines fill all
        clusters alike, none of them is larger than the others let one expect.
        """
        tail = self.tail(config)
        alpha = config.synthetic.alpha_suspect
        suspect = conformal_threshold(self._ascending_scores, alpha)
        tail = tail[~beyond_errors(self.scores, self.scores_of_people, tail, suspect, alpha)]
        share = sum(self.documents.values()) / max(sum(self.contents.values()), 1)
        found = np.array([self.documents[cluster] for cluster in tail.tolist()], dtype=np.int64)
        size = np.array([self.contents.get(cluster, 0) for cluster in tail.tolist()], dtype=np.int64)
        rate = share / RARE_FACTOR
        by_chance = scipy.special.bdtr(found, found + size, rate / (1.0 + rate))
        return tail[by_chance >= RARE_CHANCE]

    def token_array(self, clusters: int = 0) -> NDArray[np.float64]:
        """Real tokens by cluster number, float64[clusters], at least as long as the clusters known."""
        tokens = np.zeros(max(clusters, max(self.tokens, default=-1) + 1))
        tokens[list(self.tokens)] = list(self.tokens.values())
        return tokens

    def frozen_clusters(self, clusters: int, config: Config) -> NDArray[np.bool_]:
        """Clusters where the detector errs on real documents more than it may, in any language; bool[clusters]."""
        calibration, settings = self.calibration, config.synthetic
        frozen = np.zeros(clusters, dtype=bool)
        for group in calibration.scores:
            number = cluster_of(group)
            if number is not None and number < clusters:
                small = calibration.documents(group) < settings.min_group
                errs = calibration.frozen_under_parent if small else calibration.frozen
                frozen[number] |= errs(group, settings.alpha_suspect)
        return frozen

    def zones(self, documents: pa.Table, config: Config) -> Zones:
        """What the detector says of documents, by the thresholds of their groups.

        Args:
            documents: columns detector_score, language, source, tokens and cluster.
            config: settings of the filter.
        """
        found, suspicion = self._suspicion(documents, groups_of(documents), config)
        scored = pa.array(~np.isnan(suspicion.score))
        detector = detector_of(config) if config.synthetic.enabled else None
        platt = platt_of_groups(found.group, self.calibration, detector) if detector else Platt(1.0, 0.0)
        return Zones(
            **vars(suspicion),
            drop=np.maximum(found.drop, suspicion.suspect),
            log_odds=platt.a * suspicion.score.astype(np.float64) + platt.b,
            group=pc.if_else(scored, found.group, None),
            group_n=pc.if_else(scored, pa.array(found.group_n), None),
        )

    def suspicions(self, documents: pa.Table, configs: Iterable[Config]) -> Iterator[Suspicion]:
        """Whom the detector suspects among documents (as for `zones`), under one settings after the other."""
        names = groups_of(documents)
        for config in configs:
            yield self._suspicion(documents, names, config)[1]

    def _suspicion(self, documents: pa.Table, names: GroupNames, config: Config) -> tuple[Thresholds, Suspicion]:
        scores, settings = scores_of(documents), config.synthetic
        found = thresholds(
            self.calibration,
            names,
            settings.alpha_suspect,
            settings.alpha_drop,
            settings.min_group,
            detector_of(config).fallback if settings.enabled else {},
        )
        in_tail = pc.is_in(documents["cluster"], value_set=pa.array(self.protected_clusters(config))).to_numpy()
        return found, Suspicion(
            score=scores,
            suspect=raised(found.suspect, found.group, self.reviewed),
            failed=unscored(documents["tokens"].to_numpy(), scores, config),
            protected=in_tail | (found.language_n < settings.min_group),
        )

    def score_edges(self, config: Config) -> NDArray[np.float64]:
        """Bin edges of the score histograms that prevalence is estimated from."""
        return bin_edges(self.human_scores(), detector_of(config).reference_scores("machine"))

    def human_scores(self) -> NDArray[np.float32]:
        """Scores of all real documents sampled, over the languages."""
        languages = [self.calibration.human(group) for group in self.calibration.scores if is_language(group)]
        return np.concatenate([np.empty(0, np.float32), *languages])

    @cached_property
    def _ascending_scores(self) -> NDArray[np.float32]:
        return np.sort(self.human_scores())

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; `from_dict` gives back an equal reference."""
        return {
            "calibration": self.calibration.to_dict(),
            "tokens": {str(cluster): self.tokens[cluster] for cluster in sorted(self.tokens)},
            "documents": {str(cluster): self.documents[cluster] for cluster in sorted(self.documents)},
            "contents": {str(cluster): self.contents[cluster] for cluster in sorted(self.contents)},
            "watermarks": {name: found.to_dict() for name, found in sorted(self.watermarks.items())},
            "windows": self.windows.to_dict(),
            "quality": self.quality.to_dict(),
            "squares": {str(cluster): self.squares[cluster] for cluster in sorted(self.squares)},
            "scores": {str(cell): self.scores[cell] for cell in sorted(self.scores)},
            "scores_of_people": {str(cell): self.scores_of_people[cell] for cell in sorted(self.scores_of_people)},
            "reviewed": self.reviewed,
        }

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "Reference":
        """Reads what `to_dict` gave."""
        names = ("tokens", "documents", "contents")
        tokens, documents, contents = ({int(cluster): int(n) for cluster, n in values[name].items()} for name in names)
        found = {name: Discoveries(**result) for name, result in values.get("watermarks", {}).items()}
        windows = WindowCounts.from_dict(values["windows"]) if "windows" in values else WindowCounts()
        quality = QualityLimits.from_dict(values.get("quality", {}))
        squares = {int(cluster): int(n) for cluster, n in values.get("squares", {}).items()}
        scores, people = (
            {int(cell): int(n) for cell, n in values.get(name, {}).items()} for name in ("scores", "scores_of_people")
        )
        return Reference(
            Calibration.from_dict(values["calibration"]),
            tokens,
            documents,
            contents,
            found,
            windows,
            quality,
            squares,
            scores,
            people,
            values.get("reviewed", {}),
        )


def scores_of(documents: pa.Table) -> NDArray[np.float32]:
    """Detector scores, float32[n], NaN where null."""
    return documents["detector_score"].to_numpy().astype(np.float32)


def calibration_sample(documents: pa.Table) -> CalibrationSample:
    """Samples human documents; of those with the same text one counts."""
    return CalibrationSample.collect(groups_of(documents), scores_of(documents), documents["content"].to_numpy())


def window_counts(documents: pa.Table) -> WindowCounts:
    """Counts the windows of human documents."""
    return WindowCounts.collect(documents["language"], documents["windows"])


def quality_sample(documents: pa.Table) -> QualitySample:
    """Samples the quality of human documents; of those with the same text one counts."""
    return QualitySample.collect(documents["language"], documents["quality"], documents["content"].to_numpy())


def groups_of(documents: pa.Table) -> GroupNames:
    """The calibration groups of documents, by their columns language, source, tokens and cluster."""
    language, source, cluster = (documents[name].combine_chunks() for name in ("language", "source", "cluster"))
    return group_names(language, source, documents["tokens"].to_numpy(), cluster)
