"""Arrow schemas of the records that pass between the steps, and of the files that a run writes."""

import pyarrow as pa

from curate.quality.catalogue import SIGNALS

EVIDENCE = pa.struct(
    [
        pa.field("family", pa.string()),  # one of curate.provenance.evidence.FAMILIES
        pa.field("kind", pa.string()),  # what was looked at, e.g. c2pa, capture_date, origin_column
        pa.field("claim", pa.string()),  # human, synthetic, mixed, procedural or unknown; a verdict of rights
        pa.field("llr", pa.float32()),  # log likelihood ratio in nats, positive towards synthetic
        pa.field("detail", pa.string()),
    ]
)
EVIDENCE_LIST = pa.list_(EVIDENCE)

WATERMARKS = pa.list_(
    pa.struct(
        [
            pa.field("detector", pa.string()),  # name/kind/version/digest: `curate.watermarks.protocol.identifier`
            pa.field("statistic", pa.float64()),
            pa.field("p_value", pa.float64()),
            pa.field("n", pa.int32()),  # distinct n-grams
        ]
    )
)

TEXT_EDITS = pa.list_(
    pa.struct([pa.field("kind", pa.string()), pa.field("start", pa.int64()), pa.field("end", pa.int64())])
)

QUALITY = pa.binary(len(SIGNALS))
"""Levels of the signals of quality, a byte each (`curate.quality.signals`); null for what has no text."""

TIMESTAMP = pa.timestamp("us", tz="UTC")

ERRORS = pa.schema([("source_file", pa.string()), ("position", pa.int64()), ("error", pa.string())])

LEDGER = pa.schema(
    [
        ("id", pa.string()),
        ("source_file", pa.string()),
        ("decision", pa.string()),
        ("stage", pa.string()),
        ("reason", pa.string()),
        ("matched_id", pa.string()),
        ("similarity", pa.float32()),
        ("containment", pa.float32()),
        ("origin", pa.string()),
        ("tier", pa.string()),
        ("p_synthetic", pa.float32()),
        ("detector_score", pa.float32()),
        ("threshold", pa.float32()),
        ("group", pa.string()),
        ("group_n", pa.int32()),
        ("evidence", EVIDENCE_LIST),
        ("rights", pa.string()),
        ("language", pa.string()),
        ("tokens", pa.int32()),
        ("cluster", pa.int32()),
        ("weight", pa.float64()),
        ("copies", pa.int32()),
        ("text_edits", TEXT_EDITS),
    ]
)

PAIRS = pa.schema(
    [
        ("left", pa.uint64()),  # content keys, left < right
        ("right", pa.uint64()),
        ("jaccard", pa.float32()),
        ("left_in_right", pa.float32()),  # share of left's shingles found in right
        ("right_in_left", pa.float32()),
    ]
)


def features(bands: int, dimensions: int) -> pa.Schema:
    """One row per decodable document: all that any decision needs, and no text.

    Args:
        bands: LSH bands per document.
        dimensions: dimensions of the embedding.
    """
    return pa.schema(
        [
            ("location", pa.uint64()),  # split number << 32 | row in the split; without splits a hash of id and row
            ("source_file", pa.string()),
            ("id", pa.string()),
            ("id_hash", pa.uint64()),
            ("row_hash", pa.uint64()),  # of all columns: orders documents with equal ids
            ("earlier", pa.bool_()),  # a document of an earlier output, which those of the input are compared with
            ("read_reason", pa.string()),  # null, no_text, too_long or evaluation
            ("media", pa.bool_()),  # a row without text whose media bytes were read
            ("content", pa.uint64()),  # halves of the 128-bit hash of the normalised text (or media bytes)
            ("content_low", pa.uint64()),
            ("bands", pa.list_(pa.uint64(), bands)),  # null: fewer tokens than a shingle
            ("shingles", pa.int32()),
            ("tokens", pa.int32()),
            ("chars", pa.int32()),
            ("language", pa.string()),
            ("detector_score", pa.float32()),
            ("windows", pa.binary()),  # scores of windows of about 200 tokens, a byte each; null: fewer than two
            ("watermarks", WATERMARKS),  # results of the tests configured; null: none of them, or too short
            ("markers", EVIDENCE_LIST),  # of hidden characters
            ("quality", QUALITY),
            ("verification", pa.float32()),  # answer of mixture.verifier; NaN: it failed; null: not asked
            ("embedding", pa.list_(pa.float16(), dimensions)),
            ("group", pa.string()),  # value of mixture.group_column; null without one
            ("source", pa.string()),
            ("site", pa.string()),  # host of the url, else the source: who vouches for a rare cluster
            ("preference", pa.binary()),  # dedupe.prefer's columns as one key, the least preferred; null without any
            ("timestamp", TIMESTAMP),
            ("published", TIMESTAMP),
            ("origin_claim", pa.string()),
            ("license", pa.string()),
            ("parent", pa.string()),
            ("findings", EVIDENCE_LIST),  # what media, text and columns say of origin and rights
            ("signature_trusted", pa.bool_()),
            ("text_edits", TEXT_EDITS),
            ("evaluation", pa.string()),  # the evaluation text that the document contains most of
            ("evaluation_containment", pa.float32()),  # share of that text's shingles found in the document
        ]
    )
