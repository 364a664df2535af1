"""Files of encodings that take long: an interruption leaves them for --resume."""

from __future__ import annotations

import glob
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from codec import output
from codec.cli.files import STDIO
from codec.cli.messages import say
from codec.cli.streams import atomic_write
from codec.errors import CodecError

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]


def unfinished(target: str, made_by: str) -> Path:
    """Where an encoding of a video is until it is complete: a name that the next run finds (--resume)."""
    final = Path(os.path.realpath(target))
    # Cut, because a suffix must not push it over the limit of the file system; the names are told apart even so.
    name = final.name if len(final.name) <= 48 else f"{final.name[:40]}{zlib.crc32(os.fsencode(final.name)):08x}"
    return final.with_name(f".{name}.unfinished-{made_by}")


@contextmanager
def _alone(part: Path, target: str) -> Iterator[None]:
    """Only one process at a time writes a file, where the system can lock one."""
    if fcntl is None:
        yield
        return
    try:
        lock = os.open(part, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise OSError(error.errno, error.strerror, target) from error
    try:
        if not _locked(lock, part):
            raise CodecError(f"another process is writing {target}; wait for it, or name another output with -o")
        yield
    finally:
        os.close(lock)


def _locked(lock: int, part: Path) -> bool:
    """Whether the opened file is ours now, and still has its name: another process may just have finished it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(lock), os.stat(part))
    except (BlockingIOError, FileNotFoundError):
        return False
    except OSError:  # a file system without locks
        return True


@contextmanager
def resumable(target: str, made_by: str, resume: bool) -> Iterator[IO[bytes]]:
    """A file that gets its name when it is complete. Interrupted it stays, for --resume; what fails leaves nothing.

    `made_by` names the options: those of a file that is resumed must be the same. Other runs start anew.
    """
    if target == STDIO or (os.path.exists(target) and not os.path.isfile(target)):
        with atomic_write(target) as fp:
            yield fp
        return
    part = unfinished(target, made_by)
    others = [p for p in part.parent.glob(f"{glob.escape(unfinished(target, '').name)}*") if p != part]
    if resume and others and not part.exists():
        raise CodecError(
            f"{others[0]} is of another video or was made with other options; give the same ones, or leave out --resume"
        )
    kept = resume and part.exists()
    with _alone(part, target):
        try:
            with open(part, "r+b" if kept else "w+b") as fp:
                yield fp
                output.sync(fp)
            output.name(part, Path(os.path.realpath(target)))
        except (CodecError, OSError) as error:
            if not kept:  # what fails once fails again
                part.unlink(missing_ok=True)
            if isinstance(error, OSError) and error.filename == os.fspath(part):
                raise OSError(error.errno, error.strerror, target) from error  # the name that the user knows
            raise
        except BaseException:
            if part.exists() and part.stat().st_size:
                say(f"codec: {target}: stopped; the same command with --resume goes on from there")
            else:
                part.unlink(missing_ok=True)
                say(f"codec: {target}: stopped before the first group was whole; nothing is left to go on from")
            raise
    for other in others:
        other.unlink(missing_ok=True)
