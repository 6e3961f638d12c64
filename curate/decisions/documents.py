"""From features to documents: the cluster, the own evidence and the own class of each, without bands and embedding."""

import numpy as np
import pyarrow as pa

from curate.clusters.groups import Groups
from curate.clusters.kmeans import Centroids
from curate.config import Config
from curate.decisions.order import length
from curate.provenance.evidence import combine
from curate.provenance.origin import UNKNOWN, own_class
from curate.provenance.rights import rights_verdict
from curate.schema import EVIDENCE_LIST, QUALITY, TEXT_EDITS, TIMESTAMP, WATERMARKS

DOCUMENTS = pa.schema(
    [
        ("location", pa.uint64()),
        ("source_file", pa.string()),
        ("id", pa.string()),
        ("id_hash", pa.uint64()),
        ("row_hash", pa.uint64()),
        ("earlier", pa.bool_()),
        ("read_reason", pa.string()),
        ("media", pa.bool_()),
        ("content", pa.uint64()),
        ("content_low", pa.uint64()),
        ("tokens", pa.int32()),
        ("chars", pa.int32()),
        ("language", pa.string()),
        ("detector_score", pa.float32()),
        ("windows", pa.binary()),
        ("watermarks", WATERMARKS),
        ("quality", QUALITY),
        ("verification", pa.float32()),
        ("cluster", pa.int32()),
        ("source", pa.string()),
        ("site", pa.string()),
        ("preference", pa.binary()),
        ("timestamp", TIMESTAMP),
        ("published", TIMESTAMP),
        ("own", pa.int8()),
        ("conflict", pa.bool_()),
        ("answer", pa.string()),  # what reviewers said, where it goes beyond the own class (`curate.review.evidence`)
        ("signature_trusted", pa.bool_()),
        ("rights", pa.string()),
        ("evidence", EVIDENCE_LIST),
        ("text_edits", TEXT_EDITS),
        ("evaluation", pa.string()),
        ("evaluation_containment", pa.float32()),
    ]
)


def prepare_documents(features: pa.Table, clusters: Centroids | Groups | None, config: Config) -> pa.Table:
    """Computes what depends on the settings of a decision, and drops what no later step reads.

    What a disabled step annotated is left out, so that a decision from annotations is that of a run without the step.

    Args:
        features: `curate.schema.features`, n rows.
        clusters: to assign to; None leaves the column null.
        config: settings.

    Returns:
        `DOCUMENTS`, n rows in the same order.
    """
    count = features.num_rows
    if config.provenance.enabled:
        own, conflict, evidence = own_class(features, config)
        read = {"signature_trusted": features["signature_trusted"], "rights": rights_verdict(evidence)}
    else:
        own, conflict = np.full(count, UNKNOWN, dtype=np.int8), np.zeros(count, dtype=bool)
        evidence = pa.nulls(count, EVIDENCE_LIST)
        read = {"signature_trusted": pa.nulls(count, pa.bool_()), "rights": pa.nulls(count, pa.string())}
    if config.synthetic.enabled:
        evidence = combine(evidence, features["markers"])
    derived = {
        **read,
        "chars": pa.array(length(features)),
        "detector_score": features["detector_score"] if config.synthetic.enabled else pa.nulls(count, pa.float32()),
        "windows": features["windows"] if config.synthetic.enabled else pa.nulls(count, pa.binary()),
        "watermarks": features["watermarks"] if config.synthetic.enabled else pa.nulls(count, WATERMARKS),
        "quality": features["quality"] if config.judges_quality() else pa.nulls(count, QUALITY),
        "verification": features["verification"] if config.mixture.asks_verifier() else pa.nulls(count, pa.float32()),
        "cluster": _clusters(features, clusters),
        "own": pa.array(own),
        "conflict": pa.array(conflict),
        "answer": pa.nulls(count, pa.string()),
        "evidence": evidence,
    }
    columns = [derived[name] if name in derived else features[name] for name in DOCUMENTS.names]
    return pa.table(columns, schema=DOCUMENTS)


def _clusters(features: pa.Table, fitted: Centroids | Groups | None) -> pa.Array:
    if fitted is None:
        return pa.nulls(features.num_rows, pa.int32())
    if isinstance(fitted, Groups):
        return fitted.assign(features["group"])
    embeddings = features["embedding"].combine_chunks()
    valid = embeddings.is_valid().to_numpy(zero_copy_only=False)
    clusters = np.full(features.num_rows, -1, dtype=np.int32)
    if valid.any():
        values = embeddings.drop_null().flatten().to_numpy().reshape(int(valid.sum()), -1)
        clusters[valid], _ = fitted.assign(values)
    return pa.array(clusters, mask=clusters < 0)  # -1 too for vectors of zeros, of which no cluster is nearest
