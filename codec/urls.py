"""Files behind URLs (s3://, https://, memory:// and what else fsspec knows), as files on a disk are read and written.

A path is a URL if it begins as one; nothing else loads fsspec or asks the network. What is read is fetched by ranges of
bytes, as it is asked for; what is written appears when it is complete, or not at all.
"""

from __future__ import annotations

import errno
import io
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import IO, Any, TypeAlias, TypeGuard, cast
from urllib.parse import unquote, urlsplit

from codec.errors import CodecError
from codec.seekable import Seekable

Place: TypeAlias = Path | str  # a path, or if it is text a URL

_URL = re.compile(r"(?:[a-z][a-z0-9]*::)*[a-z][a-z0-9+.-]*://", re.ASCII)
_LOCAL = ("file://", "local://")
_HTTP = ("http://", "https://")
_INSTALL = "pip install 'neural-codec[fsspec]'"
_LEAST, _MOST = 2**14, 2**22  # bytes that are fetched at once: after a jump, and when all is read in order
_LITTLE = 2**8  # bytes that are fetched behind a long read: a checksum, what follows next
_UNSAID = 2**29  # bytes that a server may send without saying how many
_SILENCE = 30  # seconds for which a server may say nothing
_PIECE = 2**22  # bytes of an upload in memory at once


def is_url(path: object) -> TypeGuard[str]:
    """Whether this is text that begins as a URL does; "file://" is none, since `plain` makes a path of it."""
    return isinstance(path, str) and _URL.match(path) is not None and not path.startswith(_LOCAL)


def plain(path: str) -> str:
    """The path of a "file://" URL; all else as it is.

    >>> plain("file:///tmp/a%20b.png"), plain("s3://a/b")
    ('/tmp/a b.png', 's3://a/b')
    """
    return unquote(urlsplit(path).path) if path.startswith(_LOCAL) else path


def named(url: str) -> str:
    """The part of a URL in which the file's name is, without a query; a path as it is.

    >>> named("https://host/a.png?version=2"), named("zip://a.png::s3://b/c.zip")
    ('https://host/a.png', 'zip://a.png')
    """
    if not is_url(url):
        return url
    first = url.partition("::")[0] if "://" in url.partition("::")[0] else url
    return first.partition("?")[0] if first.startswith(_HTTP) else first


def identity(url: str) -> str:
    """The same text for the names that one place has, "s3://a/b" and "s3a://a//b"."""
    with told(url):
        fs, path = _place(url)
    kind = fs.protocol if isinstance(fs.protocol, str) else fs.protocol[0]
    return f"{kind}://{re.sub('/+', '/', path).strip('/')}"


def leaf(place: Place) -> PurePath:
    """The name that a path or URL ends with, for its stem and suffix.

    >>> leaf("s3://bucket/photos/a.png").stem
    'a'
    """
    return PurePath(PurePath(named(os.fspath(place))).name)


def opened(path: str | os.PathLike[str], buffering: int = -1) -> IO[bytes]:
    """A file on a disk (`buffering` as `open` takes it) or behind a URL, to read. OSError that names it if it can't be;
    CodecError for a URL for which packages are missing."""
    return cast(IO[bytes], _Remote(path)) if is_url(path) else open(path, "rb", buffering)


def stream(source: str | os.PathLike[str] | bytes) -> IO[bytes]:
    """What `opened` gives, or the bytes themselves as a file."""
    return io.BytesIO(source) if isinstance(source, bytes) else opened(source)


def content(source: str | os.PathLike[str] | bytes) -> bytes:
    """All bytes of a file on a disk or behind a URL, or those that are given."""
    if isinstance(source, bytes):
        return source
    with opened(source) as fp:
        return fp.read()


def size(path: str | os.PathLike[str]) -> int:
    """The bytes of a file on a disk or behind a URL."""
    if not is_url(path):
        return os.path.getsize(path)
    with opened(path) as fp:
        return fp.seek(0, os.SEEK_END)


def exists(url: str) -> bool:
    """Whether something is there, a file or a folder."""
    with told(url):
        fs, path = _place(url)
        return bool(fs.exists(path))


def is_folder(url: str) -> bool:
    """Whether a URL is one of a folder, for those that have folders: of http, of a page with links."""
    with told(url):
        fs, path = _place(url)
        return bool(fs.isdir(path))


def below(url: str) -> list[str]:
    """The paths of all files in a folder and the folders in it, seen from there, in an order that doesn't change."""
    with told(url):
        fs, root = _place(url)
        root = root.rstrip("/")
        if not fs.exists(root):
            raise FileNotFoundError(url)
        found = [str(name)[len(root) :].lstrip("/") for name in fs.find(root)]
    return sorted((name for name in found if name), key=lambda name: name.split("/"))


def modified(url: str) -> float | None:
    """When a file was written, in seconds of its own clock; None where nobody knows."""
    with told(url):
        fs, path = _place(url)
        try:
            return float(fs.modified(path).timestamp())
        except (NotImplementedError, AttributeError):
            return None


def check_writable(url: str) -> None:
    """CodecError for a URL that nothing is ever written to."""
    if url.startswith(_HTTP):
        raise CodecError(f"{url} can be read and not written; name another output with -o")


