"""What callers give as a file: a path or URL, bytes, or a binary file. Everything else is refused by one error."""

from __future__ import annotations

import io
import os
import stat
from typing import IO, Any, cast

from codec import urls
from codec.errors import CodecError


def file_source(source: Any, kinds: str) -> str | os.PathLike[str] | bytes | IO[bytes]:
    """`source` as a path, bytes or a binary file at its start; CodecError if it is none, naming the `kinds` to give.

    A file that stands elsewhere, or can't seek, is read from there to its end.
    """
    if isinstance(source, str | os.PathLike):
        path = _path(source)
        return _once(urls.plain(path) if isinstance(path, str) else path)
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source)
    if isinstance(source, io.TextIOBase):
        raise CodecError("the file is open as text; open it as binary, with open(path, 'rb')")
    if not callable(getattr(source, "read", None)):
        advice = f"give {kinds}"
        if type(source).__module__.partition(".")[0] in ("torch", "jax", "tensorflow"):
            advice = "turn it into an array of uint8 or uint16, [height, width, channels], with .numpy()"
        raise CodecError(f"what is of type {type(source).__name__} can't be read; {advice}")
    if getattr(source, "closed", False):
        raise CodecError("the file is closed; open it again")
    seekable = getattr(source, "seekable", None)
    if seekable is not None and seekable() and source.tell() == 0:
        return cast(IO[bytes], source)
    data = source.read()
    if not isinstance(data, bytes):
        raise CodecError(f"the file gives {type(data).__name__}, not bytes; open it as binary, with open(path, 'rb')")
    return _Rest(data, getattr(source, "name", ""))


def _path(source: Any) -> str | os.PathLike[str]:
    """A path as text, if it isn't; CodecError for what can be no file's name."""
    try:
        name = os.fsencode(source)
    except (UnicodeError, TypeError):  # half a surrogate pair, or a path object that gives no path
        raise CodecError(f"{source!r} can't be a file's name here; give another path") from None
    if b"\0" in name:
        raise CodecError(f"{os.fsdecode(name)!r} has a zero byte, which no file's name has; give another path")
    return os.fsdecode(name) if isinstance(os.fspath(source), bytes) else cast(str, source)


def _once(path: str | os.PathLike[str]) -> str | os.PathLike[str] | IO[bytes]:
    """The path, or a file of what is in it: behind a URL, or if it can be read only once, a pipe with a name."""
    if urls.is_url(path):
        return urls.opened(path)
    try:
        if not stat.S_ISFIFO(os.stat(path).st_mode):
            return path
    except OSError:
        return path
    with open(path, "rb") as fp:
        return _Rest(fp.read(), os.fspath(path))


class _Rest(io.BytesIO):
    """What was left of a file, under the file's name."""

    def __init__(self, data: bytes, name: object) -> None:
        super().__init__(data)
        self.name = name
