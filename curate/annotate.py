"""Annotation: all that any decision needs to know of a block of documents, computed where the text lies."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.clusters.embedding import Embedding, document_features
from curate.clusters.groups import given_vectors, group_values
from curate.clusters.vectors import unit_vectors
from curate.columns import one_array, origin_claim, plain_column, site, source_column, string_column, text_column
from curate.config import Config
from curate.detector.markers import marker_evidence
from curate.detector.model import load_detector
from curate.detector.windows import window_column
from curate.duplicates.bands import band_keys, bands_of
from curate.duplicates.evaluation import EvaluationIndex, Matches
from curate.duplicates.lines import find_units, in_texts_as_given
from curate.hashing import UInt64Array, mix
from curate.io.filesystem import OpenFile
from curate.io.ids import DocumentIds, document_ids, own_ids
from curate.media import MediaFacts, has_media, media_facts
from curate.provenance.evidence import combine
from curate.provenance.metadata.html import text_metadata
from curate.provenance.rights_columns import column_rights
from curate.provenance.text.block import text_findings
from curate.provenance.text.find import strip_manifests
from curate.provenance.text.manifest import TextManifest
from curate.quality.annotate import quality_column
from curate.schema import EVIDENCE_LIST, features
from curate.sortable import sort_keys
from curate.text.kernel import TextFeatures, text_features
from curate.text.language import identify
from curate.timestamps import to_timestamp
from curate.watermarks.load import watermark_results
from curate.watermarks.protocol import WatermarkDetector


def features_schema(config: Config) -> pa.Schema:
    """The schema of `annotate` under these settings."""
    return features(bands_of(config).bands, config.mixture.dimensions)


@dataclass(frozen=True)
class Texts:
    """The texts of a block that take part in anything, and why the others do not.

    Attributes:
        texts: string or large_string[n], without C2PA manifests; null for documents that are not read.
        reason: string[n], no_text, too_long or null.
        edits: `curate.schema.TEXT_EDITS`[n], the manifests taken out, in code points of the texts as they were.
        manifests: the manifests by row, also of documents that are not read.
    """

    texts: pa.Array
    reason: pa.Array
    edits: pa.Array
    manifests: dict[int, list[TextManifest]]


def readable_texts(table: pa.Table, config: Config) -> Texts:
    """Takes C2PA manifests out of texts and sets aside null, blank and over-long ones.

    A row without text is read for its media.
    """
    stripped = strip_manifests(text_column(table, config))
    texts = stripped.texts
    length = pc.utf8_length(texts)
    blank = pc.equal(pc.binary_length(pc.utf8_trim_whitespace(texts)), 0)
    missing = pc.or_kleene(texts.is_null(), blank).fill_null(True)
    too_long = pc.and_(pc.greater(length, config.documents.max_chars).fill_null(False), pc.invert(missing))
    reason = pc.case_when(
        pc.make_struct(pc.and_(missing, pc.invert(has_media(table, config))), too_long),
        pa.scalar("no_text"),
        pa.scalar("too_long"),
    )
    unread = pc.or_(missing, too_long)
    return Texts(
        _without(texts, unread),
        one_array(reason.cast(pa.string())),
        stripped.edits,
        stripped.found,
    )


def _without(texts: pa.Array, rows: pa.Array) -> pa.Array:
    """The texts, null in these rows (bool[n]); not copied where there are none."""
    return pc.if_else(rows, pa.scalar(None, texts.type), texts) if pc.any(rows).as_py() else texts


def annotate(
    table: pa.Table,
    start: int | None,
    source_file: str,
    config: Config,
    embedding: Embedding | None,
    open_file: OpenFile,
    evaluation: EvaluationIndex | None = None,
    scores: pa.Array | None = None,
    watermarks: Mapping[str, WatermarkDetector] | None = None,
    vectors: pa.Array | None = None,
) -> pa.Table:
    """Computes the features of a block of documents.

    Args:
        table: n documents, the user's columns.
        start: location of the first one; the others follow it. None where documents lie nowhere: their location is
            then a hash of id and row.
        source_file: name of the file that they came from.
        config: settings; disabled steps leave nulls.
        embedding: fitted on the corpus, or None where none is.
        open_file: opens a file of the media_path column.
        evaluation: texts whose containment takes a document out of everything that follows, None without any.
        scores: float32[n] of the detector that `synthetic.handler` names; None without one.
        watermarks: tests for watermarks by identifier (`curate.watermarks.load`).
        vectors: lists of `mixture.dimensions` numbers, n, of the embedder that the settings name; None without one.

    Returns:
        `curate.schema.features`, n rows in the same order. The features of a document depend on the document
        alone, never on its block.
    """
    count = table.num_rows
    columns = config.documents.columns
    ids = document_ids(table, config)
    readable = readable_texts(table, config)
    texts = readable.texts
    media_only = pc.and_(texts.is_null(), has_media(table, config))
    media_only = pc.and_(media_only, readable.reason.is_null())

    kernel = text_features(
        texts,
        shingle=config.dedupe.shingle,
        permutations=config.dedupe.permutations,
        seed=config.run.seed,
        with_tokens=embedding is not None or evaluation is not None,
    )
    matches = find_evaluation(kernel, evaluation, config)
    found = pa.array(matches.item >= 0)
    clean = _without(texts, found)
    is_text = texts.is_valid().to_numpy(zero_copy_only=False)
    media = media_facts(table, is_text, source_file, config, open_file)
    in_text = text_findings(text_column(table, config), readable.manifests, config)
    content = np.where(is_text, kernel.content, media.hash)
    content_low = np.where(is_text, kernel.content_low, media.hash_low)
    scored, windows = _judged(clean, kernel.tokens, scores, config)
    language = _language(table, texts, config)
    schema = features_schema(config)
    values = {
        "location": pa.array(_locations(ids, start)),
        "source_file": pa.repeat(source_file, count),
        "id": ids.ids,
        "id_hash": pa.array(ids.id_hash),
        "row_hash": pa.array(ids.row_hash),
        "earlier": pa.repeat(False, count),
        "read_reason": pc.if_else(found, pa.scalar("evaluation"), readable.reason),
        "media": media_only,
        "content": pa.array(content),
        "content_low": pa.array(content_low),
        "bands": _bands(kernel, clean, config, schema.field("bands").type),
        "shingles": pa.array(kernel.shingles),
        "tokens": pa.array(kernel.tokens),
        "chars": pa.array(kernel.chars),
        "language": language,
        "detector_score": scored,
        "windows": windows,
        "watermarks": watermark_results(clean, watermarks or {}),
        "markers": marker_evidence(clean) if config.synthetic.enabled else pa.nulls(count, EVIDENCE_LIST),
        "quality": quality_column(clean, config),
        "verification": pa.nulls(count, pa.float32()),
        "embedding": _embed(table, kernel, clean, embedding, vectors, config),
        "group": group_values(table, language, clean, config),
        "source": source_column(table, config),
        "site": site(table, config),
        "preference": _preference(table, config),
        "timestamp": to_timestamp(plain_column(table, columns.timestamp)),
        "published": to_timestamp(plain_column(table, columns.published)),
        "origin_claim": origin_claim(table, config),
        "license": string_column(table, columns.license),
        "parent": _parent(table, config),
        "findings": combine(_findings(table, texts, media, media_only, config), in_text.findings),
        "signature_trusted": pc.coalesce(in_text.signature_trusted, media.signature_trusted),
        "text_edits": readable.edits,
        **_evaluation_columns(matches, evaluation),
    }
    return pa.table([values[name] for name in schema.names], schema=schema)


def _findings(table: pa.Table, texts: pa.Array, media: MediaFacts, media_only: pa.Array, config: Config) -> pa.Array:
    """What the document itself and the columns beside it say of its origin and rights, EVIDENCE_LIST[n]."""
    if not config.provenance.enabled:
        return pa.nulls(table.num_rows, EVIDENCE_LIST)
    return combine(media.findings, text_metadata(texts), column_rights(table, media_only, config))


def _parent(table: pa.Table, config: Config) -> pa.Array:
    """The id of the document that each was made from; numbers and bytes as the ids of documents are written."""
    return own_ids(table, config.documents.columns.parent)


def _preference(table: pa.Table, config: Config) -> pa.Array:
    """The columns of `dedupe.prefer` as one key, null without any."""
    if not config.dedupe.prefer:
        return pa.nulls(table.num_rows, pa.binary())
    names = ((name.removeprefix("-"), name.startswith("-")) for name in config.dedupe.prefer)
    return sort_keys((plain_column(table, name), turned) for name, turned in names)


def find_evaluation(kernel: TextFeatures, evaluation: EvaluationIndex | None, config: Config) -> Matches:
    """Which texts contain an evaluation text; none do where there is none.

    Args:
        kernel: features of the texts, with token hashes.
        evaluation: index of the evaluation texts.
        config: settings of dedupe.
    """
    if evaluation is None:
        count = len(kernel.tokens)
        return Matches(np.full(count, -1, dtype=np.int64), np.zeros(count, dtype=np.float32))
    return evaluation.find(kernel, config.dedupe.exclude_containment)


def _evaluation_columns(matches: Matches, evaluation: EvaluationIndex | None) -> dict[str, pa.Array]:
    none = matches.item < 0
    names = pa.nulls(len(none), pa.string())
    if evaluation is not None:
        names = evaluation.names.take(pa.array(matches.item, mask=none))
    return {"evaluation": names, "evaluation_containment": pa.array(matches.containment, mask=none)}


def annotate_lines(table: pa.Table, features: pa.Table, config: Config) -> pa.Table:
    """The lines or paragraphs of a block of documents.

    Args:
        table: n documents, the user's columns.
        features: what `annotate` gave for them.
        config: settings.

    Returns:
        `curate.duplicates.lines.UNITS`; places count the code points of the texts as they are in the table.
    """
    readable = readable_texts(table, config)
    units = find_units(readable.texts, features["location"].to_numpy(), config.dedupe.lines.unit)
    if readable.edits.null_count == len(readable.edits):
        return units
    edited = features.select(["location", "text_edits"]).filter(features["text_edits"].is_valid()).to_pylist()
    return in_texts_as_given(units, {row["location"]: row["text_edits"] for row in edited})


def _locations(ids: DocumentIds, start: int | None) -> UInt64Array:
    if start is None:
        return mix(ids.id_hash ^ mix(ids.row_hash))
    return np.arange(start, start + len(ids.ids), dtype=np.uint64)


def _embed(
    table: pa.Table,
    kernel: TextFeatures,
    texts: pa.Array,
    embedding: Embedding | None,
    vectors: pa.Array | None,
    config: Config,
) -> pa.Array:
    kind = features_schema(config).field("embedding").type
    if vectors is not None:
        return _fixed_lists(*unit_vectors(vectors, texts, config.mixture.dimensions), kind)
    if config.mixture.asks_embedder():
        raise ValueError("vectors are missing: the embedder is asked before texts are annotated")
    if config.mixture.enabled and config.mixture.embedding_column is not None:
        return _fixed_lists(*given_vectors(table, texts, config), kind)
    if embedding is None:
        return pa.nulls(len(texts), kind)
    vectors = embedding.transform(document_features(kernel.token_hashes, kernel.token_offsets, texts))
    return _fixed_lists(vectors, texts.is_valid().to_numpy(zero_copy_only=False), kind)


def _language(table: pa.Table, texts: pa.Array, config: Config) -> pa.Array:
    """The language column, or, where it is missing or null and an enabled step needs it, the identified language."""
    given = string_column(table, config.documents.columns.language)
    if not given.null_count or not (config.synthetic.enabled or config.mixture.enabled or config.judges_quality()):
        return given
    missing = given.is_null()
    return one_array(pc.replace_with_mask(given, missing, identify(texts.filter(missing)).cast(pa.string())))


def _judged(texts: pa.Array, tokens: np.ndarray, given: pa.Array | None, config: Config) -> tuple[pa.Array, pa.Array]:
    """The scores of texts and those of their windows; of a detector of the user's only the former."""
    no_windows = pa.nulls(len(texts), pa.binary())
    if not config.synthetic.enabled:
        return pa.nulls(len(texts), pa.float32()), no_windows
    if given is not None:
        return pc.if_else(texts.is_valid(), given, None), no_windows
    if config.synthetic.handler is not None:
        raise ValueError(f"scores of {config.synthetic.handler} are missing: it scores texts before they are annotated")
    judged = load_detector(config.synthetic.model).judge(texts, tokens, config.synthetic.min_tokens)
    return pa.array(judged.scores, from_pandas=True), window_column(judged)


def _bands(kernel: TextFeatures, texts: pa.Array, config: Config, kind: pa.DataType) -> pa.Array:
    if not config.dedupe.enabled:
        return pa.nulls(len(texts), kind)
    compared = texts.is_valid().to_numpy(zero_copy_only=False) & (kernel.shingles > 0)
    return _fixed_lists(band_keys(kernel.signatures, bands_of(config)), compared, kind)


def _fixed_lists(values: np.ndarray, valid: np.ndarray, kind: pa.DataType) -> pa.Array:
    flat = pa.array(values.reshape(-1), kind.value_type)
    return pa.FixedSizeListArray.from_arrays(flat, type=kind, mask=pa.array(~valid))
