"""A JPEG taken apart into quantised coefficients and the rest, and put together again, byte for byte."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from codec.errors import CodecError, FormatError, MediaError
from codec.media.info import MAX_PIXELS
from codec.media.jpeg_bits import rest as packed
from codec.media.jpeg_bits.bitstream import scan_end
from codec.media.jpeg_bits.markers import Frame, Scan, Segments, check_blocks
from codec.media.jpeg_bits.rest import Cut, Rest
from codec.media.jpeg_bits.scans import Choices, fewest_marks, read_scan, write_scan


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
    """Take a JPEG apart. CodecError in one line when `join` would not give `data` again."""
    if data[:3] != b"\xff\xd8\xff":
        raise MediaError("is no JPEG")
    segments = Segments()
    found: list[tuple[int, Scan, Choices]] = []
    blocks: list[np.ndarray] = []
    at = 2
    while (next_scan := segments.next_scan(data, at)) is not None:
        at, scan = next_scan
        frame = _frame(segments)
        if not blocks:
            check_blocks(frame, len(data), max_pixels)
            blocks = [np.zeros((*frame.blocks(i), 64), np.int16) for i in range(len(frame.parts))]
        found.append((at, scan, read_scan(data, at, frame, scan, blocks)))
    frame = _frame(segments)
    if not found:
        raise MediaError("has no scan")
    kept, cuts, before, size = [], [], 0, 0
    for at, scan, choices in found:
        there = data[at : scan_end(data, at)]
        choices, again = _written(frame, scan, blocks, choices, there)
        taken = None if there.startswith(again) else _alike(there, again)
        kept.append(data[before:at])
        size += at - before
        before = at + (len(again) if taken is None else taken)
        cuts.append(Cut(size, taken, choices))
    whole = Rest(b"".join([*kept, data[before:]]), cuts)
    components = [
        Component(part.h, part.v, segments.used.get(i, np.ones(64, np.uint16)), blocks[i])
        for i, part in enumerate(frame.parts)
    ]
    return Jpeg(components, packed.pack(whole))


def join(components: list[Component], rest: bytes) -> bytes:
    """The JPEG whose parts these are, byte for byte. FormatError for a rest that `split` doesn't make."""
    kept, cuts = packed.unpack(rest)
    segments, out, at = Segments(), [], 2
    before = 0
    for cut in cuts:
        found = segments.next_scan(kept, at)
        if found is None or found[0] != cut.at:
            raise FormatError("damaged: the scans of the JPEG are not where they should be; get a whole copy")
        at, scan = found
        again = write_scan(_frame(segments), scan, [one.blocks for one in components], cut.choices)
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
    except MediaError:  # a code that the file doesn't have, where its encoder chose otherwise
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
