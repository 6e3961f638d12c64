"""Guards for Pillow's readers of metadata, without which it copies every tag of a TIFF directory, whatever they share.

A file of 150 KB whose tags all point to the same bytes makes Pillow 12 take 500 MB.
"""

import contextlib
import io

from PIL import ImageFile

_MAX_BYTES = 1 << 22
_MAX_READS = 2000  # one entry of a directory takes two, one segment of a JPEG three


class GuardedFile(io.BytesIO):
    """A file that gives twice its bytes, and at most 4 MB; honest metadata claim each byte once or so.

    Attributes:
        error: that more was asked for, else None.
    """

    def __init__(self, data: bytes, max_reads: int = _MAX_READS) -> None:
        super().__init__(data)
        self.error: str | None = None
        self._reads, self._bytes = max_reads, min(2 * len(data), _MAX_BYTES)

    def read(self, size: int | None = -1) -> bytes:
        """All that is asked for, or else EOFError or, where too much has been read, ValueError."""
        if self._reads <= 0 or self._bytes < 0:
            self.error = "metadata claim more than such a file should hold"
            raise ValueError(self.error)
        data = super().read(size)
        self._reads, self._bytes = self._reads - 1, self._bytes - len(data)
        if size is not None and len(data) < size:
            raise EOFError("truncated")
        return data


class PartlyRead(ImageFile.ImageFile):
    """Makes an image class of Pillow keep what it has read of the information when the rest is broken."""

    def _open(self) -> None:
        with contextlib.suppress(Exception):  # broken files raise errors of many kinds
            super()._open()
        self._mode, self._size = "L", (1, 1)  # Pillow opens none without
