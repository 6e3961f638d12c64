"""Keys of watermarks: read from a file of their own, told apart by a digest, never written anywhere."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from curate.errors import UsageError

MOST_KEYS = 1_000


def read_keys(content: bytes, path: str) -> list[int]:
    """Whole numbers, separated by white space or commas.

    Args:
        content: of the file.
        path: of the file, for errors, which show nothing of its content.

    Raises:
        UsageError: the file holds something else.
    """
    try:
        keys = [int(word) for word in content.decode("ascii").replace(",", " ").split()]
    except ValueError:
        keys = []
    if not 1 <= len(keys) <= MOST_KEYS or not all(0 <= key < 2**63 for key in keys):
        raise UsageError(
            f"keys {path!r} is no list of 1 to {MOST_KEYS:,} whole numbers from 0 to 2^63 - 1; "
            "separate them by white space or commas"
        )
    return keys


def key_digest(kind: str, version: str, tokenizer: str, keys: Sequence[int], settings: dict[str, Any]) -> str:
    """Sixteen hexadecimal digits that tell apart tests with other keys, tokenizers or settings.

    By scrypt (RFC 7914), so that trying out short keys against it takes long.
    """
    content = json.dumps([kind, version, tokenizer, list(keys), settings], sort_keys=True)
    return hashlib.scrypt(content.encode(), salt=b"curate watermark", n=2**14, r=8, p=1, dklen=8).hex()