@contextmanager
def whole(url: str, replace: bool = True) -> Iterator[IO[bytes]]:
    """A binary file on the disk to write, which becomes the one behind the URL at the end; what fails leaves nothing.

    Without `replace` FileExistsError if at the end something is there.
    """
    check_writable(url)
    with told(url):
        fs, path = _place(url)
    with tempfile.TemporaryFile() as fp:
        yield fp
        with told(url):
            if not replace and fs.exists(path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), url)
            try:
                _upload(fp, fs, path)
            except FileNotFoundError:  # of stores that have folders
                fs.makedirs(fs._parent(path), exist_ok=True)
                _upload(fp, fs, path)


def _upload(fp: IO[bytes], fs: Any, path: str) -> None:
    fp.seek(0)
    with fs.transaction, fs.open(path, "wb") as out:  # which gets its name at the transaction's end
        shutil.copyfileobj(fp, out, _PIECE)


def _place(url: str) -> tuple[Any, str]:
    """The file system of a URL, one for each thread, and the path there. CodecError for what needs other packages."""
    scheme = url.partition("://")[0].rpartition("::")[2]
    try:
        from fsspec.core import url_to_fs

        options: dict[str, Any] = {}
        if url.startswith(_HTTP):
            from aiohttp import ClientTimeout

            options["client_kwargs"] = {"timeout": ClientTimeout(connect=_SILENCE, sock_read=_SILENCE)}
        return url_to_fs(url, **options)
    except ImportError as error:
        first = str(error).strip().partition("\n")[0]
        what = (
            _INSTALL
            if (error.name or "").startswith("fsspec") or scheme.startswith("http")
            else f"{_INSTALL}, and: {first}"
        )
        raise CodecError(f"{scheme}:// needs packages that aren't installed; {what}") from error
    except ValueError as error:
        raise CodecError(f"{url}: {error}; give a path, or a URL that fsspec knows") from error


@contextmanager
def told(url: str) -> Iterator[None]:
    """What goes wrong behind a URL is an OSError that names it: each store has errors of its own."""
    try:
        yield
    except CodecError:
        raise
    except Exception as error:
        cause = error.__cause__ or error
        if getattr(cause, "status", 404) not in (404, 410):  # of http: fsspec takes every status for a missing file
            raise OSError(errno.EIO, f"can't be had (the server says {cause})", url) from error
        for kind, number in _NUMBERS.items():
            if isinstance(error, kind) and (cause is error or not isinstance(cause, OSError)):
                raise OSError(number, os.strerror(number), url) from error
        text = " ".join(str(cause).split()) or type(cause).__name__
        what = f"can't be reached ({text}); check the address, the rights and the connection"
        raise OSError(errno.EIO, what, url) from error


_NUMBERS = {
    FileNotFoundError: errno.ENOENT, FileExistsError: errno.EEXIST, IsADirectoryError: errno.EISDIR,
    NotADirectoryError: errno.ENOTDIR, PermissionError: errno.EACCES,
}  # fmt: skip


class _Remote(Seekable):
    """A file behind a URL. After a jump little is fetched, when it is read in order more each time."""

    def __init__(self, url: str) -> None:
        self.name = url
        with told(url):
            self._fs, self._path = _place(url)
            size = self._fs.size(self._path)
            if size is None and self._fs.isdir(self._path):
                raise IsADirectoryError(url)
        self._at = self._start = self._jumped = 0  # where it is read, what is kept begins, and reading in order began
        self._kept = b""
        self._at_once = False  # all of it is kept, since the server knows no ranges
        if size is None:  # nobody knows before all of it is there
            self._kept = self._all()
        self._size = len(self._kept) if size is None else int(size)

    def _all(self) -> bytes:
        """What a server sends that doesn't say how much it is."""
        data = bytearray()
        with told(self.name), self._fs.open(self._path, "rb", block_size=0) as fp:
            while piece := fp.read(_PIECE):
                data += piece
                if len(data) > _UNSAID:
                    raise CodecError(f"{self.name} doesn't say its size, and is over {_UNSAID >> 20} MiB; download it")
        return bytes(data)

    def read(self, size: int | None = -1, /) -> bytes:
        """As many bytes as are asked for, fewer at the end alone."""
        left = max(self._size - self._at, 0)
        wanted = left if size is None or size < 0 else min(size, left)
        data = self._held(wanted)
        if len(data) < wanted:
            self._fetch(self._at + len(data), self._at + wanted)
            data += self._held(wanted - len(data), len(data))
        self._at += len(data)
        if len(self._kept) > _MOST and not self._at_once:  # what was read at once isn't read again
            self._start, self._kept = self._start + len(self._kept) - _MOST, self._kept[-_MOST:]
        return data

    def readall(self) -> bytes:
        return self.read()

    def readinto(self, buffer: Any, /) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _held(self, count: int, behind: int = 0) -> bytes:
        """As much as is kept of `count` bytes from so far behind the place on."""
        first = self._at + behind - self._start
        return self._kept[first : first + count] if first >= 0 else b""

    def _fetch(self, start: int, stop: int) -> None:
        """Keep the bytes from `start` to `stop` and some around them."""
        first = start
        if start != self._start + len(self._kept):
            first = self._jumped = min(start, max(self._size - _LEAST, 0))  # what a file ends with is read backwards
        ahead = min(max((first - self._jumped) // 8, _LEAST), _MOST)
        last = min(max(stop + _LITTLE, first + ahead), self._size)
        with told(self.name):
            data = self._fs.cat_file(self._path, start=first, end=last)
        if len(data) == self._size and len(data) > last - first:
            first, self._at_once = 0, len(data) <= _UNSAID
        elif len(data) != last - first:
            raise OSError(errno.EIO, "has changed while it was read; read it when nothing writes to it", self.name)
        self._start, self._kept = first, data
