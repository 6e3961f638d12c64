"""The C2PA library in a process of its own: where it crashes or hangs, one record is lost and nothing else.

The child is this module run by itself; it knows nothing of the program that started it. Requests and answers
are frames on its standard input and output: lengths as big-endian unsigned integers, then the bytes. The first frame
holds the settings, every later answer is JSON.
"""

import contextlib
import json
import os
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, BinaryIO, cast

from curate.processes import python_command
from curate.provenance.native import Answer, NativeReader
from curate.provenance.revocation import Revocations

SECONDS = 60
"""How long one asset may take, before the child is ended."""

_REQUEST = struct.Struct(">IQQ?")  # lengths of the media type, asset and sidecar; whether there is a sidecar
_LENGTH = struct.Struct(">Q")


class IsolatedReader:
    """Reads in a child process that lives as long as its answers come, one at a time.

    Args:
        settings: of c2pa.
        revocations: revoked certificates.
        seconds: how long one asset may take.
        command: what starts the child, if not this module.
    """

    def __init__(
        self,
        settings: dict[str, Any],
        revocations: Revocations,
        seconds: float = SECONDS,
        command: Sequence[str] | None = None,
    ) -> None:
        issuers = {serial: [name.hex() for name in sorted(names)] for serial, names in revocations.issuers.items()}
        self._setup = json.dumps({"settings": settings, "issuers": issuers}).encode()
        self._seconds = seconds
        self._command = command or python_command("curate.provenance.isolation")
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def read(self, mime: str, data: bytes, sidecar: bytes | None) -> Answer:
        """See `curate.provenance.native.StoreReader.read`; a crash and a time-out are errors of the asset."""
        with self._lock:
            child = self._child = self._child or self._start()
            late = threading.Event()

            def end() -> None:
                late.set()
                child.kill()

            watch = threading.Timer(self._seconds, end)
            watch.start()
            try:
                return self._ask(child, mime, data, sidecar)
            except (OSError, EOFError):
                self.close()
                return Answer(error=self._obituary(child.returncode, late.is_set()))
            finally:
                watch.cancel()

    def _ask(self, child: "subprocess.Popen[bytes]", mime: str, data: bytes, sidecar: bytes | None) -> Answer:
        assert child.stdin is not None and child.stdout is not None
        kind, beside = mime.encode(), sidecar or b""
        child.stdin.write(_REQUEST.pack(len(kind), len(data), len(beside), sidecar is not None))
        for part in (kind, data, beside):
            child.stdin.write(part)
        child.stdin.flush()
        answer = json.loads(_receive(cast(BinaryIO, child.stdout)))
        return Answer(**{**answer, "revoked": tuple(answer["revoked"])})

    def _start(self) -> "subprocess.Popen[bytes]":
        child = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert child.stdin is not None
        with contextlib.suppress(OSError):  # a child that died at once is noticed when its answer is missing
            child.stdin.write(_LENGTH.pack(len(self._setup)) + self._setup)
        return child

    def close(self) -> None:
        """Ends the child; it ends by itself with the process that started it."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            with contextlib.suppress(OSError):  # what was still to be written has nobody to read it
                child.communicate()

    def _obituary(self, code: int, late: bool) -> str:
        if late:
            return f"the reader took longer than {self._seconds:g} seconds"
        return f"the reader crashed ({signal.Signals(-code).name if code < 0 else f'exit code {code}'})"


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """The child: answers until its input ends."""
    setup = json.loads(_receive(requests))
    issuers = {serial: frozenset(map(bytes.fromhex, names)) for serial, names in setup["issuers"].items()}
    reader = NativeReader(setup["settings"], Revocations(issuers))
    while header := requests.read(_REQUEST.size):
        kind, size, beside, has_sidecar = _REQUEST.unpack(header)
        mime, data, sidecar = _exactly(requests, kind), _exactly(requests, size), _exactly(requests, beside)
        answer = json.dumps(asdict(reader.read(mime.decode(), data, sidecar if has_sidecar else None))).encode()
        answers.write(_LENGTH.pack(len(answer)) + answer)
        answers.flush()


def _receive(stream: BinaryIO) -> bytes:
    return _exactly(stream, _LENGTH.unpack(_exactly(stream, _LENGTH.size))[0])


def _exactly(stream: BinaryIO, count: int) -> bytes:
    """The next bytes of a stream.

    Raises:
        EOFError: the stream ends before them.
    """
    data = stream.read(count)
    if len(data) < count:
        raise EOFError
    return data


if __name__ == "__main__":
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # what a library prints must not get among the answers
        serve(sys.stdin.buffer, answers)
