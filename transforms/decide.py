"""Wiring of the decisions: from features and verified pairs to one ledger row per document."""

from collections.abc import Iterator
from typing import Any, Dict, List, Optional

import apache_beam as beam
import pyarrow as pa
from apache_beam.pvalue import AsSingleton

from curate.clusters.groups import read_clusters
from curate.config import Config
from curate.decisions.contents import unresolved_pairs
from curate.decisions.documents import DOCUMENTS
from curate.decisions.earlier import EarlierMatches, new_and_superseded, new_documents
from curate.decisions.groups import decide_group, real_leaders
from curate.decisions.human import HumanReference, drift_of, joined
from curate.decisions.memory import REMEMBERED
from curate.decisions.mixing import ClusterSums, Mixture, finish, mix, tally_budget
from curate.decisions.reference import Reference, ReferenceSample
from curate.detector.drift import Drift
from curate.mixture.sampling import LEVELS, BudgetSearch, Tokens
from curate.review.calibration import highest
from curate.review.outcome import Review
from curate.schema import PAIRS
from curate.transforms.corpora import is_windowed
from curate.transforms.counters import count_decisions, counter
from curate.transforms.duplicates import CloseGroups, Grouped
from curate.transforms.human import SampleHuman
from curate.transforms.identity import PrepareDocuments, clusters_side
from curate.transforms.lines import RemoveLines
from curate.transforms.merge import Merge
from curate.transforms.tables import NamedCollections, concat


class Decide(beam.PTransform):
    """Decides every document.

    Args:
        config: settings.
        centroids: PCollection of the bytes of at most one set of centroids; None when the mixture is off.
        reference: PCollection of one `Reference` made by an earlier run; None draws it from this corpus.
        partitions: partitions of the id and content spaces; the decisions do not depend on it.
        review: the answers of reviewers and what they say of the thresholds; None without any.
        reviewed: group → least threshold that answers asked for in earlier runs; None without any.

    Returns:
        A dict of PCollections: `ledger` (tables of `curate.decisions.mixing.FINISHED`, each sorted by id and with whole
        duplicate groups), `renamed` (numbers of documents whose id was taken), `unresolved` (numbers of verified pairs
        left open), `reference` (one `Reference`), `mixture` (one `Mixture`), `earlier` (`EarlierMatches` to be merged),
        `human` (one `HumanReference` if there is a reference set) and `drift` (one list of `Drift`, if thresholds come
        from outside the corpus as well); without a document, none of them has an element. Besides `sample` (one
        `ReferenceSample`, of what the earlier run remembers too) and `real` (tables of
        `curate.decisions.memory.REMEMBERED`), of which `curate.transforms.human.Remember` makes what to keep.
    """

    def __init__(
        self,
        config: Config,
        centroids: Optional[beam.PCollection],
        reference: Optional[beam.PCollection],
        partitions: int,
        review: Optional[Review] = None,
        reviewed: Optional[Dict[str, float]] = None,
    ) -> None:
        self._config = config
        self._centroids = centroids
        self._reference = reference
        self._partitions = partitions
        self._review = review
        self._reviewed = reviewed

    def expand(self, inputs: NamedCollections) -> NamedCollections:
        """Applies the transform to {"features": …, "pairs": …}: tables.

        And to those of "units" to remove repeated lines, and of "human", the features of a reference set, or of
        "remembered", one `HumanReference`.
        """
        config = self._config
        answers = self._review.settled if self._review else None
        prepared = inputs["features"] | "Identify" >> PrepareDocuments(
            config, self._centroids, self._partitions, answers
        )
        rounds = config.dedupe.rounds if config.dedupe.enabled else 0  # without pairs nothing is linked
        groups = {
            "documents": prepared["documents"],
            "pairs": inputs["pairs"],
        } | "CloseGroups" >> CloseGroups(DOCUMENTS, rounds, self._partitions)
        if "human" in inputs:
            human = inputs["human"] | "Human" >> SampleHuman(config, self._centroids)
        elif "remembered" in inputs:
            human = inputs["remembered"]
        else:
            human = groups.pipeline | "NoHuman" >> beam.Create([]).with_output_types(HumanReference)
        outside = AsSingleton(human, default_value=None)
        real = groups | "RealLeaders" >> beam.ParDo(_CollectReference(config), outside).with_output_types(
            ReferenceSample, real=pa.Table
        ).with_outputs("real", main="sample")
        own = real.sample | "MergeReference" >> beam.CombineGlobally(Merge()).without_defaults()
        # Not from the corpus's own sample on: one without a document must not lose what is remembered.
        once = own if is_windowed(groups) else groups.pipeline | "Once" >> beam.Create([None])
        sample = once | "Join" >> beam.ParDo(_Join(), AsSingleton(own, default_value=None), outside)
        reference = self._reference
        if reference is None:
            least = highest(self._review.least if self._review else {}, self._reviewed or {})
            reference = sample | "Reference" >> beam.Map(Reference.of, config, least).with_output_types(Reference)
        if self._reference is not None or "human" in inputs or "remembered" in inputs:
            drift = own | "Drift" >> beam.ParDo(_Drift(), AsSingleton(reference), outside)
        else:
            drift = groups.pipeline | "NoDrift" >> beam.Create([]).with_output_types(List[Drift])
        decided = groups | "DecideGroups" >> beam.ParDo(_DecideGroup(config), AsSingleton(reference))
        if config.removes_lines():
            decided = {"decided": decided, "units": inputs["units"]} | "RemoveLines" >> RemoveLines(
                config, self._partitions
            )
        apart = decided | "PartEarlier" >> beam.ParDo(_PartEarlier()).with_output_types(
            pa.Table, earlier=EarlierMatches
        ).with_outputs("earlier", main="new")
        decided = apart.new
        mixture = (
            decided
            | "ClusterSums" >> beam.ParDo(_CollectSums())
            | "MergeSums" >> beam.CombineGlobally(Merge()).without_defaults()
            | "Mix" >> beam.ParDo(_Mix(config), AsSingleton(reference), clusters_side(self._centroids))
        )
        threshold = self._threshold(decided, mixture)
        ledger = decided | "Finish" >> beam.ParDo(_Finish(config), AsSingleton(mixture), threshold)
        unresolved = groups | "Unresolved" >> beam.ParDo(_Unresolved())
        return {
            "ledger": ledger,
            "renamed": prepared["renamed"],
            "unresolved": unresolved,
            "reference": reference,
            "mixture": mixture,
            "earlier": apart.earlier,
            "human": human,
            "drift": drift,
            "sample": sample,
            "real": real.real,
        }

    def _threshold(self, decided: beam.PCollection, mixture: beam.PCollection) -> Optional[AsSingleton]:
        """The threshold at which a token budget is spent, found in four sums over the documents; None without one."""
        if not (self._config.mixture.enabled and self._config.mixture.token_budget):
            return None
        search = decided.pipeline | "Budget" >> beam.Create([BudgetSearch(self._config.mixture.token_budget)])
        for level in range(LEVELS):
            tokens = (
                decided
                | f"Tally{level}" >> beam.ParDo(_Tally(self._config), AsSingleton(mixture), AsSingleton(search))
                | f"MergeTally{level}" >> beam.CombineGlobally(Merge()).without_defaults()
            )
            search = tokens | f"Narrow{level}" >> beam.ParDo(_Narrow(), AsSingleton(search))
        return AsSingleton(search, default_value=None)


