"""Bytes in and out: standard input, and files that appear complete or not at all."""

from __future__ import annotations

import errno
import io
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, TypeAlias, cast

from codec import urls
from codec.cli.files import STDIO
from codec.errors import CodecError, LimitError
from codec.output import whole_file

Begins: TypeAlias = Callable[[bytes], None]

_MOST = 2**29  # bytes of what is read only once, and so kept in memory


class _Counted(io.BufferedIOBase):
    """A pipe whose bytes are counted."""

    def __init__(self, fp: IO[bytes]) -> None:
        self._fp, self._count = fp, 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._fp.write(data)
        self._count += memoryview(data).nbytes
        return memoryview(data).nbytes

    def flush(self) -> None:
        self._fp.flush()

    def tell(self) -> int:
        """How many bytes went into it."""
        return self._count

    def close(self) -> None:
        """It isn't ours."""


def read_again(fp: IO[bytes], data: bytes) -> None:
    """CodecError if a file has other bytes than those written to it; nothing where it can't be read, as a pipe."""
    if not (fp.seekable() and fp.readable()):
        return
    fp.flush()
    fp.seek(0)
    if fp.read() != data:
        raise CodecError("what is in the file is not what was written; check the disk")


@contextmanager
def atomic_write(target: str, replace: bool = True) -> Iterator[IO[bytes]]:
    """A binary file that appears under the name `target` complete, or not at all.

    CodecError at once if another process is writing it, and at the end if it was written meanwhile and isn't to be
    replaced. Pipes, devices and standard output are written directly.
    """
    if target == STDIO:
        out = cast(IO[bytes], sys.stdout.buffer)
        yield out if out.seekable() else cast(IO[bytes], _Counted(out))
        out.flush()
        return
    if os.path.exists(target) and not os.path.isfile(target):
        try:
            with open(target, "wb") as fp:
                yield fp if fp.seekable() else cast(IO[bytes], _Counted(fp))
        except OSError as error:
            if error.errno is None or error.errno == errno.EPIPE or error.filename is not None:
                raise
            raise OSError(error.errno, error.strerror, target) from error  # the name that the user knows
        return
    try:
        with whole_file(target, replace) as fp:
            yield fp
    except FileExistsError as error:
        raise CodecError(f"{target} has appeared meanwhile, and stays as it is; name another output with -o") from error


def contents(source: str, begins: Begins) -> str | bytes:
    """A path or URL, or all bytes of what can be opened and read only once: standard input, and pipes with a name.

    `begins` is given the first bytes, as soon as they are there, and raises for those that can't be of use.
    """
    if source == STDIO:
        return read_stdin(begins)
    if urls.is_url(source):
        return source
    if stat.S_ISFIFO(os.stat(source).st_mode):
        with open(source, "rb") as fp:
            return _all(fp, begins)
    return source


def is_archive(source: str) -> bool:
    """Whether a file that can be read twice is an archive, which is listed without being read to its end."""
    from codec import container

    if source == STDIO or not (urls.is_url(source) or os.path.isfile(source)):
        return False
    with urls.opened(source) as fp:
        return container.is_archive(fp)


def size_of(source: str | bytes) -> int:
    """The bytes of an input."""
    return len(source) if isinstance(source, bytes) else urls.size(source)


def read_stdin(begins: Begins) -> bytes:
    """All of standard input; CodecError if that is a terminal. `begins`: see `contents`."""
    if sys.stdin is None:
        raise CodecError("standard input is closed; name a file, or redirect one into it")
    if sys.stdin.isatty():
        raise CodecError("standard input is a terminal; name a file, or redirect one into it")
    return _all(cast(io.BufferedReader, sys.stdin.buffer), begins)


def an_ncf(head: bytes) -> None:
    """For `contents`: FormatError for what no .ncf file begins with."""
    from codec.container.sections import Reader

    Reader(io.BytesIO(head)).magic()


def _all(fp: io.BufferedReader, begins: Begins) -> bytes:
    """Everything, in memory: LimitError if that is too much."""
    from codec.media.signatures import HEAD

    buffer, looked = io.BytesIO(), False
    # Piece by piece, because read() does not look at signals between the pieces.
    for part in iter(lambda: fp.read1(2**20), b""):
        buffer.write(part)
        if not looked and buffer.tell() >= HEAD:
            begins(buffer.getvalue()[:HEAD])
            looked = True
        if buffer.tell() > _MOST:
            raise LimitError(f"goes on beyond {_MOST >> 20} MiB; write it to a file and name that")
    if not looked:
        begins(buffer.getvalue())
    return buffer.getvalue()
