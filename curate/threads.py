"""Threads for compiled loops and reading, which release the GIL.

One thread unless a process that has the machine to itself says otherwise: the workers of a cluster are already as
many as it has cores.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Generic, TypeVar

Part = TypeVar("Part")
Result = TypeVar("Result")
Item = TypeVar("Item")

_pool: ThreadPoolExecutor | None = None
_count = 1
_here = threading.local()  # `working` in the threads of the pool


def use_threads(count: int) -> None:
    """Lets `in_threads` use this many threads from now on, in this process."""
    global _pool, _count
    _pool, _count = ThreadPoolExecutor(count, initializer=_work) if count > 1 else None, count


def _work() -> None:
    _here.working = True


def _free() -> ThreadPoolExecutor | None:
    """The pool, but for its own threads: if they waited for it, nobody would be left to work."""
    return None if getattr(_here, "working", False) else _pool


def threads() -> int:
    """How many parts to cut work into."""
    return _count if _free() else 1


def in_threads(function: Callable[[Part], Result], parts: Sequence[Part]) -> list[Result]:
    """The results of a function for each part, in their order."""
    pool = _free()
    if pool is None or len(parts) < 2:
        return [function(part) for part in parts]
    return list(pool.map(function, parts))


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The items, each of which is made while the caller works on the one before, if there are threads."""
    pool = _free()  # another run in this process may change it meanwhile
    if pool is None:
        yield from items
        return
    following = pool.submit(list, islice(items, 1))
    while made := following.result():
        following = pool.submit(list, islice(items, 1))
        yield made[0]


class Behind:
    """Runs one call after the other, each of them while the caller goes on, if there are threads."""

    def __init__(self) -> None:
        self._last: Future[None] | None = None

    def run(self, function: Callable[[], None]) -> None:
        """Runs a call once that before it is done; raises what that one raised."""
        self.wait()
        pool = _free()
        if pool is None:
            function()
        else:
            self._last = pool.submit(function)

    def wait(self) -> None:
        """Waits for the last call; raises what it raised."""
        last, self._last = self._last, None
        if last is not None:
            last.result()


class Overlapped(Generic[Result]):
    """Calls that run side by side, as many as there are threads, whose results come in the order of the calls."""

    def __init__(self) -> None:
        self._running: deque[Future[Result]] = deque()

    def run(self, function: Callable[[], Result]) -> Iterator[Result]:
        """Begins a call; yields results that had to be waited for: of earlier calls or, without threads, its own."""
        pool = _free()
        if pool is None:
            yield from self.rest()
            yield function()
            return
        while len(self._running) >= threads():
            yield self._running.popleft().result()
        self._running.append(pool.submit(function))

    def rest(self) -> Iterator[Result]:
        """The results of the calls that are still running."""
        while self._running:
            yield self._running.popleft().result()
