"""Files of encodings that take long: an interruption leaves them for --resume."""

from __future__ import annotations

import errno
import glob
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from codec import output, urls
from codec.cli.files import STDIO
from codec.cli.messages import say
from codec.cli.streams import atomic_write
from codec.errors import CodecError
from codec.locking import locked


def unfinished(target: str, made_by: str) -> Path:
    """Where an encoding of a video is until it is complete: a name that the next run finds (--resume)."""
    final = Path(os.path.realpath(target))
    # Cut, because a suffix must not push it over the limit of the file system; the names are told apart even so.
    name = final.name if len(final.name) <= 48 else f"{final.name[:40]}{zlib.crc32(os.fsencode(final.name)):08x}"
    return final.with_name(f".{name}.unfinished-{made_by}")


@contextmanager
def resumable(
    target: str, made_by: str, resume: bool, replace: bool = True, named: bool = True, again: str = "--resume"
) -> Iterator[IO[bytes]]:  # fmt: skip
    """A file that gets its name when it is complete. Interrupted it stays, for --resume; what fails leaves nothing.

    `named`: or it has gone into the target by then, and is removed. `made_by` names the input's content and the
    options: those of a file that is resumed must be the same. Other runs start anew. CodecError at once if another
    process is writing this output, whatever its options. `again`: the options by which the same command goes on.
    """
    if target == STDIO or urls.is_url(target) or (os.path.exists(target) and not os.path.isfile(target)):
        with atomic_write(target, replace) as fp:
            yield fp
        return
    part = unfinished(target, made_by)
    if resume and not part.exists() and (others := _others(part, target)):
        raise CodecError(
            f"{others[0]} is of another video or was made with other options; give the same ones, or leave out --resume"
        )
    kept = resume and part.exists()
    try:
        with locked(part, target):
            yield from _held(part, target, kept, replace, named, again)
    except OSError as error:
        if error.errno is not None and error.filename in (None, os.fspath(part)) and error.errno != errno.EPIPE:
            raise OSError(error.errno, error.strerror, target) from error  # the name that the user knows
        raise


def _held(part: Path, target: str, kept: bool, replace: bool, named: bool, again: str) -> Iterator[IO[bytes]]:
    """What is written while the file is this process's alone."""
    begun = kept
    try:
        _remove(_others(part, target), target, only_empty=True)  # CodecError if one is being written
        begun = True
        with open(part, "r+b" if kept else "w+b") as fp:
            yield fp
            output.sync(fp)
    except (CodecError, OSError):
        if not kept and (begun or not part.stat().st_size):  # what fails once fails again
            part.unlink(missing_ok=True)
        raise
    except BaseException:
        if part.exists() and part.stat().st_size:
            say(f"codec: {target}: stopped; the same command with {again} goes on from there")
        else:
            part.unlink(missing_ok=True)
            say(f"codec: {target}: stopped before the first group was whole; nothing is left to go on from")
        raise
    try:
        if named:
            output.name(part, Path(os.path.realpath(target)), replace)
        else:
            part.unlink()
    except FileExistsError as error:
        raise CodecError(
            f"{target} has appeared meanwhile, and stays; the encoding is {part}, name it as you like"
        ) from error
    _remove(_others(part, target), target)


def _others(part: Path, target: str) -> list[Path]:
    """Unfinished files of the same output, by other options or of another input."""
    found = part.parent.glob(f"{glob.escape(unfinished(target, '').name)}*")
    return sorted(path for path in found if path != part)


def _remove(paths: list[Path], target: str, only_empty: bool = False) -> None:
    """Remove what no process is writing; CodecError if one is."""
    for path in paths:
        with locked(path, target):
            if not only_empty or not path.stat().st_size:
                path.unlink(missing_ok=True)