class _CollectReference(beam.DoFn):
    def __init__(self, config: Config) -> None:
        self._config = config

    def process(self, element: Grouped, human: Optional[HumanReference]) -> Iterator[Any]:
        documents, pairs = (concat(element[1][name], schema) for name, schema in _INPUTS)
        real = real_leaders(documents, pairs, self._config)
        yield beam.pvalue.TaggedOutput("real", real.select(REMEMBERED.names))
        yield ReferenceSample.collect(real, documents, self._config, human.contents if human else None)


class _Join(beam.DoFn):
    def process(
        self, once: Any, own: Optional[ReferenceSample], human: Optional[HumanReference]
    ) -> Iterator[ReferenceSample]:
        sample = joined(own, human)
        if sample is not None:
            yield sample


class _Drift(beam.DoFn):
    def process(
        self, own: ReferenceSample, reference: Reference, human: Optional[HumanReference]
    ) -> Iterator[List[Drift]]:
        yield drift_of(own, reference, human)


class _DecideGroup(beam.DoFn):
    def __init__(self, config: Config) -> None:
        self._config = config

    def process(self, element: Grouped, reference: Reference) -> Iterator[pa.Table]:
        documents, pairs = (concat(element[1][name], schema) for name, schema in _INPUTS)
        yield new_and_superseded(decide_group(documents, pairs, reference, self._config))


class _PartEarlier(beam.DoFn):
    def process(self, decided: pa.Table) -> Iterator[pa.Table]:
        yield beam.pvalue.TaggedOutput("earlier", EarlierMatches.collect(decided))
        yield new_documents(decided)


class _Unresolved(beam.DoFn):
    def __init__(self) -> None:
        self._counted = counter("unresolved_pairs")

    def process(self, element: Grouped) -> Iterator[int]:
        documents, pairs = (concat(element[1][name], schema) for name, schema in _INPUTS)
        number = unresolved_pairs(documents, pairs)
        self._counted.inc(number)
        yield number


class _CollectSums(beam.DoFn):
    def process(self, decided: pa.Table) -> Iterator[ClusterSums]:
        yield ClusterSums.collect(decided)


class _Mix(beam.DoFn):
    def __init__(self, config: Config) -> None:
        self._config = config

    def process(self, sums: ClusterSums, reference: Reference, centroids: bytes) -> Iterator[Mixture]:
        yield mix(sums, reference, self._config, read_clusters(centroids, self._config))


class _Finish(beam.DoFn):
    def __init__(self, config: Config) -> None:
        self._config = config

    def process(self, decided: pa.Table, mixture: Mixture, search: Optional[BudgetSearch]) -> Iterator[pa.Table]:
        ledger = finish(decided, mixture, self._config, search.threshold if search else None)
        count_decisions(ledger)
        yield ledger


class _Tally(beam.DoFn):
    def __init__(self, config: Config) -> None:
        self._config = config

    def process(self, decided: pa.Table, mixture: Mixture, search: BudgetSearch) -> Iterator[Tokens]:
        yield tally_budget(decided, mixture, search, self._config)


class _Narrow(beam.DoFn):
    def process(self, tokens: Tokens, search: BudgetSearch) -> Iterator[BudgetSearch]:
        yield search.narrowed(tokens)


_INPUTS = (("documents", DOCUMENTS), ("pairs", PAIRS))
