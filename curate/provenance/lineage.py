"""Lineage: what the columns beside a document say about where it comes from."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.config import Config
from curate.provenance.evidence import LINEAGE, combine, one_chunk, one_per_row

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
    """Evidence from the columns `source`, `timestamp`, `published` and `origin_claim`; missing columns are null.

    - `capture_date`: captured before the cut-off, so no chat model wrote it. Its llr is 0 because it acts through the
      prior; it is hard all the same.
    - `declared_date`: said to be published before the cut-off; weak, and through the prior as well.
    - `source_list`: the operator lists the source as human or synthetic; an override.
    - `origin_column`: one of `ORIGIN_WORDS`, in any case. A synthetic claim is credible (+5); a human one is hardly
      worth more than nothing (-0.5), unless `provenance.trust_origin` or a listed source makes the column an override.

    Args:
        features: n rows; timestamps of any unit, naive ones in UTC.
        config: its provenance section is read.

    Returns:
        EVIDENCE_LIST array of length n.
    """
    rules = config.provenance
    cutoff = config.cutoff_us()
    source, origin = _strings(features, "source"), _strings(features, "origin_claim")
    captured, published = microseconds(features, "timestamp"), microseconds(features, "published")

    human_source, synthetic_source = _among(source, rules.human_sources), _among(source, rules.synthetic_sources)
    claim = _claims(origin)
    trusted = human_source | synthetic_source | rules.trust_origin
    claimed = claim.is_valid().to_numpy(zero_copy_only=False)
    before = _earlier(captured, cutoff)
    return combine(
        one_per_row(before, LINEAGE, "capture_date", "human", 0.0, _days(captured)),
        one_per_row(_earlier(published, cutoff) & ~before, LINEAGE, "declared_date", "human", 0.0, _days(published)),
        one_per_row(human_source, LINEAGE, "source_list", "human", -OVERRIDE, source),
        one_per_row(synthetic_source, LINEAGE, "source_list", "synthetic", OVERRIDE, source),
        one_per_row(claimed, LINEAGE, "origin_column", claim, _claim_llr(claim, trusted), origin),
    )


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


def _claim_llr(claim: pa.Array, trusted: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Nats of each origin claim; 0 where procedural or null."""
    llr = np.zeros(len(claim), dtype=np.float32)
    for name, weak, sure in (
        ("human", DECLARED_HUMAN, -OVERRIDE),
        ("synthetic", DECLARED_SYNTHETIC, OVERRIDE),
        ("mixed", DECLARED_MIXED, DECLARED_MIXED),
    ):
        here = _true(pc.equal(claim, name))
        llr[here] = np.where(trusted[here], sure, weak)
    return llr


def _strings(features: pa.Table, name: str) -> pa.Array:
    if name not in features.column_names:
        return pa.nulls(len(features), pa.string())
    return one_chunk(features[name]).cast(pa.string())


def _among(source: pa.Array, names: tuple[str, ...]) -> NDArray[np.bool_]:
    return _true(pc.is_in(source, value_set=pa.array(names, pa.string()), skip_nulls=True))


def _earlier(times: pa.Array, cutoff: int) -> NDArray[np.bool_]:
    return _true(pc.less(times, cutoff))


def _true(mask: pa.Array) -> NDArray[np.bool_]:
    return pc.fill_null(mask, False).to_numpy(zero_copy_only=False)


def _days(times: pa.Array) -> pa.Array:
    """The UTC days as text, without a time zone database."""
    return times.cast(pa.timestamp("us")).cast(pa.date32(), safe=False).cast(pa.string())
