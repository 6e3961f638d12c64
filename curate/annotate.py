"""Annotation: all that any decision needs to know of a block of documents, computed where the text lies."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from curate.clusters.embedding import Embedding, document_features
from curate.config import Config
from curate.detector.model import load_detector
from curate.duplicates.bands import Bands, band_keys, choose_bands
from curate.errors import UsageError
from curate.io.ids import document_ids
from curate.io.schemas import is_bytes, is_string, plain_type
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
    too_long = pc.and_(pc.greater(length, config.documents.max_chars).fill_null(False), pc.invert(missing))
    reason = pc.case_when(
        pc.make_struct(pc.and_(missing, pc.invert(has_media(table, config))), too_long),
        pa.scalar("no_text"),
        pa.scalar("too_long"),
    )
    unread = pc.or_(missing, too_long)
    return Texts(pc.if_else(unread, pa.scalar(None, texts.type), texts), _array(reason.cast(pa.string())))


def text_column(table: pa.Table, config: Config) -> pa.Array:
    """The text column as string or large_string[n]; all null where the table has none."""
    texts = _column(table, config.documents.columns.text)
    if pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type):
        return texts
    try:
        return texts.cast(pa.large_string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise UsageError(
            f"text column {config.documents.columns.text!r} is {texts.type}, expected string; "
            f"convert it, or set documents.columns.text to another column"
        ) from None


def has_media(table: pa.Table, config: Config) -> pa.Array:
    """Rows with media bytes or a media path, neither of them empty; bool[n]."""
    media, paths = _media_columns(table, config)
    return pc.or_(media.is_valid(), paths.is_valid())


def _media_columns(table: pa.Table, config: Config) -> tuple[pa.Array, pa.Array]:
    """Media bytes (large_binary[n]) and paths (string[n]); null where missing, empty or of another type."""
    media, paths = _column(table, config.documents.columns.media), _text(table, config.documents.columns.media_path)
    media = media.cast(pa.large_binary()) if is_bytes(media.type) else pa.nulls(table.num_rows, pa.large_binary())
    empty = [pc.equal(pc.binary_length(values), 0) for values in (media, paths)]
    return pc.if_else(empty[0], None, media), pc.if_else(empty[1], None, paths)


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
    is_text = texts.is_valid().to_numpy(zero_copy_only=False)
    media = _media_facts(table, is_text, config, open_file)
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
        "source": _text(table, columns.source),
        "site": _site(table, config),
        "timestamp": to_timestamp(_column(table, columns.timestamp)),
        "published": to_timestamp(_column(table, columns.published)),
        "origin_claim": origin_claim(table, config),
        "credentials": media.credentials,
        "signature_trusted": media.signature_trusted,
        "rights": media.rights,
        "text_edits": pa.nulls(count, TEXT_EDITS),
    }
    return pa.table([values[name] for name in schema.names], schema=schema)


def to_timestamp(values: pa.Array) -> pa.Array:
    """Times as microseconds UTC: timestamps of any unit and zone (none: UTC), dates, ISO 8601 strings.

    Null for everything else, and for times outside the years 1 to 9999, which are mistakes and would wrap around.
    """
    kind = values.type
    if is_string(kind):
        values = pa.array(map(_parse_time, values.to_pylist()), pa.int64()).cast(pa.timestamp("us"))
    elif pa.types.is_date(kind):
        values = values.cast(pa.timestamp("s" if pa.types.is_date32(kind) else "ms"))
    elif not pa.types.is_timestamp(kind):
        return pa.nulls(len(values), TIMESTAMP)
    ticks = values.cast(pa.int64())
    per_second = _TICKS[values.type.unit]
    least, most = (_clipped(seconds * per_second) for seconds in _YEARS)
    sound = pc.and_(pc.greater_equal(ticks, least), pc.less(ticks, most))
    return _array(pc.cast(pc.if_else(sound, values, None), TIMESTAMP, safe=False))


def origin_claim(table: pa.Table, config: Config) -> pa.Array:
    """What the row declares of its own origin; what an earlier run of curate found counts as such a claim."""
    return _array(pc.coalesce(_text(table, config.documents.columns.origin), _text(table, "curate_origin")))


@dataclass(frozen=True)
class _MediaFacts:
    """What the media of a block say: evidence, rights, and a 128-bit hash of the bytes for exact duplicates."""

    credentials: pa.Array
    signature_trusted: pa.Array
    rights: pa.Array
    hash: np.ndarray
    hash_low: np.ndarray


def _media_facts(table: pa.Table, is_text: np.ndarray, config: Config, open_file: OpenFile) -> _MediaFacts:
    """Reads the media of every row for their credentials, and hashes those of rows without text."""
    count = table.num_rows
    media, paths = _media_columns(table, config)
    high, low = np.zeros(count, dtype=np.uint64), np.zeros(count, dtype=np.uint64)
    nothing = _MediaFacts(
        pa.nulls(count, EVIDENCE_LIST), pa.nulls(count, pa.bool_()), pa.nulls(count, pa.string()), high, low
    )
    if media.null_count + paths.null_count == 2 * count:
        return nothing

    opened: dict[str, tuple[int, int]] = {}

    def open_and_hash(path: str) -> bytes:
        data = open_file(path)
        opened[path] = _hash_bytes(data)
        return data

    facts = nothing
    if config.provenance.enabled:
        found = block_provenance(media, paths, config=config, open_file=open_and_hash)
        facts = _MediaFacts(found["credentials"], found["signature_trusted"], found["rights"], high, low)
    for row in np.flatnonzero(~is_text):
        if media[row].is_valid:
            high[row], low[row] = _hash_bytes(media[row].as_py())
        elif paths[row].is_valid:
            high[row], low[row] = _hash_file(paths[row].as_py(), opened, open_and_hash)
    return facts


def _hash_file(path: str, opened: dict[str, tuple[int, int]], open_and_hash: OpenFile) -> tuple[int, int]:
    """The hash of a file, or, where it cannot be read, of its path: it then has no duplicate under another path."""
    if path not in opened:
        try:
            open_and_hash(path)
        except Exception:  # filesystems raise errors of many kinds
            opened[path] = _hash_bytes(path.encode())
    return opened[path]


def _hash_bytes(data: bytes) -> tuple[int, int]:
    digest = xxhash.xxh3_128_intdigest(data)
    return digest >> 64, digest & 0xFFFFFFFFFFFFFFFF


def _embed(kernel: TextFeatures, texts: pa.Array, embedding: Embedding | None, kind: pa.DataType) -> pa.Array:
    if embedding is None:
        return pa.nulls(len(texts), kind)
    vectors = embedding.transform(document_features(kernel.token_hashes, kernel.token_offsets))
    return _fixed_lists(vectors, texts.is_valid().to_numpy(zero_copy_only=False), kind)


def _site(table: pa.Table, config: Config) -> pa.Array:
    """The host of the url column, else the source: where the evidence of a cluster comes from."""
    url, source = (_text(table, name) for name in (config.documents.columns.url, config.documents.columns.source))
    host = pc.struct_field(pc.extract_regex(url, r"^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/@]*@)?(?P<host>[^/:?#]+)"), "host")
    return _array(pc.coalesce(pc.utf8_lower(host), source))


def _text(table: pa.Table, name: str) -> pa.Array:
    """A column of strings; null where the table has none or it holds something else."""
    values = _column(table, name)
    return values.cast(pa.string()) if is_string(values.type) else pa.nulls(table.num_rows, pa.string())


def _language(table: pa.Table, texts: pa.Array, config: Config) -> pa.Array:
    """The language column, or, where it is missing or null and an enabled step needs it, the identified language."""
    given = _text(table, config.documents.columns.language)
    if not given.null_count or not (config.synthetic.enabled or config.mixture.enabled):
        return given
    missing = given.is_null()
    return _array(pc.replace_with_mask(given, missing, identify(texts.filter(missing)).cast(pa.string())))


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


def _column(table: pa.Table, name: str) -> pa.Array:
    """A column as one array without dictionary and extension, all null where the table has none."""
    if name not in table.column_names:
        return pa.nulls(table.num_rows)
    values = table[name]
    return _array(values.cast(plain_type(values.type)))


def _array(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_TICKS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_YEARS = (-62_135_596_800, 253_402_300_800)
"""Start of the year 1 and end of the year 9999, in seconds since the epoch."""

# What `datetime.fromisoformat` takes differs from version to version of Python.
_ISO_8601 = re.compile(
    r"\s*(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(?:[.,](\d+))?)?\s*(Z|UTC|([+-]\d\d):?(\d\d)?)?\s*",
    re.ASCII | re.IGNORECASE,
)


def _parse_time(value: str | None) -> int | None:
    """Microseconds since the epoch of an ISO 8601 date or time, in UTC where it names no zone; None if it is none."""
    found = _ISO_8601.fullmatch(value) if value else None
    if not found:
        return None
    day, minute, second, fraction, _, hours, minutes = found.groups()
    zone = f"{hours}:{minutes or '00'}" if hours else "+00:00"
    text = f"{day}T{minute or '00:00'}{second or ':00'}.{(fraction or '')[:6]:0<6}{zone}"
    try:
        return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)
    except ValueError:
        return None


def _clipped(ticks: int) -> int:
    return max(-(2**63) + 1, min(ticks, 2**63 - 1))
