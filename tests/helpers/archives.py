"""Archives of synthetic sessions, which nothing decodes."""

import io
import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from importlib.resources import files

from codec.container import LIMITS, Entry, Placed, Segment, pack_archive, pack_entry, read_directory
from codec.container.sections import MAGIC, VERSION
from codec.errors import CodecError
from helpers.containers import VIDEO, VIDEO_UNITS, written

HEAD = MAGIC + bytes([VERSION]) + pack_archive()
NAMES = ["a", "b", "c"]
DIGEST = bytes(range(32))


def content() -> bytes:
    """Of nine frames."""
    return written(VIDEO, VIDEO_UNITS)[5:]


def entry(number: int, name: str, size: int | None = None) -> Entry:
    """Of a session with that content."""
    return Entry(number, name, 1764460800, 9, len(content()) if size is None else size, DIGEST, bytes(18))


def pointing(number: int, name: str, segments: Sequence[Segment] = (Segment(1, 4, 3, Fraction(1, 25)),)) -> Entry:
    """Of a session that has nothing of its own."""
    depends = tuple(sorted({1, *(s.distance for s in segments)}))
    frames = sum(s.count for s in segments)
    return Entry(number, name, 1764460800, frames, 0, DIGEST, b"", 1, depends, tuple(segments))


def archive(count: int) -> bytes:
    """Of so many sessions with a content each."""
    return HEAD + b"".join(content() + pack_entry(entry(i, NAMES[i]), LIMITS) for i in range(count))


def found(data: bytes) -> list[Placed]:
    """Its sessions, all of which are whole."""
    sessions = read_directory(io.BytesIO(data)).sessions
    assert all(isinstance(one, Placed) for one in sessions), sessions
    return [one for one in sessions if isinstance(one, Placed)]


def names(sessions: Iterable[Placed | CodecError]) -> list[str]:
    """Of each the name, or what is wrong with it."""
    return [one.entry.name if isinstance(one, Placed) else str(one) for one in sessions]


def specified(name: str) -> bytes:
    """The bytes of a worked example in FORMAT.md, whose offsets have to add up."""
    text = files("codec").joinpath("FORMAT.md").read_text(encoding="utf-8")
    (block,) = re.findall(rf"```hex {name}\n(.*?)```", text, re.DOTALL)
    data = b""
    for line in block.splitlines():
        found = re.fullmatch(r"([0-9a-f]{4})  ((?:[0-9a-f]{2} )+) *(.*)", line)
        assert found and int(found[1], 16) == len(data), line
        data += bytes.fromhex(found[2])
    return data
