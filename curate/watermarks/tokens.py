"""Texts as token numbers of the operator's own tokenizer, by the library `tokenizers`, an optional extra."""

import hashlib
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curate.errors import UsageError

_TEXTS_AT_ONCE = 1_000  # what the library returns takes many times the memory of the numbers


class Tokens(NamedTuple):
    """Token numbers of n texts.

    Attributes:
        values: int64[m].
        offsets: int64[n + 1], where each text's tokens start.
    """

    values: NDArray[np.int64]
    offsets: NDArray[np.int64]


class Tokenizer:
    """A tokenizer.json, with what it adds, cuts and pads switched off.

    Args:
        content: of the file.
        path: of the file, for errors.

    Attributes:
        sha256: digest of the file.

    Raises:
        UsageError: the library is not installed, or the file is no tokenizer.
    """

    def __init__(self, content: bytes, path: str) -> None:
        try:
            import tokenizers
        except ImportError:
            raise UsageError(
                "synthetic.watermarks needs the package tokenizers, which is not installed; "
                "pip install 'curate[watermarks]'"
            ) from None
        self.sha256 = hashlib.sha256(content).hexdigest()
        try:
            self._tokenizer = tokenizers.Tokenizer.from_str(content.decode())
        except Exception as error:  # the library raises plain Exception
            reason = " ".join(str(error).split())[:200]
            raise UsageError(
                f"tokenizer {path!r} cannot be read ({reason}), expected the tokenizer.json of the generator"
            ) from None
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def encode(self, texts: pa.Array) -> Tokens:
        """The tokens of string or large_string[n]; null has none."""
        parts, lengths = [np.empty(0, np.int64)], np.zeros(len(texts), np.int64)
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            given = texts.slice(start, _TEXTS_AT_ONCE).fill_null("").to_pylist()
            for row, encoding in enumerate(self._tokenizer.encode_batch_fast(given, add_special_tokens=False), start):
                parts.append(np.array(encoding.ids, np.int64))
                lengths[row] = len(parts[-1])
        return Tokens(np.concatenate(parts), np.concatenate([[0], np.cumsum(lengths)]))
