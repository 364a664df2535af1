"""Bytes in and out: standard input, and files that appear complete or not at all."""

from __future__ import annotations

import errno
import io
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

from codec.cli.files import STDIO
from codec.errors import CodecError
from codec.output import whole_file


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


def contents(source: str) -> str | bytes:
    """A path, or all bytes of what can be opened and read only once: standard input, and pipes with a name."""
    if source == STDIO:
        return read_stdin()
    if stat.S_ISFIFO(os.stat(source).st_mode):
        with open(source, "rb") as fp:
            return fp.read()
    return source


def read_stdin() -> bytes:
    """All of standard input; CodecError if that is a terminal."""
    if sys.stdin.isatty():
        raise CodecError("standard input is a terminal; name a file, or redirect one into it")
    # Piece by piece, because read() does not look at signals between the pieces.
    buffer = cast(io.BufferedReader, sys.stdin.buffer)
    return b"".join(iter(lambda: buffer.read1(2**20), b""))
