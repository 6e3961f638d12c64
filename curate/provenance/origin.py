"""The verdict on origin: own class from a document's own hard evidence, and log-odds fusion of everything."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy
from numpy.typing import NDArray

from curate.config import Config, Provenance
from curate.provenance.evidence import (
    CLAIMS,
    CREDENTIALS,
    DETECTOR,
    FAMILIES,
    LINEAGE,
    METADATA,
    combine,
    list_lengths,
    one_chunk,
)
from curate.provenance.lineage import OVERRIDE, cutoffs, lineage_evidence, microseconds

REAL, UNKNOWN, SYNTHETIC = 0, 1, 2

# How far a calibrated detector sees a document: no threshold, clear, suspect, to drop.
NO_ZONE, CLEAR, SUSPECT, DROP = -1, 0, 1, 2

TIERS = ("trusted_human", "likely_human", "uncertain", "likely_synthetic", "declared_synthetic")
_TRUSTED_HUMAN, _LIKELY_HUMAN, _UNCERTAIN, _LIKELY_SYNTHETIC, _DECLARED_SYNTHETIC = range(5)

# Positions in CLAIMS.
_HUMAN, _MIXED, _SYNTHETIC, _PROCEDURAL, _UNKNOWN = range(5)

_CREDIBLE_CAPTURE = -2.5  # nats: a trusted capture, at worst with an open list of actions (half of -5)
_CREDIBLE_METADATA = 5.0
_CREDIBLE_CLAIM = 2.5  # a synthetic claim (+5) of a source of reliability one half
_SETTLING = 0.5  # least reliability of a family whose items settle an own class
_DETECTOR_LIMIT = 3.0
_UNSIGNED_LIMIT = 6.0


class OwnVerdict(NamedTuple):
    """What documents say about themselves.

    Attributes:
        own_class: int8[n], REAL, UNKNOWN or SYNTHETIC.
        conflict: bool[n], hard items contradict each other; such documents are UNKNOWN.
        evidence: EVIDENCE_LIST[n], credentials and lineage together.
    """

    own_class: NDArray[np.int8]
    conflict: NDArray[np.bool_]
    evidence: pa.ListArray


class Fused(NamedTuple):
    """The fused verdict.

    Attributes:
        p_synthetic: float32[n], posterior probability, rounded to six decimals.
        origin: string[n], human, mixed, synthetic, procedural or unknown.
        tier: string[n], trusted_human, likely_human, uncertain, likely_synthetic or declared_synthetic.
    """

    p_synthetic: NDArray[np.float32]
    origin: pa.Array
    tier: pa.Array


def own_class(features: pa.Table, config: Config) -> OwnVerdict:
    """Judges documents by their own hard evidence; a detector, a cluster or a neighbour never has a say.

    What reviewers say comes later and settles everything else (`curate.review.evidence`).

    Hard are: overrides (|llr| at least 8: listed sources, a trusted
    origin column); credentials of a trusted capture, or of any valid signer for generated content; generator metadata;
    an origin column that says synthetic; a capture before the cut-off. Hard human and hard synthetic items in one
    document are a conflict. A hard claim of mixed origin leaves the document UNKNOWN. Of a family whose
    `provenance.reliability` is below one half nothing is hard but the operator's own word.

    Args:
        features: n rows with any of the columns `findings`, `source`, `timestamp`, `published`, `origin_claim`.
        config: its provenance section is read.
    """
    parts = [lineage_evidence(features, config)]
    if "findings" in features.column_names:
        parts.insert(0, one_chunk(features["findings"]))
    items = _Items(combine(*parts), config.provenance)
    human, synthetic = items.rows_with(items.hard_human()), items.rows_with(items.hard_synthetic())
    mixed = items.rows_with(items.hard_mixed())
    conflict = human & synthetic
    classes = np.full(len(features), UNKNOWN, dtype=np.int8)
    classes[human & ~mixed] = REAL
    classes[synthetic] = SYNTHETIC
    classes[conflict] = UNKNOWN
    return OwnVerdict(classes, conflict, combine(*parts))


def prior(features: pa.Table, config: Config) -> NDArray[np.float64]:
    """Prior probability of synthetic text by date and source: `provenance.prior`.

    The defaults follow the growth of machine text on the web since 2022-11-30. A document is as old as the earlier of
    its capture and its declared date.

    Args:
        features: n rows with any of the columns `timestamp`, `published`, `source`.
        config: its provenance section is read.

    Returns:
        float64[n].
    """
    shares, cutoff, year_2024 = config.provenance.prior, cutoffs(features, config), 1_704_067_200_000_000
    captured, published = microseconds(features, "timestamp"), microseconds(features, "published")
    written = pc.min_element_wise(captured, published)
    pi = np.full(len(features), shares.later)
    pi[_true(pc.less(written, year_2024))] = shares.until_2024
    if shares.sources and "source" in features.column_names:
        known = pc.index_in(one_chunk(features["source"]), value_set=pa.array(list(shares.sources)))
        named = known.is_valid().to_numpy(zero_copy_only=False)
        pi[named] = np.array(list(shares.sources.values()))[known.drop_null().to_numpy()]
    pi[_true(pc.less(published, cutoff))] = shares.declared
    pi[_true(pc.less(captured, cutoff))] = shares.captured
    return pi


def fuse(
    evidence: pa.Array | pa.ChunkedArray,
    *,
    own: NDArray[np.int8],
    conflict: NDArray[np.bool_],
    prior: NDArray[np.float64],
    rules: Provenance,
    detector: NDArray[np.floating] | None = None,
    zone: NDArray[np.integer] | None = None,
) -> Fused:
    """Adds log likelihood ratios to the prior: the strongest item of each family, detector ±3, all unsigned ±6.

    Overrides and credentials stand outside the limit of ±6. A document with an own class is judged without the
    detector, which alone can give neither the first nor the last tier, nor an origin.

    Args:
        evidence: EVIDENCE_LIST[n].
        own: int8[n] from `own_class`.
        conflict: bool[n] from `own_class`.
        prior: float64[n], within (0, 1).
        rules: settings; the reliabilities of families are read.
        detector: calibrated log-odds per document, NaN where it abstains.
        zone: NO_ZONE, CLEAR, SUSPECT or DROP per document, from the calibrated thresholds.
    """
    items = _Items(one_chunk(evidence), rules)
    start = scipy.special.logit(np.asarray(prior, dtype=np.float64))
    family = items.strongest_per_family()
    # A settled class is not argued with: what speaks against it stays in the list, not in the sum.
    family = np.where((own == REAL)[:, None], np.minimum(family, 0.0), family)
    family = np.where((own == SYNTHETIC)[:, None], np.maximum(family, 0.0), family)
    signed = family[:, FAMILIES.index(CREDENTIALS)]
    others = np.delete(family, [FAMILIES.index(CREDENTIALS), FAMILIES.index(DETECTOR)], axis=1)
    overrides = np.where(np.abs(others) >= OVERRIDE, others, 0.0).sum(axis=1)
    unsigned = np.where(np.abs(others) >= OVERRIDE, 0.0, others).sum(axis=1)
    seen = np.nan_to_num(detector, nan=0.0) if detector is not None else family[:, FAMILIES.index(DETECTOR)]
    seen = np.where(own == UNKNOWN, np.clip(seen, -_DETECTOR_LIMIT, _DETECTOR_LIMIT), 0.0)

    sure = start + signed + overrides
    p_told = scipy.special.expit(sure + np.clip(unsigned, -_UNSIGNED_LIMIT, _UNSIGNED_LIMIT))
    p = scipy.special.expit(sure + np.clip(unsigned + seen, -_UNSIGNED_LIMIT, _UNSIGNED_LIMIT)).round(6)
    zones = np.full(len(p), NO_ZONE) if zone is None else np.asarray(zone)
    mixed, procedural = items.rows_with(items.hard_mixed()), items.rows_with(items.hard_procedural())
    told_human = items.rows_with(items.told(_HUMAN)) & (np.maximum(p, p_told) <= 0.02)

    unclear = conflict | ((own == UNKNOWN) & (mixed | procedural))
    tier = np.select(
        [
            unclear,
            own == REAL,
            own == SYNTHETIC,
            (p >= 0.95) | (zones == DROP),
            told_human,
            (zones == CLEAR) | ((zones == NO_ZONE) & (p <= 0.05)),
        ],
        [_UNCERTAIN, _TRUSTED_HUMAN, _DECLARED_SYNTHETIC, _LIKELY_SYNTHETIC, _TRUSTED_HUMAN, _LIKELY_HUMAN],
        default=_UNCERTAIN,
    )
    origin = np.select(
        [conflict, own == REAL, own == SYNTHETIC, mixed, procedural],
        [_UNKNOWN, _HUMAN, _SYNTHETIC, _MIXED, _PROCEDURAL],
        default=_told_origin(items, p),
    )
    return Fused(p.astype(np.float32), pa.array(CLAIMS).take(pa.array(origin)), pa.array(TIERS).take(pa.array(tier)))


def _told_origin(items: "_Items", p: NDArray[np.float64]) -> NDArray[np.int64]:
    """What the soft items other than the detector's claim, where the posterior does not contradict them."""
    human, synthetic = items.rows_with(items.told(_HUMAN)), items.rows_with(items.told(_SYNTHETIC))
    mixed, procedural = items.rows_with(items.told(_MIXED)), items.rows_with(items.told(_PROCEDURAL))
    return np.select(
        [mixed | (human & synthetic), synthetic & (p >= 0.5), procedural, human & (p < 0.5)],
        [_MIXED, _SYNTHETIC, _PROCEDURAL, _HUMAN],
        default=_UNKNOWN,
    )


