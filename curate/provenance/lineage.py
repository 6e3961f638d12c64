"""Lineage: what the columns beside a document say about where it comes from."""

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.config import Config
from curate.provenance.datasets import source_evidence
from curate.provenance.evidence import LINEAGE, RIGHTS, combine, one_chunk, one_per_row
from curate.provenance.rights import each_distinct

T = TypeVar("T", int, float)

# Words of origin columns, each with the claim it makes; an earlier run's curate_origin holds the claims themselves.
ORIGIN_WORDS = {
    "human": "human",
    "real": "human",
    "natural": "human",
    "human-written": "human",
    "mixed": "mixed",
    "composite": "mixed",
    "hybrid": "mixed",
    "synthetic": "synthetic",
    "machine": "synthetic",
    "ai": "synthetic",
    "llm": "synthetic",
    "generated": "synthetic",
    "ai-generated": "synthetic",
    "machine-generated": "synthetic",
    "procedural": "procedural",
    "template": "procedural",
}

OVERRIDE = 8.0  # nats: an operator's word, which outweighs everything that is inferred
DECLARED_SYNTHETIC = 5.0  # a statement against the interest of whoever makes it
DECLARED_MIXED = 1.0
DECLARED_HUMAN = -0.5  # trivially claimed

_MICROSECONDS = {"s": 1_000_000, "ms": 1_000, "us": 1}


def lineage_evidence(features: pa.Table, config: Config) -> pa.ListArray:
    """Evidence from the columns beside a document and the operator's rules for its source; missing columns are null.

    - `capture_date`: captured before the source's cut-off, so no chat model wrote it. Its llr is 0 because it acts
      through the prior; it is hard all the same.
    - `declared_date`: said to be published before the cut-off; weak, and through the prior as well. A capture before
      the cut-off makes it superfluous, and one after it does not refute it.
    - `source_list`: the operator knows the origin of the source (`human_sources`, `synthetic_sources`, `sources`);
      human and synthetic are overrides.
    - `origin_column`: one of `ORIGIN_WORDS`, in any case. A synthetic claim is credible (+5); a human one is hardly
      worth more than nothing (-0.5), unless `provenance.trust_origin` or a known source makes the column an override.
      Both by the reliability of the source.
    - `parent`: what it was made from; tells nothing of origin.
    - `dataset` and others: what the metadata of its data set say (`curate.provenance.datasets`).
    - `source_rights` and `license` (family rights): what the operator says of the source, and of the licence.

    Args:
        features: n rows; timestamps of any unit, naive ones in UTC.
        config: its provenance section is read.

    Returns:
        EVIDENCE_LIST array of length n.
    """
    source, origin = _strings(features, "source"), _strings(features, "origin_claim")
    captured, published = microseconds(features, "timestamp"), microseconds(features, "published")
    cutoff = cutoffs(features, config)
    parent, license = _strings(features, "parent"), _strings(features, "license")

    known = known_origin(source, config)
    claim = _claims(origin)
    reliability = per_source(source, {name: rule.reliability for name, rule in config.provenance.sources.items()}, 1.0)
    claim_llr = _claim_llr(claim, _valid(known) | config.provenance.trust_origin, reliability)
    before = _true(pc.less(captured, cutoff))
    declared = _true(pc.less(published, cutoff)) & ~before
    source_rights = _looked_up(source, {name: rule.rights for name, rule in config.provenance.sources.items()})
    terms = {name.strip().lower(): verdict for name, verdict in config.provenance.licenses.items()}
    license_rights = each_distinct(license, lambda name: terms.get(name.strip().lower()))
    return combine(
        one_per_row(before, LINEAGE, "capture_date", "human", 0.0, _days(captured)),
        one_per_row(declared, LINEAGE, "declared_date", "human", 0.0, _days(published)),
        one_per_row(_valid(known), LINEAGE, "source_list", known, _known_llr(known), source),
        one_per_row(_valid(claim), LINEAGE, "origin_column", claim, claim_llr, origin),
        one_per_row(_valid(parent), LINEAGE, "parent", "unknown", 0.0, parent),
        one_per_row(_valid(source_rights), RIGHTS, "source_rights", source_rights, 0.0, source),
        one_per_row(_valid(license_rights), RIGHTS, "license", license_rights, 0.0, license),
        source_evidence(source, config.provenance),
    )


