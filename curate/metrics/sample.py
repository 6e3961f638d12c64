"""A hash-chosen sample of documents as what the metrics need of them: codes of words, and no text.

Numbers of types depend on how much text is looked at, and on that it is whole documents; so what is compared are equal
amounts of hash-chosen documents. They are chosen by content: copies of a text are chosen together, and lie together.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.annotate import readable_texts
from curate.clusters.groups import given_vectors
from curate.columns import string_column
from curate.config import Config
from curate.hashing import UInt64Array, mix, stage_seed, uniform
from curate.metrics.compression import compressed_sizes
from curate.metrics.types import token_codes
from curate.quality.annotate import quality_column
from curate.quality.catalogue import NAMES
from curate.text.kernel import text_features, token_hashes

DOCUMENTS = 10_000
"""Documents in a sample, about 10 MB of annotations: less than 100 bytes per document from 110,000 documents on."""

MAX_TOKENS = 1_000
"""Tokens of a document that count, from its beginning: no book outweighs all the pages."""

SAMPLE = pa.schema(
    [
        ("key", pa.uint64()),  # scrambled hash of the content: the order in which documents are taken
        ("location", pa.uint64()),
        ("language", pa.string()),
        ("codes", pa.large_list(pa.uint32())),  # of its first tokens (`curate.metrics.types.token_codes`)
        ("compressed", pa.uint16()),  # bytes left of its first block (`curate.metrics.compression`)
        ("surprise", pa.uint8()),  # level of the signal of quality; null where it is not computed or undefined
        ("embedding", pa.list_(pa.float16())),
    ]
)

_SURPRISE = NAMES.index("surprise")
_UNDEFINED = 255


def sample_share(documents: int) -> float:
    """The share of so many documents that a sample takes."""
    return min(1.0, DOCUMENTS / max(documents, 1))


def sample_documents(table: pa.Table, features: pa.Table, config: Config, share: float) -> pa.Table:
    """The documents of an annotated block that belong to the sample.

    Args:
        table: n documents, the user's columns.
        features: what `curate.annotate.annotate` gave for them.
        config: settings.
        share: of the documents that are chosen.

    Returns:
        `SAMPLE`.
    """
    content, seed = features["content"].to_numpy(), stage_seed(config.run.seed, "metrics")
    chosen = pc.and_(pc.is_null(features["read_reason"]), pc.greater(features["tokens"], 0))
    chosen = pc.and_(chosen, pa.array(uniform(content, seed) < share))
    own = features.filter(chosen)
    return sampled(
        readable_texts(table.filter(chosen), config).texts,
        key=mix(own["content"].to_numpy(), seed),
        location=own["location"],
        language=own["language"],
        surprise=_surprise(own["quality"].combine_chunks()),
        embedding=own["embedding"].cast(pa.list_(pa.float16())),
    )


def sample_texts(table: pa.Table, config: Config) -> pa.Table:
    """`SAMPLE` of every document of a table, for a corpus of which nothing was annotated; without locations.

    Args:
        table: n documents with the columns that `config.documents.columns` names; `mixture.embedding_column` may name
            one of vectors.
        config: settings.

    Returns:
        n rows; what has no text has no codes.
    """
    texts = readable_texts(table, config).texts
    kernel = text_features(texts, shingle=1, permutations=0, seed=config.run.seed)
    vectors = None
    if config.mixture.embedding_column is not None:
        dense, has_vector = given_vectors(table, texts, config)
        rows = pa.array(list(dense.astype(np.float16)), pa.list_(pa.float16()))
        vectors = pc.if_else(pa.array(has_vector), rows, None)
    return sampled(
        texts,
        key=mix(kernel.content, stage_seed(config.run.seed, "metrics")),
        language=string_column(table, config.documents.columns.language),
        surprise=_surprise(quality_column(texts, config)),
        **({} if vectors is None else {"embedding": vectors}),
    )


def smallest(table: pa.Table, size: int, names: Sequence[str]) -> pa.Table:
    """The first rows in the order of some columns: of a union, what the first of both parts have."""
    order = pc.sort_indices(table, sort_keys=[(name, "ascending") for name in names])
    return table.take(order[:size]).combine_chunks()


def sampled(texts: pa.Array, key: UInt64Array, **columns: pa.Array) -> pa.Table:
    """`SAMPLE` of texts; columns that are not given are null."""
    hashes, offsets = token_hashes(texts)
    within = _places(offsets)
    codes = token_codes(hashes[within < MAX_TOKENS])
    starts = np.concatenate([[0], np.cumsum(np.minimum(np.diff(offsets), MAX_TOKENS))])
    derived = {
        "key": pa.array(key),
        "codes": pa.LargeListArray.from_arrays(pa.array(starts), pa.array(codes)),
        "compressed": compressed_sizes(texts),
        **columns,
    }
    missing = (field for field in SAMPLE if field.name not in derived)
    derived |= {field.name: pa.nulls(len(texts), field.type) for field in missing}
    return pa.table([derived[name] for name in SAMPLE.names], schema=SAMPLE)


def _places(offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """The place of every token within its document."""
    return np.arange(offsets[-1]) - np.repeat(offsets[:-1], np.diff(offsets))


def _surprise(quality: pa.Array) -> pa.Array:
    """The level of one signal, null where it is undefined."""
    levels = pc.binary_slice(quality, _SURPRISE, _SURPRISE + 1).cast(pa.binary()).fill_null(bytes([_UNDEFINED]))
    values = np.frombuffer(b"".join(levels.to_pylist()), np.uint8)
    return pa.array(values, mask=values == _UNDEFINED)
