"""The mark of what `codec decode` and `codec export` write under names of their own, by which -f may replace it.

Whatever else has such a name may be an original. Programs that change a file don't carry the mark over: in a PNG it is
a chunk that is "unsafe to copy", in an mp4 a box behind everything. A JPEG that was kept is known by its bytes.
"""

from __future__ import annotations

import os
import re
import struct
import zlib
from contextlib import suppress
from typing import IO

from codec import urls

_CHUNK = struct.pack(">I", 0) + b"ncDW" + struct.pack(">I", zlib.crc32(b"ncDW"))
_END = struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
_APART = re.compile(r"(\.(region|small|thumb))?(\.(decoded|exported)(-\d+)?)?$")
_BOX = struct.pack(">I", 24) + b"uuid" + bytes.fromhex("6e63662d6d6164652d62792d636f6465")


def marked_png(data: bytes) -> bytes:
    """A PNG file with the mark."""
    return data[: -len(_END)] + _CHUNK + _END if data.endswith(_END) else data


def mark_mp4(fp: IO[bytes]) -> None:
    """Put the mark behind an mp4 file."""
    if fp.seekable():
        fp.seek(0, os.SEEK_END)
    fp.write(_BOX)


def is_ncf(target: str, source: str = "") -> bool:
    """Whether a file is `codec`'s: what was encoded, which -f may replace."""
    from codec.container import MAGIC

    with suppress(OSError, ValueError):
        if urls.is_url(target) or os.path.isfile(target):  # a pipe would wait for who writes to it
            with urls.opened(target) as fp:
                return fp.read(len(MAGIC)) == MAGIC
    return False


def replaceable(target: str, source: str) -> bool:
    """Whether a file was decoded by `codec`, and after `source` was written: then it is none that this was made of."""
    with suppress(OSError, ValueError):
        if _written(target) > _written(source) and (urls.is_url(target) or os.path.isfile(target)):
            with urls.opened(target) as fp:
                fp.seek(max(fp.seek(0, os.SEEK_END) - len(_CHUNK + _END), 0))
                return fp.read() in (_CHUNK + _END, _BOX) or _is_kept(target, source)
    return False


def is_copy(path: str) -> bool:
    """Whether a file on a disk is what `codec` decoded, under a name of its own, from the .ncf file beside it."""
    stem, _ = os.path.splitext(path)
    source = _APART.sub("", stem) + ".ncf"
    return not urls.is_url(path) and os.path.isfile(source) and replaceable(path, source)


def _written(path: str) -> float:
    """When a file was written, in ns; ValueError where nobody knows."""
    if not urls.is_url(path):
        return os.stat(path).st_mtime_ns
    if (seconds := urls.modified(path)) is None:
        raise ValueError(path)
    return seconds * 1e9


def _is_kept(target: str, source: str) -> bool:
    """Whether a file is the one that `source` keeps byte for byte, in which no mark can be."""
    from codec import codecs, container

    with urls.opened(source) as fp:
        header, units = container.read(fp)
        if codecs.of(header).files is None:
            return False
        (unit,) = units
    return zlib.crc32(urls.content(target)) == unit.checksum
