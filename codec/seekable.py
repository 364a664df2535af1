"""Files that are read at a place of their own, whatever is behind them."""

from __future__ import annotations

import io
import os


class Seekable(io.RawIOBase):
    """A binary file to read, `_size` bytes long and at `_at`: who is one sets both, and reads."""

    _at: int
    _size: int

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        self._at = max(offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence], 0)
        return self._at
