"""What a run was made with: versions, interpreter, machine. Floating-point results depend on them."""

import platform
import re
from collections.abc import Sequence
from functools import lru_cache
from importlib import metadata
from typing import Any

import numpy as np

from curate._version import __version__

_EXTRA = re.compile(r"extra\s*==\s*['\"]([^'\"]+)['\"]")
_SECRET = re.compile(r"secret|password|token|credential|key", re.IGNORECASE)


def installed_versions() -> dict[str, str]:
    """Versions of Python, of curate and of all it requires, directly or not, by distribution name.

    What its extras add is listed where it is installed, tools for development left out. They are looked up once in a
    process, which has loaded what it runs with.
    """
    return dict(_installed_versions())


@lru_cache(maxsize=1)
def _installed_versions() -> dict[str, str]:
    found: dict[str, str] = {}
    waiting = _required("curate", with_extras=True)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # for another platform or Python, or an extra that is not there
            continue
        waiting += _required(name, with_extras=False)
    return {"python": platform.python_version(), "curate": __version__, **dict(sorted(found.items()))}


def environment() -> dict[str, Any]:
    """Interpreter, operating system, processor and the vector instructions that NumPy uses on it."""
    simd = np.show_config(mode="dicts").get("SIMD Extensions", {})
    libc, version = platform.libc_ver()
    return {
        "python": platform.python_implementation(),
        "system": f"{platform.system()} {platform.release()}",
        "libc": f"{libc} {version}".strip(),
        "machine": platform.machine(),
        "simd": [*simd.get("baseline", []), *simd.get("found", [])],
    }


def without_secrets(options: Sequence[str]) -> list[str]:
    """Command-line options with the values of those hidden whose names speak of keys, tokens or passwords."""
    shown: list[str] = []
    hide_next = False
    for option in options:
        name, separator, _ = option.partition("=")
        secret = name.startswith("-") and bool(_SECRET.search(name))
        if secret and separator:
            shown.append(f"{name}=***")
        else:
            shown.append("***" if hide_next and not option.startswith("-") else option)
        hide_next = secret and not separator
    return shown


def _required(distribution: str, with_extras: bool) -> list[str]:
    """Names of what a distribution requires, in lower case."""
    try:
        required = metadata.requires(distribution) or []
    except metadata.PackageNotFoundError:
        return []
    names = []
    for requirement in required:
        extra = _EXTRA.search(requirement)
        if extra is None or (with_extras and extra[1] != "dev"):
            names.append(re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower().replace("_", "-"))
    return [name for name in names if name != distribution]
