"""Synthetic ledgers: plain rows with sensible defaults, and a larger random-looking one without randomness."""

import pyarrow as pa

from curate.schema import LEDGER

DEFAULTS = {
    "source_file": "part-0.parquet",
    "decision": "kept",
    "origin": "unknown",
    "tier": "uncertain",
    "p_synthetic": 0.3,
    "evidence": [],
    "rights": "unknown",
    "language": "en",
    "tokens": 100,
    "weight": 1.0,
    "copies": 1,
    "text_edits": [],
}
GONE = {"weight": 0.0, "copies": 0}


def row(id, **values):
    decision = values.get("decision", "kept")
    return {name: None for name in LEDGER.names} | DEFAULTS | ({} if decision == "kept" else GONE) | {"id": id} | values


def ledger(rows):
    return pa.Table.from_pylist(rows, schema=LEDGER)


def document(i):
    """Document i of a made-up corpus: three languages, five sources, twelve clusters with a long tail."""
    language = ("en", "en", "en", "de", "yo")[i % 5]
    cluster = min(11, (i * 7919 % 97) ** 2 // 800)
    score = ((i * 2654435761) % 1000) / 1000
    base = {
        "language": language,
        "cluster": cluster,
        "tokens": 40 + i * 37 % 500,
        "detector_score": score,
        "tier": ("trusted_human", "likely_human", "uncertain", "declared_synthetic")[i * 31 % 4],
        "group": f"{language}/medium",
        "group_n": 400,
        "threshold": 0.9,
    }
    name = f"doc-{i:05d}"
    if i % 11 == 3:
        kind = ("exact", "near", "contained")[i % 3]
        similarity = {"exact": 1.0, "near": 0.8 + (i % 20) / 100, "contained": 0.4}[kind]
        containment = {"exact": 1.0, "near": 0.9, "contained": 0.9 + (i % 10) / 100}[kind]
        match = {"matched_id": f"doc-{i - i % 11:05d}", "similarity": similarity, "containment": containment}
        return row(name, **base, decision="dropped", stage="dedupe", reason=kind, **match)
    if score > 0.97:
        return row(name, **base, decision="dropped", stage="synthetic", reason="detector", origin="synthetic")
    if score > 0.9 and language != "yo":
        return row(name, **base, decision="held", stage="synthetic", reason="suspect")
    if i % 101 == 7:
        return row(name, decision="dropped", stage="read", reason="no_text", tokens=None, language=None)
    lifted = {"weight": 2.5, "copies": 2 + i % 2} if cluster > 8 else {}
    return row(name, **base | lifted)


def corpus(n=2000):
    rows = [document(i) for i in range(n)]
    sources = pa.array([("crawl", "news", "forum", "books", None)[i * 13 % 5] for i in range(n)])
    months = pa.array([f"202{i % 4}-0{1 + i % 9}" for i in range(n)])
    return ledger(rows), sources, months
