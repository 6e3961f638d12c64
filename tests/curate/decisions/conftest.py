"""Small worlds for decisions: documents as plain rows, verified pairs, a reference with known thresholds."""

from datetime import datetime, timezone
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from curate.config import make_config
from curate.decisions.documents import prepare_documents
from curate.decisions.groups import decide_group
from curate.decisions.mixing import ClusterSums, finish, mix
from curate.decisions.reference import Reference
from curate.detector.calibration import Calibration
from curate.hashing import hash_strings
from curate.hashing import mix as scramble
from curate.provenance.evidence import to_lists
from curate.provenance.rights import rights_item
from curate.review.answers import Answer, settle
from curate.review.evidence import content_names, with_answers
from curate.schema import PAIRS, features

SCHEMA = features(1, 8)
THRESHOLDS = {"suspect": 0.95, "drop": 0.99}
"""Of the 400 scores below: the 381st and the 397th smallest."""


def content_key(name):
    return int(hash_strings(pa.array([f"content {name}"]))[0])


def feature_table(rows):
    """Features of rows; every field has a default, `text` names the content, times are years."""
    columns = {name: [] for name in SCHEMA.names}
    for number, given in enumerate(rows):
        row = {"text": given.get("id"), "language": "en", "tokens": 100, "chars": 500, **given}
        key = content_key(row["text"])
        rights = [rights_item("rights_column", row["rights"], "")] if row.get("rights") else []
        values = {
            **row,
            "location": number,
            "source_file": row.get("source_file", "a.parquet"),
            "id_hash": int(hash_strings(pa.array([row["id"]]))[0]),
            "row_hash": int(hash_strings(pa.array([repr(sorted(given.items(), key=str))]))[0]),
            "earlier": row.get("earlier", False),
            "media": row.get("media", False),
            "content": key,
            "content_low": int(scramble(np.array([key], dtype=np.uint64), 1)[0]),
            "bands": None,
            "shingles": 0,
            "timestamp": when(row.get("captured")),
            "published": when(row.get("published")),
            "origin_claim": row.get("origin"),
            "findings": to_lists([row.get("findings", []) + rights])[0].as_py(),
            "embedding": None,
        }
        for name in SCHEMA.names:
            columns[name].append(values.get(name))
    return pa.table([pa.array(columns[field.name], field.type) for field in SCHEMA], schema=SCHEMA)


def when(year):
    return None if year is None else datetime(year, 6, 1, tzinfo=timezone.utc)


def document_table(rows, config):
    """`DOCUMENTS` of rows, with the clusters that they name instead of fitted ones."""
    documents = prepare_documents(feature_table(rows), None, config)
    clusters = pa.array([row.get("cluster") for row in rows], pa.int32())
    return documents.set_column(documents.schema.get_field_index("cluster"), "cluster", clusters)


def pair_table(pairs):
    """Verified pairs (left text, right text, jaccard, left in right, right in left)."""
    columns = {name: [] for name in PAIRS.names}
    for left, right, jaccard, left_in_right, right_in_left in pairs:
        ends = [(content_key(left), left_in_right), (content_key(right), right_in_left)]
        (low, low_inside), (high, high_inside) = sorted(ends)
        for name, value in zip(PAIRS.names, (low, high, jaccard, low_inside, high_inside), strict=True):
            columns[name].append(value)
    return pa.table([pa.array(columns[field.name], field.type) for field in PAIRS], schema=PAIRS)


def reference(tokens=None, documents=0, groups=("en",)):
    """A reference whose groups suspect above .95 and drop above .99."""
    scores = np.interp(np.arange(1, 401), [1, 381, 397, 400], [0, 0.95, 0.99, 1.0]).astype(np.float32)
    calibration = Calibration({group: scores for group in groups}, {group: scores[:0] for group in groups})
    tokens = tokens or {}
    counts = dict.fromkeys(tokens, documents)
    return Reference(calibration, dict(tokens), counts, counts)


def answered(documents, answers):
    """Documents with the answers of one reviewer: id → verdict."""
    contents = dict(zip(documents["id"].to_pylist(), content_names(documents), strict=True))
    given = [
        Answer(id, contents[id], verdict, "ana", "2026-01-02T03:04:05Z")
        for id, verdict in answers.items()
        if id in contents
    ]
    return with_answers(documents, settle(given))


def ledger(rows, pairs=(), given=None, parts=None, answers=None, **settings):
    """Decides rows to the end; `parts` are lists of indices that are decided apart."""
    config = make_config(settings)
    given = given if given is not None else reference()
    documents, verified = answered(document_table(rows, config), answers or {}), pair_table(pairs)
    parts = parts if parts is not None else [list(range(len(rows)))]
    decided = [decide_group(documents.take(pa.array(part, pa.int64())), verified, given, config) for part in parts]
    sums = None
    for table in decided:
        collected = ClusterSums.collect(table)
        sums = collected if sums is None else sums.merge(collected)
    mixture = mix(sums, given, config)
    finished = pa.concat_tables([finish(table, mixture, config) for table in decided])
    return finished.sort_by("id")


def by_id(table):
    return {row["id"]: SimpleNamespace(**row) for row in table.to_pylist()}


@pytest.fixture(scope="session")
def world():
    """The functions of this module."""
    return SimpleNamespace(
        feature_table=feature_table,
        document_table=document_table,
        answered=answered,
        pair_table=pair_table,
        reference=reference,
        ledger=ledger,
        by_id=by_id,
        decide=lambda *args, **settings: by_id(ledger(*args, **settings)),
    )
