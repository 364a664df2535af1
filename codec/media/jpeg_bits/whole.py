"""A JPEG taken apart into quantised coefficients and the rest, and put together again, byte for byte."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from math import gcd
from typing import NamedTuple

import numpy as np

from codec.errors import CodecError, FormatError, MediaError
from codec.media.info import MAX_PIXELS
from codec.media.jpeg_bits import rest as packed
from codec.media.jpeg_bits.bitstream import scan_end
from codec.media.jpeg_bits.markers import Frame, Scan, Segments, check_blocks, check_pixels
from codec.media.jpeg_bits.rest import Cut, Rest
from codec.media.jpeg_bits.scans import Choices, fewest_marks, read_scan, write_scan
from codec.media.jpeg_bits.standard import nearest_quality, tables

_SAMPLINGS = {(1, 1): "4:4:4", (2, 1): "4:2:2", (1, 2): "4:4:0", (2, 2): "4:2:0", (4, 1): "4:1:1"}
_LARGEST = 32767  # a coefficient


class Shape(NamedTuple):
    """What is known of a component before its coefficients: see Component."""

    rows: int
    columns: int
    h: int
    v: int
    table: np.ndarray


@dataclass
class Component:
    """A component of a JPEG. `h`, `v`: sampling factors; `table`: what coefficients are multiples of, uint16 [64], in
    zigzag order; `blocks`: int16 [rows, columns, 64], quantised coefficients in zigzag order, DC as a value, with the
    blocks that only fill the last MCUs."""

    h: int
    v: int
    table: np.ndarray
    blocks: np.ndarray


@dataclass
class Jpeg:
    """A JPEG in two parts: coefficients, and everything else that the file needs to be rebuilt byte for byte."""

    components: list[Component]
    rest: bytes


def split(data: bytes, max_pixels: int = MAX_PIXELS) -> Jpeg:
    """Take a JPEG apart. Of a scan that is damaged, or written as it isn't written anew, coefficients are those before;
    what follows is in the rest. MediaError in one line where that can't be done, RareKind for another kind of JPEG,
    LimitError for more than `max_pixels`."""
    if data[:3] != b"\xff\xd8\xff":
        raise MediaError("is no JPEG")
    segments, at = Segments(), 2
    scans: list[tuple[int, Scan]] = []
    while (found := segments.next_scan(data, at)) is not None:
        scans.append(found)
        at = found[0]
    frame = _frame(segments)
    if not scans:
        raise MediaError("has no scan")
    check_pixels(frame, max_pixels)
    check_blocks(frame, len(data))
    blocks = [np.zeros((*frame.blocks(i), 64), np.int16) for i in range(len(frame.parts))]
    read = [(at, scan, read_scan(data, at, frame, scan, blocks)) for at, scan in scans]
    if any(one.min() < -_LARGEST for one in blocks):
        raise MediaError("has coefficients that no JPEG has")
    kept, cuts, before, size = [], [], 0, 0
    for at, scan, choices in read:
        there = data[at : scan_end(data, at)]
        choices, again = _written(frame, scan, blocks, choices, there)
        taken = None if again and there.startswith(again) else _alike(there, again)
        kept.append(data[before:at])
        size += at - before
        before = at + (len(again) if taken is None else taken)
        cuts.append(Cut(size, taken, choices))
    whole = Rest(b"".join([*kept, data[before:]]), cuts)
    components = [Component(*shape[2:], one) for shape, one in zip(_shapes(segments), blocks, strict=True)]
    return Jpeg(components, packed.pack(whole, nearest_quality(components[0].table)))


def frame_of(rest: bytes) -> tuple[int, int, list[Shape]]:
    """Width and height in pixels of a JPEG with this rest, and its components' shapes. FormatError if it has none."""
    frame, segments, _ = _walked(rest)
    return frame.width, frame.height, _shapes(segments)


def told(rest: bytes) -> tuple[str, dict[str, int]]:
    """Of a JPEG with this rest its kind in words, and the bytes of what is in it beside the picture, by name."""
    _, segments, size = _walked(rest)
    return _kind(segments), _held(segments, size)


def held(data: bytes) -> dict[str, int]:
    """The same of a whole JPEG, which may be damaged: the bytes of what is found in it beside the picture, by name."""
    segments, at = Segments(), 2
    with suppress(MediaError):
        while (found := segments.next_scan(data, at)) is not None:
            at = found[0]
    return _held(segments, len(data))


def kind_of(data: bytes) -> str:
    """The kind of a JPEG in words, by its head; "" of one that isn't taken apart."""
    segments = Segments()
    try:
        return _kind(segments) if data[:2] == b"\xff\xd8" and segments.next_scan(data, 2) else ""
    except CodecError:
        return ""