class _Items:
    """The evidence of n documents as flat columns: one entry per item, with the row it belongs to."""

    def __init__(self, lists: pa.Array, rules: Provenance) -> None:
        values = lists.flatten()
        self._count = len(lists)
        self.row = np.repeat(np.arange(len(lists)), list_lengths(lists))
        self.family = _codes(pc.struct_field(values, "family"), FAMILIES)
        self.claim = _codes(pc.struct_field(values, "claim"), CLAIMS)
        self.kind = pc.struct_field(values, "kind")
        llr = pc.struct_field(values, "llr").to_numpy(zero_copy_only=False).astype(np.float64)
        factors = np.array([rules.family_reliability(family) for family in FAMILIES])[self.family]
        factors[(self.family == FAMILIES.index(LINEAGE)) & (np.abs(llr) >= OVERRIDE)] = 1.0  # the operator's own word
        self.llr = llr * factors
        self._raw, self._settles = llr, factors >= _SETTLING

    def rows_with(self, selected: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """bool[n]: rows that have a selected item."""
        return np.bincount(self.row[selected], minlength=self._count) > 0

    def hard_human(self) -> NDArray[np.bool_]:
        capture = self._is("c2pa_trusted") & (self.claim == _HUMAN) & (self._raw <= _CREDIBLE_CAPTURE)
        return self._settles & ((self._raw <= -OVERRIDE) | capture | self._is("capture_date"))

    def hard_synthetic(self) -> NDArray[np.bool_]:
        credible = self._signed() | self._claimed() | self._metadata()
        return self._settles & ((self._raw >= OVERRIDE) | (credible & (self.claim == _SYNTHETIC)))

    def hard_mixed(self) -> NDArray[np.bool_]:
        credible = self._signed() | self._told() | self._metadata()
        return self._settles & credible & (self.claim == _MIXED)

    def hard_procedural(self) -> NDArray[np.bool_]:
        credible = self._signed() | self._told()
        return self._settles & credible & (self.claim == _PROCEDURAL)

    def told(self, claim: int) -> NDArray[np.bool_]:
        """Items other than the detector's that make a claim; dates alone tell an age, not an origin."""
        dated = self._is("declared_date") & (self.family == FAMILIES.index(LINEAGE))
        return (self.claim == claim) & (self.family != FAMILIES.index(DETECTOR)) & ~dated

    def strongest_per_family(self) -> NDArray[np.float64]:
        """float64[n, families]: the llr farthest from 0; of two equally far, the one towards synthetic."""
        shape = (self._count, len(FAMILIES))
        high, low = np.zeros(shape), np.zeros(shape)
        np.maximum.at(high, (self.row, self.family), self.llr)
        np.minimum.at(low, (self.row, self.family), self.llr)
        return np.where(high >= -low, high, low)

    def _is(self, kind: str) -> NDArray[np.bool_]:
        return _equal(self.kind, kind)

    def _signed(self) -> NDArray[np.bool_]:
        return self._is("c2pa_trusted") | self._is("c2pa_valid")

    def _told(self) -> NDArray[np.bool_]:
        return self._is("origin_column") | self._is("source_list")

    def _claimed(self) -> NDArray[np.bool_]:
        """What is said of a document, or of all its data set, by a source that is mostly to be believed."""
        return (self._is("origin_column") | self._is("dataset")) & (self._raw >= _CREDIBLE_CLAIM)

    def _metadata(self) -> NDArray[np.bool_]:
        return (self.family == FAMILIES.index(METADATA)) & (self._raw >= _CREDIBLE_METADATA)


def _codes(strings: pa.Array, names: tuple[str, ...]) -> NDArray[np.int64]:
    """The position of each string among names, -1 for another."""
    index = pc.index_in(strings, value_set=pa.array(names))
    return pc.fill_null(index, -1).to_numpy(zero_copy_only=False).astype(np.int64)


def _equal(strings: pa.Array, text: str) -> NDArray[np.bool_]:
    return _true(pc.equal(strings, text))


def _true(mask: pa.Array) -> NDArray[np.bool_]:
    return pc.fill_null(mask, False).to_numpy(zero_copy_only=False)
