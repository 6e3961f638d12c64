"""Threads for compiled loops that release the GIL.

One thread unless a process that has the machine to itself says otherwise: the workers of a cluster are already as
many as it has cores.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Part = TypeVar("Part")
Result = TypeVar("Result")

_pool: ThreadPoolExecutor | None = None
_count = 1


def use_threads(count: int) -> None:
    """Lets `in_threads` use this many threads from now on, in this process."""
    global _pool, _count
    _pool, _count = ThreadPoolExecutor(count) if count > 1 else None, count


def threads() -> int:
    """How many parts to cut work into."""
    return _count


def in_threads(function: Callable[[Part], Result], parts: Sequence[Part]) -> list[Result]:
    """The results of a function for each part, in their order."""
    if _pool is None or len(parts) < 2:
        return [function(part) for part in parts]
    return list(_pool.map(function, parts))
