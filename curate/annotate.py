"""Annotation: all that any decision needs to know of a block of documents, computed where the text lies."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from curate.clusters.embedding import Embedding, document_features
from curate.config import Config
from curate.detector.model import load_detector
from curate.duplicates.bands import Bands, band_keys, choose_bands
from curate.io.ids import document_ids
from curate.provenance.files import block_provenance
from curate.schema import EVIDENCE_LIST, TEXT_EDITS, TIMESTAMP, features
from curate.text.kernel import TextFeatures, text_features
from curate.text.language import identify

OpenFile = Callable[[str], bytes]


def bands_of(config: Config) -> Bands:
    """Bands and rows: as configured, or the cheapest that find pairs at the threshold."""
    dedupe = config.dedupe
    if dedupe.bands:
        return Bands(dedupe.bands, dedupe.rows)
    return choose_bands(dedupe.threshold, dedupe.permutations)


def features_schema(config: Config) -> pa.Schema:
    """The schema of `annotate` under these settings."""
    return features(bands_of(config).bands, config.mixture.dimensions)


@dataclass(frozen=True)
class Texts:
    """The texts of a block that take part in anything, and why the others do not.

    Attributes:
        texts: string or large_string[n], null for documents that are not read.
        reason: string[n], no_text, too_long or null.
    """

    texts: pa.Array
    reason: pa.Array


def readable_texts(table: pa.Table, config: Config) -> Texts:
    """Sets aside null, blank and over-long texts; a row without text is read for its media."""
    texts = text_column(table, config)
    length = pc.utf8_length(texts)
    blank = pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(texts)), 0)
    missing = pc.or_kleene(texts.is_null(), blank).fill_null(True)
    too_long = pc.greater(length, config.documents.max_chars).fill_null(False)
    reason = pc.case_when(
        pc.make_struct(pc.and_(missing, pc.invert(has_media(table, config))), too_long),
        pa.scalar("no_text"),
        pa.scalar("too_long"),
    )
    unread = pc.or_(missing, too_long)
    return Texts(pc.if_else(unread, pa.scalar(None, texts.type), texts), _array(reason.cast(pa.string())))


def text_column(table: pa.Table, config: Config) -> pa.Array:
    """The text column as string or large_string[n]; all null where the table has none."""
    texts = _column(table, config.documents.columns.text, pa.string())
    if not (pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type)):
        texts = texts.cast(pa.large_string())
    return texts


def has_media(table: pa.Table, config: Config) -> pa.Array:
    """Rows with media bytes or a media path, bool[n]."""
    columns = config.documents.columns
    media, path = _column(table, columns.media, pa.binary()), _column(table, columns.media_path, pa.string())
    return pc.or_(media.is_valid(), path.is_valid())


def annotate(
    table: pa.Table,
    start: int,
    source_file: str,
    config: Config,
    embedding: Embedding | None,
    open_file: OpenFile,
) -> pa.Table:
    """Computes the features of a block of documents.

    Args:
        table: n documents, the user's columns.
        start: location of the first one; the others follow it.
        source_file: name of the file that they came from.
        config: settings; disabled steps leave nulls.
        embedding: fitted on the corpus, or None when the mixture is off.
        open_file: reads a file of the media_path column.

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
        with_tokens=embedding is not None,
    )
    media = _media_facts(table, config, open_file)
    is_text = texts.is_valid().to_numpy(zero_copy_only=False)
    content = np.where(is_text, kernel.content, media.hash)
    content_low = np.where(is_text, kernel.content_low, media.hash_low)
    schema = features_schema(config)
    values = {
        "location": pa.array(np.arange(start, start + count, dtype=np.uint64)),
        "source_file": pa.repeat(source_file, count),
        "id": ids.ids,
        "id_hash": pa.array(ids.id_hash),
        "row_hash": pa.array(ids.row_hash),
        "read_reason": readable.reason,
        "media": media_only,
        "content": pa.array(content),
        "content_low": pa.array(content_low),
        "bands": _bands(kernel.signatures, kernel.shingles, config, schema.field("bands").type),
        "shingles": pa.array(kernel.shingles),
        "tokens": pa.array(kernel.tokens),
        "chars": pa.array(kernel.chars),
        "language": _language(table, texts, config),
        "detector_score": _scores(texts, kernel.tokens, config),
        "embedding": _embed(kernel, texts, embedding, schema.field("embedding").type),
        "source": _column(table, columns.source, pa.string()).cast(pa.string()),
        "timestamp": to_timestamp(_column(table, columns.timestamp, TIMESTAMP)),
        "published": to_timestamp(_column(table, columns.published, TIMESTAMP)),
        "origin_claim": origin_claim(table, config),
        "credentials": media.credentials,
        "signature_trusted": media.signature_trusted,
        "rights": media.rights,
        "text_edits": pa.nulls(count, TEXT_EDITS),
    }
    return pa.table([values[name] for name in schema.names], schema=schema)


