"""Whether the sessions of an archive are as they were when they were added: each is decoded again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from codec.archive.archive import Archive, named
from codec.archive.session import digest_of, open_session
from codec.container import Placed
from codec.errors import CodecError, DesyncError


class Verdict(NamedTuple):
    """Of a session: its number, its name ("" if that can't be read) and what is wrong with it, if anything is."""

    number: int
    name: str
    frames: int
    error: CodecError | None


def verify(
    archive: Archive, numbers: Iterable[int] | None = None, *, device: str = "auto",
    tell: Callable[[int], None] | None = None,
) -> Iterator[Verdict]:  # fmt: skip
    """A verdict on each session, or on those of these numbers. `tell` is called with a session's number before it."""
    for number in range(len(archive.sessions)) if numbers is None else numbers:
        one = archive.sessions[number]
        if not isinstance(one, Placed):
            yield Verdict(number, "", 0, one)
            continue
        if tell:
            tell(number)
        entry, error = one.entry, None
        try:
            with named(entry.name):
                if digest_of(open_session(archive, number, device=device).pictures()) != entry.digest:
                    raise DesyncError(
                        "it decodes to other pictures than when it was added; get a whole copy of the file"
                    )
        except CodecError as wrong:
            error = wrong
        yield Verdict(number, entry.name, entry.frames, error)
