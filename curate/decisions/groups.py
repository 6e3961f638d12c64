"""The decisions about a closed set of documents: evidence, verdicts and survivors."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.config import Config
from curate.decisions.actions import actions
from curate.decisions.contents import ContentGraph, content_graph
from curate.decisions.documents import DOCUMENTS
from curate.decisions.order import id_order, preference, survivor_rank
from curate.decisions.policy import policies
from curate.decisions.quality import REASON, judge_quality, reject_poor
from curate.decisions.reference import Reference
from curate.decisions.survivors import Survivors, survivors
from curate.decisions.travel import Travelled, captures, travel
from curate.decisions.verdict import ACCEPT, HOLD, REJECT, Verdicts, verdicts
from curate.decisions.verification import is_verified, verification_evidence
from curate.decisions.watermarks import hold_watermarked
from curate.decisions.windows import window_evidence, with_mixed
from curate.hashing import UInt64Array
from curate.provenance.evidence import combine, one_per_row
from curate.provenance.lineage import cutoffs
from curate.provenance.origin import REAL, UNKNOWN, fuse, prior
from curate.provenance.rights import denied
from curate.review.evidence import dismissed, follow_answers
from curate.schema import LEDGER
from curate.watermarks.evidence import watermark_evidence

_SPENT = (
    *("own", "conflict", "answer", "windows", "content_low", "preference", "signature_trusted", "quality"),
    *("evaluation", "evaluation_containment"),
)
"""Columns of the documents that no step after the decisions reads."""

DECIDED = pa.schema(
    [
        *(field for field in DOCUMENTS if field.name not in _SPENT),
        ("own", pa.int8()),
        ("verdict", pa.int8()),
        ("quality", pa.float32()),  # `curate.decisions.quality.Quality`
        ("quality_passed", pa.bool_()),
        ("verified", pa.bool_()),  # by `mixture.verifier`; true where there is none
        *(LEDGER.field(name) for name in ("decision", "stage", "reason")),  # null: for the mixture to decide
        *(LEDGER.field(name) for name in ("matched_id", "similarity", "containment")),
        ("matched_earlier", pa.bool_()),  # the match is a document of an earlier output
        *(LEDGER.field(name) for name in ("origin", "tier", "p_synthetic", "threshold", "group", "group_n", "weight")),
    ]
)

COPY_LLR = 5.0
"""Strength of travelled evidence: that of the lineage claims it comes from."""


@dataclass(frozen=True)
class _Group:
    """A closed set of documents, sorted by id, with the columns that every step reads."""

    documents: pa.Table
    order: UInt64Array
    own: NDArray[np.int8]
    conflict: NDArray[np.bool_]
    earlier: NDArray[np.bool_]
    capture: NDArray[np.int64]
    active: NDArray[np.bool_]
    graph: ContentGraph


def _group(documents: pa.Table, pairs: pa.Table, config: Config) -> _Group:
    # Ids are unique but among documents of several earlier outputs.
    documents = documents.sort_by([("id", "ascending"), ("row_hash", "ascending")])
    active = documents["read_reason"].is_null().to_numpy() & ~denied(documents["rights"], config.provenance)
    return _Group(
        documents=documents,
        order=id_order(documents, config.run.seed),
        own=documents["own"].to_numpy(),
        conflict=documents["conflict"].to_numpy(),
        earlier=documents["earlier"].to_numpy(),
        capture=captures(documents),
        active=active,
        graph=content_graph(documents, pairs, active & config.dedupe.enabled),
    )


def real_leaders(documents: pa.Table, pairs: pa.Table, config: Config) -> pa.Table:
    """The documents of own class real that survive among duplicates: the memory of real data.

    They rank before all others, so their survival hangs on no threshold and on no other document: thresholds
    and reference shares can be drawn from them. Documents of an earlier output, which have no score and no cluster,
    are left out with their copies. So are those that are real by a reviewer's word alone: people review what the
    detector suspects, so the scores and clusters of these are not those of people's documents.

    Args:
        documents: `DOCUMENTS`, closed under `pairs`.
        pairs: `curate.schema.PAIRS`.
        config: settings of dedupe and provenance.
    """
    real = pc.and_(pc.equal(documents["own"], REAL), pc.invert(documents["conflict"]))
    group = _group(documents.filter(pc.and_(real, documents["answer"].is_null())), pairs, config)
    matched = _survivors(group, np.full(len(group.own), ACCEPT), config)
    return group.documents.filter(pa.array(group.active & (matched.leader < 0) & ~group.earlier))


def decide_group(documents: pa.Table, pairs: pa.Table, reference: Reference, config: Config) -> pa.Table:
    """Decides a closed set of documents, but for the mixture.

    Args:
        documents: `DOCUMENTS`, closed under `pairs`.
        pairs: `curate.schema.PAIRS`.
        reference: thresholds and tail clusters.
        config: settings.

    Returns:
        `DECIDED`, one row per document, those of earlier outputs included, sorted by id.
    """
    group = _group(documents, pairs, config)
    travelled = _travel(group, config)
    watermarks, watermarked = watermark_evidence(group.documents["watermarks"], reference.watermarks)
    from_synthetic, from_capture = travelled.synthetic_from >= 0, travelled.capture_from >= 0
    conflict = group.conflict | (from_synthetic & from_capture)
    unknown = (group.own == UNKNOWN) & ~conflict & ~from_synthetic & ~from_capture
    windows, mixed = window_evidence(group.documents, unknown & group.active, reference, config)
    evidence = combine(_with_travelled(group, travelled), watermarks, windows)
    zones = reference.zones(group.documents, config)
    fused = fuse(
        evidence,
        own=group.own,
        conflict=conflict,
        prior=prior(group.documents, config),
        rules=config.provenance,
        detector=zones.log_odds,
        zone=zones.zone(),
    )
    judged = verdicts(
        group.own,
        conflict,
        from_synthetic,
        from_capture,
        zones,
        actions(group.documents["source"], config.synthetic),
        1.0 - fused.p_synthetic.astype(np.float64),
        fills=config.mixture.enabled,
        acts=config.synthetic.enabled,
        suspect_weight=config.synthetic.suspect_weight,
    )
    judged = hold_watermarked(judged, watermarked, unknown)
    quality = judge_quality(group.documents, reference, config)
    judged = follow_answers(reject_poor(judged, quality.dropped), group.documents["answer"], group.own)
    # What was kept is accepted, declared machine text too: among accepted documents the own class ranks.
    judged = replace(judged, verdict=np.where(group.earlier, ACCEPT, judged.verdict))
    matched = _survivors(group, judged.verdict, config).but(dismissed(group.documents["answer"]))
    decision, stage, reason = _outcome(group, judged, matched)
    derived = {
        "evidence": combine(evidence, quality.evidence, verification_evidence(group.documents["verification"], config)),
        "verdict": pa.array(judged.verdict),
        "quality": pa.array(quality.score, from_pandas=True),
        "quality_passed": pa.array(quality.passed),
        "verified": pa.array(is_verified(group.documents, config)),
        "decision": pa.array(decision, pa.string()),
        "stage": pa.array(stage, pa.string()),
        "reason": pa.array(reason, pa.string()),
        "matched_id": pc.coalesce(
            group.documents["evaluation"],
            group.documents["id"].take(pa.array(matched.leader, mask=matched.leader < 0)),
        ),
        "similarity": pa.array(matched.similarity, from_pandas=True),
        "containment": pc.coalesce(
            group.documents["evaluation_containment"], pa.array(matched.containment, from_pandas=True)
        ),
        "matched_earlier": pa.array((matched.leader >= 0) & group.earlier[matched.leader]),
        "origin": with_mixed(fused.origin, mixed),
        "tier": fused.tier,
        "p_synthetic": pa.array(fused.p_synthetic),
        "threshold": pa.array(zones.threshold(judged.reason), from_pandas=True),
        "group": zones.group,
        "group_n": zones.group_n,
        "weight": pa.array(np.round(judged.weight, 6)),
    }
    columns = [derived[name] if name in derived else group.documents[name] for name in DECIDED.names]
    return pa.table(columns, schema=DECIDED)


def _travel(group: _Group, config: Config) -> Travelled:
    dedupe = config.dedupe
    return travel(
        group.graph,
        group.own,
        group.capture,
        group.order,
        cutoffs(group.documents, config),
        dedupe.threshold,
        dedupe.containment,
    )


def _survivors(group: _Group, verdict: NDArray[np.int8], config: Config) -> Survivors:
    documents = group.documents
    trusted = documents["signature_trusted"].fill_null(False).to_numpy()
    rank = survivor_rank(
        verdict,
        group.own,
        group.earlier,
        trusted,
        preference(documents),
        group.capture,
        documents["chars"].to_numpy(),
        group.order,
    )
    earlier_class = np.where(group.earlier, group.own, np.int8(-1))
    return survivors(group.graph, verdict, rank, policies(documents["source"], config.dedupe), earlier_class)


def _with_travelled(group: _Group, travelled: Travelled) -> pa.Array:
    ids = group.documents["id"].combine_chunks()
    evidence = [group.documents["evidence"]]
    claims = (
        ("copy_of_synthetic", "synthetic", COPY_LLR, travelled.synthetic_from),
        ("copy_of_capture", "human", -COPY_LLR, travelled.capture_from),
    )
    for kind, claim, llr, source in claims:
        reached = source >= 0
        if reached.any():
            detail = ids.take(pa.array(source, mask=~reached))
            evidence.append(one_per_row(reached, "duplicate", kind, claim, llr, detail))
    return combine(*evidence)


def _outcome(
    group: _Group, judged: Verdicts, matched: Survivors
) -> tuple[NDArray[np.object_], NDArray[np.object_], NDArray[np.object_]]:
    """Decision, stage and reason of each document; decision and stage are None where the mixture decides."""
    count = len(group.own)
    decision, stage = np.full(count, None, dtype=object), np.full(count, None, dtype=object)
    reason = judged.reason.copy()

    rejected = judged.verdict == REJECT
    decision[rejected], stage[rejected] = "dropped", np.where(reason[rejected] == REASON, "mixture", "synthetic")
    held = judged.verdict == HOLD
    decision[held], stage[held] = "held", "synthetic"

    copies = matched.leader >= 0
    decision[copies], stage[copies], reason[copies] = "dropped", "dedupe", matched.kind[copies]
    waiting = copies.copy()
    waiting[copies] = judged.verdict[matched.leader[copies]] == HOLD
    decision[waiting], reason[waiting] = "held", "duplicate_of_held"

    unread = group.documents["read_reason"].is_valid().to_numpy()
    barred = ~group.active & ~unread
    decision[barred], stage[barred], reason[barred] = "dropped", "rights", "rights"
    decision[unread], stage[unread] = "dropped", "read"
    reason[unread] = group.documents["read_reason"].to_numpy(zero_copy_only=False)[unread]
    return decision, stage, reason
