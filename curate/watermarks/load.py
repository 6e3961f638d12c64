"""The tests that the settings name, ready to score."""

from collections.abc import Callable, Mapping
from functools import lru_cache

import numpy as np
import pyarrow as pa

from curate.config import GreenListWatermark, Synthetic, Watermark
from curate.errors import UsageError
from curate.schema import WATERMARKS
from curate.watermarks.green_list import GreenList
from curate.watermarks.keys import read_keys
from curate.watermarks.protocol import WatermarkDetector, identifier
from curate.watermarks.synthid import SynthID
from curate.watermarks.tokens import Tokenizer

OpenFile = Callable[[str], bytes]


def load_watermarks(settings: Synthetic, open_file: OpenFile) -> dict[str, WatermarkDetector]:
    """The tests by their identifiers, in order; none where the step is off.

    Args:
        settings: of the section synthetic.
        open_file: reads the files of tokenizers and keys.

    Raises:
        UsageError: a file cannot be read or holds something else, or the library is missing.
    """
    if not settings.enabled:
        return {}
    detectors = {}
    for watermark in settings.watermarks:
        tokenizer = _read("tokenizer", watermark.tokenizer, open_file)
        detector = _make(watermark, tokenizer, _read("keys", watermark.keys, open_file))
        detectors[identifier(watermark.name, detector)] = detector
    return dict(sorted(detectors.items()))


def watermark_results(texts: pa.Array, detectors: Mapping[str, WatermarkDetector]) -> pa.Array:
    """The results of all tests.

    Args:
        texts: string or large_string[n].
        detectors: by identifier.

    Returns:
        `WATERMARKS`[n]: the tests that a text was long enough for, in the order of their identifiers; null without any.
    """
    if not detectors:
        return pa.nulls(len(texts), WATERMARKS)
    scores = [detector.score(texts) for detector in detectors.values()]
    tested = ~np.isnan(np.stack([score.p_value for score in scores], axis=1))
    names = np.broadcast_to(np.arange(len(scores)), tested.shape)[tested]
    statistic, p_value, n = (np.stack(column, axis=1)[tested] for column in zip(*scores, strict=True))
    values = pa.StructArray.from_arrays(
        [pa.array(list(detectors)).take(pa.array(names)), *map(pa.array, (statistic, p_value, n))],
        fields=list(WATERMARKS.value_type),
    )
    lengths = tested.sum(axis=1)
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
    return pa.ListArray.from_arrays(offsets, values, type=WATERMARKS, mask=pa.array(lengths == 0))


@lru_cache(maxsize=16)
def _make(watermark: Watermark, tokenizer: bytes, content: bytes) -> WatermarkDetector:
    """One detector a process: keeping the digest of keys from being tried out makes it slow to compute."""
    keys = read_keys(content, watermark.keys)
    read = Tokenizer(tokenizer, watermark.tokenizer)
    if not isinstance(watermark, GreenListWatermark):
        return SynthID(read, keys, watermark.context, watermark.hashing, watermark.score)
    if len(keys) != 1:
        raise UsageError(f"keys {watermark.keys!r} of {watermark.name!r} has {len(keys)} keys, expected one")
    return GreenList(read, keys[0], watermark.gamma, watermark.context)


def _read(role: str, path: str, open_file: OpenFile) -> bytes:
    try:
        return open_file(path)
    except Exception as error:  # filesystems raise errors of many kinds
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())[:200]
        raise UsageError(
            f"synthetic.watermarks: {role} {path!r} cannot be read ({reason}); give the path of a readable file"
        ) from None
