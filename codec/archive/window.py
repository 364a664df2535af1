"""A part of an archive as a file of its own."""

from __future__ import annotations

import io
import os
from typing import IO, Any

from codec.container.sections import MAGIC, VERSION

_OPENING = MAGIC + bytes([VERSION])


class Window(io.RawIOBase):
    """A file of magic and version and then the bytes `start` to `stop` of another, which is read where it is read."""

    def __init__(self, fp: IO[bytes], start: int, stop: int) -> None:
        self._fp, self._start = fp, start
        self._size = len(_OPENING) + stop - start
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = max(offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence], 0)
        return self._at

    def readinto(self, buffer: Any) -> int:
        if self._at < len(_OPENING):
            data = _OPENING[self._at : self._at + len(buffer)]
        else:
            self._fp.seek(self._start + self._at - len(_OPENING))
            data = self._fp.read(max(min(len(buffer), self._size - self._at), 0))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
