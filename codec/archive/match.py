"""Runs of frames that earlier sessions own: found by the hashes of their sources' samples, proved by their pictures.

A hash of two bytes is no proof; four in a row are as good as one, and what is decoded is compared besides.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from codec.archive.archive import Archive, named
from codec.archive.session import kind
from codec.container import Segment
from codec.container.sessions import HASH_BYTES
from codec.errors import CodecError
from codec.media.distortion import errors, psnr_611
from codec.media.info import Info
from codec.media.video import Picture, Planes
from codec.video.file import File, info_of

LEAST = 4  # frames of a run
_TRIED = 64  # places that a run is tried at
_DROP = 3.0  # dB by which the PSNR of a run's outermost frame is below the next one's, if it is another picture
_FLOOR = 18.0  # dB: the least that pictures of a run have on average


class Run(NamedTuple):
    """Frames `at` to `at` + `count` - 1 of a source, which are own frames of an earlier session, from `first` on."""

    at: int
    count: int  # type: ignore[assignment]  # (hides tuple.count)
    session: int
    first: int
    shifts: tuple[Fraction, ...] = ()  # of each: how much later it is shown


def hash_of(planes: Planes, depth: int) -> int:
    """The lower half of the CRC-32 of a picture: depth, height and width of the planes, then their samples."""
    found = 0
    for plane in planes:
        found = zlib.crc32(np.array([depth, *plane.shape], "<u4").tobytes(), found)
    for plane in planes:
        found = zlib.crc32(plane.astype(plane.dtype.newbyteorder("<"), copy=False).tobytes(), found)
    return found & 0xFFFF


def packed(hashes: Sequence[int] | NDArray[np.uint16]) -> bytes:
    """As an entry has them."""
    return np.asarray(hashes, "<u2").tobytes()


def runs(hashes: Sequence[int], archive: Archive, wanted: Callable[[int], bool]) -> list[Run]:
    """The runs in a source with these hashes, in its order, of sessions that are `wanted`; the longest first tried."""
    source = np.asarray(hashes, np.uint16)
    known = _keys(source)
    places: dict[int, list[tuple[int, int]]] = {}
    owned: dict[int, NDArray[np.uint16]] = {}
    for entry, *_ in archive.entries:
        own = np.frombuffer(entry.hashes, f"<u{HASH_BYTES}")
        keys = _keys(own)
        at = np.flatnonzero(np.isin(keys, known))
        if not len(at) or not wanted(entry.number):
            continue
        owned[entry.number] = own
        for place in at.tolist():
            places.setdefault(int(keys[place]), []).append((entry.number, place))
    found: list[Run] = []
    frame = 0
    while frame < len(known):
        best = Run(frame, 0, 0, 0)
        for session, first in places.get(int(known[frame]), [])[:_TRIED]:
            count = _alike(source[frame:], owned[session][first:])
            if count > best.count:
                best = Run(frame, count, session, first)
        if best.count:
            found.append(best)
        frame += max(best.count, 1)
    return found


def _keys(hashes: NDArray[np.uint16]) -> NDArray[np.uint64]:
    """Of each frame that and the next three, as one number."""
    wide = hashes.astype(np.uint64)
    parts = [wide[i : len(wide) - LEAST + 1 + i] << np.uint64(16 * i) for i in range(LEAST)]
    return np.bitwise_or.reduce(parts) if len(wide) >= LEAST else wide[:0]


def _alike(a: NDArray[np.uint16], b: NDArray[np.uint16]) -> int:
    """How many hashes are the same, from the first on."""
    length = min(len(a), len(b))
    other = np.flatnonzero(a[:length] != b[:length])
    return int(other[0]) if len(other) else length


def proved(
    found: Iterable[Run], source: Iterable[Picture], owner: Callable[[int], tuple[str, File]], depth: int,
    least: float | None = None,
) -> Iterator[Run]:  # fmt: skip
    """The runs whose pictures are those of the source, without outermost frames that aren't, with the times of each.

    `least`: the PSNR (6:1:1) that a run must have on average, in dB. What can't be decoded is no run.
    """
    pictures, number = iter(source), 0
    for run in found:
        wanted = islice(pictures, run.at - number, run.at - number + run.count)
        number = run.at + run.count
        levels, shifts = list[float](), list[Fraction]()
        try:
            name, file = owner(run.session)
            with named(name):
                shown = file.pictures(run.first, run.first + run.count - 1)
                for picture, other in zip(wanted, shown, strict=False):
                    levels.append(psnr_611(errors(other.planes, picture.planes, depth)))
                    shifts.append(picture.time - other.time)
        except CodecError:
            levels.clear()
        for _ in wanted:  # what a decoder has left of them
            pass
        begin, end = 0, len(levels)
        while end - begin >= LEAST and levels[end - 1] < levels[end - 2] - _DROP:
            end -= 1
        while end - begin >= LEAST and levels[begin] < levels[begin + 1] - _DROP:
            begin += 1
        mean = sum(levels[begin:end]) / max(end - begin, 1)
        if end - begin >= LEAST and mean >= max(_FLOOR, least or 0.0):
            yield Run(run.at + begin, end - begin, run.session, run.first + begin, tuple(shifts[begin:end]))


def segments(found: Sequence[Run], frames: int, number: int) -> tuple[Segment, ...]:
    """The segments of session `number`, whose frames are its own but for these runs; none if there are no runs."""
    made: list[Segment] = []
    at = 0
    for run in [*found, Run(frames, 0, 0, 0)]:
        if run.at > at:
            made.append(Segment(0, run.at - at))
        for i, shift in enumerate(run.shifts):
            distance, first = number - run.session, run.first + i
            last = made[-1] if made else None
            if last and (last.distance, last.shift, last.first + last.count) == (distance, shift, first):
                made[-1] = last._replace(count=last.count + 1)
            else:
                made.append(Segment(distance, 1, first, shift))
        at = run.at + run.count
    return tuple(made) if found else ()


def spans(found: Sequence[Run], frames: int) -> list[tuple[int, int]]:
    """The first frame and the one behind the last of each stretch that no run has."""
    edges = [0, *(edge for run in found for edge in (run.at, run.at + run.count)), frames]
    return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if a < b]


def same_kind(archive: Archive, number: int, info: Info) -> bool:
    """Whether a session's pictures can stand for those of a video."""
    return kind(info_of(archive.header(number), 0)) == kind(info)
