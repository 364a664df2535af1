"""One process at a time writes an output: until it is complete its file is locked, and a second is refused at once.

Locks are the system's, so that a killed process leaves none; where a file system has none, nothing is locked.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from codec.errors import CodecError

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]


@contextmanager
def locked(part: Path, target: str | os.PathLike[str], folder: bool = False) -> Iterator[bool]:
    """`part`, a file or a `folder`, is made if it isn't there and is this process's alone; False where nothing locks.

    CodecError if another has it, which names `target`: what will be written.
    """
    if fcntl is None:
        if folder:
            part.mkdir(exist_ok=True)
        yield False
        return
    lock, sure = _lock(part, target, folder)
    try:
        yield sure
    finally:
        os.close(lock)


@contextmanager
def held(fp: IO[bytes], target: str | os.PathLike[str]) -> Iterator[None]:
    """An open file is this process's alone, whatever its names are; where nothing locks it isn't.

    CodecError if another has it, which names `target`.
    """
    if fcntl is not None:
        try:
            fcntl.flock(fp, fcntl.LOCK_EX | fcntl.LOCK_NB)  # until it is closed
        except BlockingIOError:
            raise _taken(target) from None
        except OSError:  # a file system without locks
            pass
    yield


def _taken(target: str | os.PathLike[str]) -> CodecError:
    return CodecError(f"another process is writing {os.fspath(target)}; wait for it, or name another file")


def _lock(part: Path, target: str | os.PathLike[str], folder: bool) -> tuple[int, bool]:
    """What holds the lock, and whether there is one."""
    for _ in range(5):
        if folder:
            part.mkdir(exist_ok=True)
        lock = _opened(part, folder)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            status = os.fstat(lock)
            if os.path.samestat(status, os.stat(part)):
                if folder or status.st_nlink == 1:
                    return lock, True
                part.unlink()  # its other name is that of a whole file: it was killed between the two
        except BlockingIOError:
            os.close(lock)
            break
        except FileNotFoundError:
            pass
        except OSError:  # a file system without locks
            return lock, False
        os.close(lock)  # another process has just given it its name, say: this one makes a new one
    raise _taken(target)


def _opened(part: Path, folder: bool) -> int:
    """The descriptor of what is to be locked. CodecError for a symlink, which would lead the work elsewhere."""
    flags = os.O_RDONLY | os.O_DIRECTORY if folder else os.O_RDWR | os.O_CREAT
    try:
        return os.open(part, flags | os.O_NOFOLLOW, 0o666)
    except OSError:
        if part.is_symlink():
            raise CodecError(f"{part} is a symlink, which codec never makes; remove it") from None
        raise
