"""Files and folders that appear under their names complete, or not at all; and outputs that can't be sought in.

Until it is complete a file is `.NAME.part-XXXX` beside its name, which any exception removes.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_KEPT = 48  # characters of a name: what is put behind it must not push it over the limit of the file system


@contextmanager
def whole_file(path: str | Path) -> Iterator[IO[bytes]]:
    """A binary file to write; where `path` is a symlink, the file that it leads to."""
    final = Path(os.path.realpath(path))
    part = _part(final)
    try:
        with open(part, "xb") as fp:
            yield fp
            sync(fp)
        name(part, final)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A folder to fill; an empty one of this name is replaced."""
    part = _part(path.absolute())
    part.mkdir()
    try:
        yield part
        os.replace(part, path)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


@contextmanager
def seekable(fp: IO[bytes]) -> Iterator[IO[bytes]]:
    """`fp`, or where it can't be sought in (a pipe) a temporary file that is copied to it at the end."""
    if fp.seekable():
        yield fp
        return
    with tempfile.TemporaryFile() as file:
        yield file
        file.seek(0)
        shutil.copyfileobj(file, fp)


def sync(fp: IO[bytes]) -> None:
    """Have on the disk what was written."""
    fp.flush()
    os.fsync(fp.fileno())


def name(part: Path, final: Path) -> None:
    """Give a complete file its name, and the mode of the file that has had it."""
    if final.exists():
        shutil.copymode(final, part)
    os.replace(part, final)


def _part(final: Path) -> Path:
    return final.with_name(f".{final.name[:_KEPT]}.part-{secrets.token_hex(4)}")
