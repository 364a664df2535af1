"""An archive, opened: its sessions by name or number, and what they need of each other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import IO, Any, cast

from codec import urls
from codec.archive.window import Window
from codec.codecs import of
from codec.codecs.base import EarlierSession
from codec.container import (
    Header,
    Index,
    Limits,
    Placed,
    Unit,
    read_bare,
    read_directory,
    read_header,
    read_index,
    read_unit,
)
from codec.errors import CodecError, FormatError
from codec.media.info import MAX_PIXELS

_HEADERS = 8  # that are kept: each has its video's sound


@dataclass
class Archive:
    """What an archive has. `sessions`: by number; of one whose entry can't be read, what is wrong. `unfinished`: bytes
    at the file's end that are of no session, since an append was interrupted."""

    fp: IO[bytes]
    path: str | None  # where another process finds it
    limits: Limits
    sessions: tuple[Placed | CodecError, ...]
    whole: int
    unfinished: int
    _headers: dict[int, Header] = field(default_factory=dict, repr=False)
    _indices: dict[int, Index] = field(default_factory=dict, repr=False)

    @cached_property
    def entries(self) -> list[Placed]:
        """The sessions whose entries are whole."""
        return [one for one in self.sessions if isinstance(one, Placed)]

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {one.entry.name: one.entry.number for one in self.entries}

    def number(self, name: str) -> int:
        """The session of this name; CodecError if there is none."""
        if name in self._numbers:
            return self._numbers[name]
        names = list(self._numbers)
        what = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "") or "none"
        raise CodecError(f"there is no session {name!r} in it; it has {what}")

    def placed(self, number: int) -> Placed:
        """A session's entry, and where it is; FormatError if that is damaged."""
        one = self.sessions[number]
        if isinstance(one, Placed):
            return one
        raise one

    def window(self, number: int) -> IO[bytes]:
        """A session's content as a file."""
        entry, start, _ = self.placed(number)
        return cast(IO[bytes], Window(self.fp, start, start + entry.content))

    def header(self, number: int) -> Header:
        """A session's head and metadata, which may be those of another."""
        if number not in self._headers:
            entry = self.placed(number).entry
            if entry.like:
                return self.header(number - entry.like)
            with named(entry.name):
                read = read_header if entry.own else read_bare
                header = read(self.window(number), self.limits)
            if len(self._headers) == _HEADERS:
                del self._headers[next(iter(self._headers))]
            self._headers[number] = header
        return self._headers[number]

    def index(self, number: int) -> Index:
        """Where the units are of a session that has some."""
        if number not in self._indices:
            entry = self.placed(number).entry
            with named(entry.name):
                index = read_index(self.window(number), self.limits)
                if index.frame_count != entry.own:
                    raise FormatError("damaged: its entry says other frames than it has; get a whole copy of the file")
            self._indices[number] = index
        return self._indices[number]

    def needed(self, number: int) -> list[int]:
        """A session and all that it can't be decoded without, by number, ascending."""
        found, todo = set[int](), [number]
        while todo:
            if (one := todo.pop()) not in found:
                found.add(one)
                todo += [one - distance for distance in self.placed(one).entry.depends]
        return sorted(found)

    def earlier(self, number: int, only: frozenset[int] | None = None) -> Sessions:
        """The sessions before this one, as a codec is given them. `only`: of these distances."""
        return Sessions(self, number, only)


@dataclass
class Sessions:
    """See codec.codecs.base.Earlier."""

    _archive: Archive
    count: int
    _only: frozenset[int] | None = None

    def session(self, distance: int) -> EarlierSession:
        """See Earlier."""
        if not 1 <= distance <= self.count or (self._only is not None and distance not in self._only):
            raise FormatError(
                f"damaged: it needs what is {distance} sessions back, which its entry doesn't say; get a whole copy"
            )
        number, archive = self.count - distance, self._archive
        entry = archive.placed(number).entry
        header = archive.header(number)
        index = archive.index(number) if entry.own else None

        def unit(one: int) -> Unit:
            if index is None:
                raise FormatError(f"no unit {one}: the session has none")
            with named(entry.name):
                found = read_unit(archive.window(number), index, one, archive.limits)
                of(header).check(header, [found])
            return found

        units = len(index.offsets) if index else 0
        return EarlierSession(header, unit, units, Sessions(archive, number, frozenset(entry.depends)))

    def __reduce__(self) -> tuple[Any, ...]:
        archive = self._archive
        if archive.path is None:
            raise TypeError("an archive in memory stays in its process")
        return _reopened, (archive.path, archive.limits, self.count, self._only)


def _reopened(path: str, limits: Limits, count: int, only: frozenset[int] | None) -> Sessions:
    return Sessions(read(urls.opened(path, buffering=0), path, limits), count, only)


@contextmanager
def opened(path: str | os.PathLike[str], *, max_pixels: int = MAX_PIXELS) -> Iterator[Archive]:
    """An archive to read. FormatError for what is none; what is damaged in it is said where it is asked for."""
    with urls.opened(path, buffering=0) as fp:  # or 8 kB would be read for each entry
        yield read(fp, os.fspath(path), Limits(pixels=max_pixels))


def read(fp: IO[bytes], path: str | None = None, limits: Limits | None = None) -> Archive:
    """The archive in a seekable file, which stays open."""
    limits = limits or Limits()
    found = read_directory(fp, limits)
    return Archive(fp, path, limits, found.sessions, found.whole, found.size - found.whole)


@contextmanager
def named(name: str) -> Iterator[None]:
    """What goes wrong with a session is told with its name."""
    try:
        yield
    except CodecError as error:
        if str(error).startswith(f"session {name!r}: "):
            raise
        kind = FormatError if isinstance(error, FormatError) else type(error)
        raise kind(f"session {name!r}: {error}") from error
