"""JSON that people can read and compare line by line, written at the speed of the encoder that is compiled."""

import json
from typing import Any

_DEEPEST = 3  # levels whose members get lines of their own; what is below stands on one


def json_text(content: Any) -> bytes:
    """JSON with sorted keys, its upper levels indented; lists of numbers and strings stay on one line.

    The indentation of Python's own encoder is written in Python, at a tenth of the speed.

    Args:
        content: of JSON's types.

    Returns:
        UTF-8.

    Raises:
        ValueError: a number is not finite, which JSON does not know.
    """
    return _lines(content, 0).encode()


def _lines(content: Any, level: int) -> str:
    if level < _DEEPEST and content and _is_object(content):
        members = [f"{json.dumps(key)}: {_lines(value, level + 1)}" for key, value in sorted(content.items())]
        return _block("{", members, "}", level)
    if level < _DEEPEST and isinstance(content, list) and any(isinstance(item, dict | list) for item in content):
        return _block("[", [_lines(item, level + 1) for item in content], "]", level)
    return json.dumps(content, sort_keys=True, allow_nan=False)


def _block(start: str, members: list[str], end: str, level: int) -> str:
    inner = "\n" + " " * (level + 1)
    return f"{start}{inner}{f',{inner}'.join(members)}\n{' ' * level}{end}"


def _is_object(content: Any) -> bool:
    return isinstance(content, dict) and all(isinstance(key, str) for key in content)