def to_timestamp(values: pa.Array) -> pa.Array:
    """Times as microseconds UTC: timestamps of any unit and zone (none: UTC), dates, ISO 8601 strings; else null."""
    kind = values.type
    if pa.types.is_timestamp(kind):
        return _array(pc.cast(values, TIMESTAMP, safe=False))
    if pa.types.is_date(kind):
        return values.cast(pa.timestamp("us"), safe=False).cast(TIMESTAMP)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return pa.array([_parse_time(value) for value in values.to_pylist()], TIMESTAMP)
    return pa.nulls(len(values), TIMESTAMP)


def origin_claim(table: pa.Table, config: Config) -> pa.Array:
    """What the row declares of its own origin; what an earlier run of curate found counts as such a claim."""
    declared = _column(table, config.documents.columns.origin, pa.string())
    earlier = _column(table, "curate_origin", pa.string())
    claims = [values if _is_text(values.type) else pa.nulls(len(values)) for values in (declared, earlier)]
    return _array(pc.coalesce(*(values.cast(pa.string()) for values in claims)))


@dataclass(frozen=True)
class _MediaFacts:
    """What the media of a block say: evidence, rights, and a 128-bit hash of the bytes for exact duplicates."""

    credentials: pa.Array
    signature_trusted: pa.Array
    rights: pa.Array
    hash: np.ndarray
    hash_low: np.ndarray


def _media_facts(table: pa.Table, config: Config, open_file: OpenFile) -> _MediaFacts:
    count = table.num_rows
    columns = config.documents.columns
    media, paths = _column(table, columns.media, pa.binary()), _column(table, columns.media_path, pa.string())
    high, low = np.zeros(count, dtype=np.uint64), np.zeros(count, dtype=np.uint64)
    if not config.provenance.enabled or media.null_count + paths.null_count == 2 * count:
        for row in np.flatnonzero(media.is_valid().to_numpy(zero_copy_only=False)):
            high[row], low[row] = _hash_bytes(media[row].as_py())
        nothing = pa.nulls(count, EVIDENCE_LIST)
        return _MediaFacts(nothing, pa.nulls(count, pa.bool_()), pa.nulls(count, pa.string()), high, low)

    opened: dict[str, tuple[int, int]] = {}

    def open_and_hash(path: str) -> bytes:
        data = open_file(path)
        opened[path] = _hash_bytes(data)
        return data

    facts = block_provenance(media, paths, config=config, open_file=open_and_hash)
    for row, (data, path) in enumerate(zip(media, paths, strict=True)):
        if data.is_valid:
            high[row], low[row] = _hash_bytes(data.as_py())
        elif path.is_valid:
            high[row], low[row] = opened.get(path.as_py()) or _hash_bytes(path.as_py().encode())
    return _MediaFacts(facts["credentials"], facts["signature_trusted"], facts["rights"], high, low)


def _hash_bytes(data: bytes) -> tuple[int, int]:
    digest = xxhash.xxh3_128_intdigest(data)
    return digest >> 64, digest & 0xFFFFFFFFFFFFFFFF


def _embed(kernel: TextFeatures, texts: pa.Array, embedding: Embedding | None, kind: pa.DataType) -> pa.Array:
    if embedding is None:
        return pa.nulls(len(texts), kind)
    vectors = embedding.transform(document_features(kernel.token_hashes, kernel.token_offsets))
    return _fixed_lists(vectors, texts.is_valid().to_numpy(zero_copy_only=False), kind)


def _language(table: pa.Table, texts: pa.Array, config: Config) -> pa.Array:
    """The language column, or, where the table has none and an enabled step needs it, the identified language."""
    name = config.documents.columns.language
    if name in table.column_names:
        return _column(table, name, pa.string()).cast(pa.string())
    if config.synthetic.enabled or config.mixture.enabled:
        return identify(texts).cast(pa.string())
    return pa.nulls(len(texts), pa.string())


def _scores(texts: pa.Array, tokens: np.ndarray, config: Config) -> pa.Array:
    if not config.synthetic.enabled:
        return pa.nulls(len(texts), pa.float32())
    detector = load_detector(config.synthetic.model)
    return pa.array(detector.score(texts, tokens, config.synthetic.min_tokens), from_pandas=True)


def _bands(signatures: np.ndarray, shingles: np.ndarray, config: Config, kind: pa.DataType) -> pa.Array:
    if not config.dedupe.enabled:
        return pa.nulls(len(shingles), kind)
    return _fixed_lists(band_keys(signatures, bands_of(config)), shingles > 0, kind)


def _fixed_lists(values: np.ndarray, valid: np.ndarray, kind: pa.DataType) -> pa.Array:
    flat = pa.array(values.reshape(-1), kind.value_type)
    return pa.FixedSizeListArray.from_arrays(flat, type=kind, mask=pa.array(~valid))


def _column(table: pa.Table, name: str, kind: pa.DataType) -> pa.Array:
    """A column as one plain array, all null where the table has none."""
    if name not in table.column_names:
        return pa.nulls(table.num_rows, kind)
    values = table[name]
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    return _array(values)


def _array(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind)


def _parse_time(value: str | None) -> datetime | None:
    try:
        parsed = datetime.fromisoformat(value.strip().replace("Z", "+00:00")) if value else None
    except ValueError:
        return None
    return parsed if parsed is None or parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)