def known_origin(source: pa.Array, config: Config) -> pa.Array:
    """The origin that the operator knows of each document's source, string[n]; null where none is known."""
    rules = config.provenance
    origins: dict[str, str | None] = {name: rule.origin for name, rule in rules.sources.items()}
    origins |= dict.fromkeys(rules.human_sources, "human") | dict.fromkeys(rules.synthetic_sources, "synthetic")
    return _looked_up(source, origins)


def cutoffs(features: pa.Table, config: Config) -> NDArray[np.int64]:
    """The cut-off that holds for each document's source, microseconds since the Unix epoch, int64[n]."""
    own = {name: config.cutoff_us(name) for name, rule in config.provenance.sources.items() if rule.capture_cutoff}
    return per_source(_strings(features, "source"), own, config.cutoff_us())


def per_source(source: pa.Array, values: Mapping[str, T], otherwise: T) -> NDArray[Any]:
    """The value of each document's source, [n]; `otherwise` for sources without one."""
    place = pc.fill_null(pc.index_in(source, value_set=pa.array(list(values), pa.string()), skip_nulls=True), -1)
    return np.array([*values.values(), otherwise])[place.to_numpy(zero_copy_only=False)]


def _looked_up(source: pa.Array, words: Mapping[str, str | None]) -> pa.Array:
    """The word of each document's source, string[n]; null for sources without one."""
    place = pc.index_in(source, value_set=pa.array(list(words), pa.string()), skip_nulls=True)
    return pa.array(list(words.values()), pa.string()).take(place)


def microseconds(features: pa.Table, name: str) -> pa.Array:
    """A date or timestamp column as int64 microseconds since the Unix epoch, UTC.

    Timestamps without a zone are taken as UTC; times beyond the range of microseconds are clipped to it.
    """
    if name not in features.column_names:
        return pa.nulls(len(features), pa.int64())
    column = one_chunk(features[name])
    if pa.types.is_null(column.type):
        return pa.nulls(len(features), pa.int64())
    if pa.types.is_date(column.type):
        column = column.cast(pa.date32()).cast(pa.timestamp("s"))
    ticks = column.cast(pa.int64())
    if column.type.unit == "ns":
        return pc.floor(pc.divide(pc.cast(ticks, pa.float64(), safe=False), 1000.0)).cast(pa.int64())
    scale = _MICROSECONDS[column.type.unit]
    limit = (2**63 - 1) // scale
    return pc.multiply(
        pc.max_element_wise(pc.min_element_wise(ticks, limit, skip_nulls=False), -limit, skip_nulls=False), scale
    )


def _claims(origin: pa.Array) -> pa.Array:
    words = pc.replace_substring(pc.utf8_lower(pc.utf8_trim_whitespace(origin)), "_", "-")
    index = pc.index_in(words, value_set=pa.array(list(ORIGIN_WORDS)), skip_nulls=True)
    return pa.array(list(ORIGIN_WORDS.values())).take(index)


def _known_llr(known: pa.Array) -> NDArray[np.float32]:
    """Nats of the origin that the operator knows: an override where human or synthetic."""
    return np.select([_true(pc.equal(known, "human")), _true(pc.equal(known, "synthetic"))], [-OVERRIDE, OVERRIDE], 0.0)


def _claim_llr(claim: pa.Array, trusted: NDArray[np.bool_], reliability: NDArray[np.float64]) -> NDArray[np.float32]:
    """Nats of each origin claim; 0 where procedural or null."""
    llr = np.zeros(len(claim), dtype=np.float32)
    for name, weak, sure in (
        ("human", DECLARED_HUMAN, -OVERRIDE),
        ("synthetic", DECLARED_SYNTHETIC, OVERRIDE),
        ("mixed", DECLARED_MIXED, DECLARED_MIXED),
    ):
        here = _true(pc.equal(claim, name))
        llr[here] = np.where(trusted[here], sure, weak * reliability[here])
    return llr


def _strings(features: pa.Table, name: str) -> pa.Array:
    if name not in features.column_names:
        return pa.nulls(len(features), pa.string())
    return one_chunk(features[name]).cast(pa.string())


def _valid(values: pa.Array) -> NDArray[np.bool_]:
    return values.is_valid().to_numpy(zero_copy_only=False)


def _true(mask: pa.Array) -> NDArray[np.bool_]:
    return pc.fill_null(mask, False).to_numpy(zero_copy_only=False)


def _days(times: pa.Array) -> pa.Array:
    """The UTC days as text, without a time zone database."""
    return times.cast(pa.timestamp("us")).cast(pa.date32(), safe=False).cast(pa.string())
