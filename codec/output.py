"""Files and folders that appear under their names complete, or not at all; and outputs that can't be sought in.

Until it is complete a file is `.NAME.part-XXXXXXXX` beside its name, locked, which any exception removes. What a kill
leaves is taken over by the next one that writes the same, or removed by `clear`.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from codec import urls
from codec.errors import CodecError
from codec.interrupts import held
from codec.locking import locked

_KEPT = 48  # characters of a name: what is put behind it must not push it over the limit of the file system
# What file systems say that can't do what was asked of them: shares, FAT, some of FUSE.
_CANNOT = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM, errno.EACCES, errno.EMLINK}


@contextmanager
def whole_file(path: str | Path, replace: bool = True) -> Iterator[IO[bytes]]:
    """A binary file to write; for a symlink the file that it leads to, for a URL see `urls.whole`.

    CodecError at once if another process is writing it; without `replace` FileExistsError if at the end it is there.
    OSErrors that name no file are told of `path`.
    """
    if urls.is_url(path):
        with urls.whole(path, replace) as fp:
            yield fp
        return
    final = Path(os.path.realpath(path))
    part = _part(final)
    try:
        # Held, since a signal just after it is made would find nobody who removes it.
        with held() as go, locked(part, path) as sure:
            if not sure:  # nothing keeps two apart that would write the same one
                part.unlink(missing_ok=True)
                part = _part(final, secrets.token_hex(4))
            try:
                go()
                with open(part, "r+b" if sure else "xb") as fp:
                    fp.truncate()
                    yield fp
                    sync(fp)
                name(part, final, replace)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
    except OSError as error:
        if error.errno is not None and error.filename in (None, os.fspath(part)) and error.errno != errno.EPIPE:
            raise OSError(error.errno, error.strerror, os.fspath(path)) from error
        raise


def write_whole(path: Path, data: bytes) -> None:
    """Make a file of these bytes, and the folders that it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as fp:
        fp.write(data)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A folder to fill; an empty one of this name is replaced. CodecError at once if another process is filling it, or
    something else has the name."""
    if os.path.lexists(path) and (path.is_symlink() or not path.is_dir()):
        raise CodecError(f"the output {path} is no folder; name another with -o")
    part = _part(path.absolute())
    with held() as go, locked(part, path, folder=True) as sure:  # held as above
        if not sure:
            with suppress(OSError):
                part.rmdir()
            part = _part(path.absolute(), secrets.token_hex(4))
            part.mkdir()
        try:
            go()
            for left in part.iterdir():  # by a run that was killed
                left.unlink()
            yield part
            try:
                os.replace(part, path)
            except OSError as error:
                raise OSError(error.errno, error.strerror, os.fspath(path)) from error
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Nobody else who asks for it works on `path` while inside: a file or folder that is written bit by bit.

    CodecError at once if another process does. The lock is a file beside it.
    """
    final = Path(os.path.realpath(path))
    lock = final.with_name(f".{_short(final)}.running")
    try:
        with held() as go, locked(lock, path):
            try:
                go()
                yield
            finally:
                lock.unlink(missing_ok=True)
    except OSError as error:
        if error.filename == os.fspath(lock):
            raise OSError(error.errno, error.strerror, os.fspath(path)) from error  # the name that the user knows
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
    """Have on the disk what was written, where the file system can say so."""
    fp.flush()
    try:
        os.fsync(fp.fileno())
    except OSError as error:
        if error.errno not in _CANNOT:
            raise


def name(part: Path, final: Path, replace: bool = True) -> None:
    """Give a complete file its name, and the mode of the file that has had it, where the file system has modes.

    FileExistsError without `replace`, if there is a file of this name.
    """
    if not replace:
        try:
            os.link(part, final)  # which, other than a renaming, never replaces anything
            part.unlink()
            return
        except OSError as error:
            if error.errno not in _CANNOT:
                raise
        if os.path.lexists(final):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(final))
    elif final.exists():
        with suppress(OSError):
            shutil.copymode(final, part)
    os.replace(part, final)


def clear(path: str | Path) -> None:
    """Remove what a run that was killed has left of a file or folder; what is being written stays."""
    part = _part(Path(os.path.realpath(path)))
    if not os.path.lexists(part):
        return
    folder = part.is_dir()
    with suppress(OSError, CodecError), locked(part, path, folder) as sure:
        if sure:
            shutil.rmtree(part) if folder else part.unlink()


def _part(final: Path, mark: str = "") -> Path:
    return final.with_name(f".{final.name[:_KEPT]}.part-{mark or _number(final)}")


def _short(final: Path) -> str:
    return f"{final.name[:_KEPT]}-{_number(final)}" if len(final.name) > _KEPT else final.name


def _number(final: Path) -> str:
    return format(zlib.crc32(os.fsencode(final.name)), "08x")
