"""A part of an archive as a file of its own.

Threads and forked processes may read one archive at once: where the system can, bytes are read without a place in the
file, which all would share.
"""

from __future__ import annotations

import os
import threading
from typing import IO, Any

from codec.container.sections import MAGIC, VERSION
from codec.seekable import Seekable

_OPENING = MAGIC + bytes([VERSION])
_SEEKING = threading.Lock()


class Window(Seekable):
    """A file of magic and version and then the bytes `start` to `stop` of another, which is read where it is read."""

    def __init__(self, fp: IO[bytes], start: int, stop: int) -> None:
        self._fp, self._start = fp, start
        self._size = len(_OPENING) + stop - start
        self._place = threading.local()

    @property
    def _at(self) -> int:
        """Where this thread reads."""
        return getattr(self._place, "at", 0)

    @_at.setter
    def _at(self, value: int) -> None:
        self._place.at = value

    def readinto(self, buffer: Any) -> int:
        if self._at < len(_OPENING):
            data = _OPENING[self._at : self._at + len(buffer)]
        else:
            count = max(min(len(buffer), self._size - self._at), 0)
            data = _read_at(self._fp, self._start + self._at - len(_OPENING), count)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def _read_at(fp: IO[bytes], at: int, count: int) -> bytes:
    """Up to `count` bytes of a file from `at` on."""
    if hasattr(os, "pread"):
        try:
            number = fp.fileno()
        except OSError:  # it is in memory
            pass
        else:
            return os.pread(number, count, at)
    with _SEEKING:
        fp.seek(at)
        return fp.read(count)