def _kind(segments: Segments) -> str:
    """How a JPEG was coded: "sequential, 4:2:0, quality 90"."""
    frame = _frame(segments)
    table = _shapes(segments)[0].table
    quality = nearest_quality(table)
    alike = np.array_equal(table, tables(quality)[0])
    words = ["progressive" if frame.progressive else "sequential", _sampling(frame)]
    return ", ".join(words + [f"quality {quality}"] * alike)


def _held(segments: Segments, size: int) -> dict[str, int]:
    behind = 0 if segments.end is None else size - segments.end
    return segments.held | ({"behind the picture": behind} if behind else {})


def _walked(rest: bytes) -> tuple[Frame, Segments, int]:
    """The segments of a rest, and its bytes less those of cuts."""
    kept, cuts = packed.unpack(rest)
    segments, at = Segments(), 2
    for cut in cuts:
        at, _ = _next(segments, kept, at, cut)
    if segments.next_scan(kept, at) is not None:
        raise FormatError("damaged: the JPEG has more scans than it should; get a whole copy of the file")
    return _frame(segments), segments, len(kept)


def _sampling(frame: Frame) -> str:
    """Sampling factors in words."""
    across, down = gcd(*(one.h for one in frame.parts)), gcd(*(one.v for one in frame.parts))
    factors = [(one.h // across, one.v // down) for one in frame.parts]
    if len(factors) == 1:
        return "grey"
    if len(factors) == 3 and factors[1] == factors[2] == (1, 1) and factors[0] in _SAMPLINGS:
        return _SAMPLINGS[factors[0]]
    return f"{len(factors)} components of " + ", ".join(f"{h} x {v}" for h, v in factors)


def _next(segments: Segments, kept: bytes, at: int, cut: Cut) -> tuple[int, Scan]:
    """The scan of a cut."""
    found = segments.next_scan(kept, at)
    if found is None or found[0] != cut.at:
        raise FormatError("damaged: the scans of the JPEG are not where they should be; get a whole copy of the file")
    return found


def _shapes(segments: Segments) -> list[Shape]:
    frame, unknown = _frame(segments), np.ones(64, np.uint16)
    return [
        Shape(*frame.blocks(i), part.h, part.v, segments.used.get(i, unknown)) for i, part in enumerate(frame.parts)
    ]


def join(components: list[Component], rest: bytes) -> bytes:
    """The JPEG whose parts these are, byte for byte. FormatError for a rest that `split` doesn't make."""
    kept, cuts = packed.unpack(rest)
    segments, at, before = Segments(), 2, 0
    out, blocks = [], [one.blocks for one in components]
    for cut in cuts:
        at, scan = _next(segments, kept, at, cut)
        frame = _frame(segments)
        if [one.shape for one in blocks] != [(*frame.blocks(i), 64) for i in range(len(frame.parts))]:
            raise FormatError("damaged: the JPEG has not as many blocks as it says; get a whole copy of the file")
        again = b"" if cut.taken == 0 else write_scan(frame, scan, blocks, cut.choices)
        out += [kept[before:at], again[: cut.taken]]
        before = at
    return b"".join([*out, kept[before:]])


def _written(
    frame: Frame, scan: Scan, blocks: list[np.ndarray], choices: Choices, there: bytes
) -> tuple[Choices, bytes]:
    """The choices that are worth telling of a scan, and what is written with them: `there`, if it can be had."""
    if not choices.own:
        return choices, _tried(frame, scan, blocks, choices)
    usual = Choices(choices.pad, choices.listed)
    again = _tried(frame, scan, blocks, usual)
    if there.startswith(again):
        return usual, again
    own = fewest_marks(frame, scan, blocks, choices)
    other = _tried(frame, scan, blocks, own)
    return (own, other) if _alike(there, other) > _alike(there, again) else (usual, again)


def _tried(frame: Frame, scan: Scan, blocks: list[np.ndarray], choices: Choices) -> bytes:
    try:
        return write_scan(frame, scan, blocks, choices)
    except MediaError:  # what no encoder would say
        return b""


def _frame(segments: Segments) -> Frame:
    if segments.frame is None:
        raise MediaError("has no frame")
    return segments.frame


def _alike(first: bytes, second: bytes) -> int:
    """How many bytes at their start are the same."""
    size = min(len(first), len(second))
    differ = np.flatnonzero(np.frombuffer(first, np.uint8, size) != np.frombuffer(second, np.uint8, size))
    return int(differ[0]) if len(differ) else size
