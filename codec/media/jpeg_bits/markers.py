"""A JPEG's segments in order: the frame, the tables in force, and where each scan's entropy-coded data begin."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from codec.errors import CodecError, LimitError, MediaError
from codec.media.jpeg_bits.standard import CODES, Code

EOI, SOS, DQT, DHT, DRI, DAC, DNL, DHP, EXP = 0xD9, 0xDA, 0xDB, 0xC4, 0xDD, 0xCC, 0xDC, 0xDE, 0xDF
MOST_SCANS = 256
_MOST_TIMES, _FEW = 32, 2**20  # how often all blocks are in the scans, beyond so many blocks
_MOST_MCU = 10  # blocks of an MCU (T.81, B.2.3)
_MOST_SEGMENTS = 2**16
_MARKER = re.compile(rb"\xff[^\x00\x01\xff\xd0-\xd8]")  # of a segment, or EOI: none of those that stand alone
_KINDS = {
    0xC3: "lossless", 0xC5: "hierarchical", 0xC6: "hierarchical", 0xC7: "hierarchical", 0xC9: "arithmetic coding",
    0xCA: "arithmetic coding", 0xCB: "arithmetic coding", 0xCD: "hierarchical", 0xCE: "hierarchical",
    0xCF: "hierarchical", 0xF7: "JPEG-LS",
}  # fmt: skip
_LATE = "its height is said after the picture"
_HELD = (
    (b"\xe1Exif\0", "Exif"), (b"\xe1http://ns.adobe.com/", "XMP"), (b"\xe2ICC_PROFILE\0", "ICC profile"),
    (b"\xe2MPF\0", "index of pictures"), (b"\xedPhotoshop", "Photoshop's"), (b"\xfe", "comment"),
)  # fmt: skip


def _up(value: int, unit: int) -> int:
    return -(-value // unit)


class RareKind(MediaError):
    """A JPEG of a kind that isn't split: what its scans hold is something else."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"is a JPEG of a rare kind ({kind})")


class Part(NamedTuple):
    """A component as the frame says it: its name, sampling factors and quantisation table's number."""

    name: int
    h: int
    v: int
    table: int


@dataclass
class Frame:
    """What SOF says."""

    progressive: bool
    width: int
    height: int
    parts: list[Part]

    @property
    def mcus(self) -> tuple[int, int]:
        """Rows and columns of MCUs in a scan of all components."""
        if len(self.parts) == 1:
            return _up(self.height, 8), _up(self.width, 8)
        across, down = max(p.h for p in self.parts), max(p.v for p in self.parts)
        return _up(self.height, 8 * down), _up(self.width, 8 * across)

    def blocks(self, part: int) -> tuple[int, int]:
        """Rows and columns of a component's blocks, with those that only fill its last MCUs."""
        rows, columns = self.mcus
        if len(self.parts) == 1:
            return rows, columns
        return rows * self.parts[part].v, columns * self.parts[part].h

    def own_blocks(self, part: int) -> tuple[int, int]:
        """Rows and columns of those that a scan of this component alone has."""
        one = self.parts[part]
        if len(self.parts) == 1:
            return self.mcus
        across, down = max(p.h for p in self.parts), max(p.v for p in self.parts)
        return _up(_up(self.height * one.v, down), 8), _up(_up(self.width * one.h, across), 8)


class Scan(NamedTuple):
    """What SOS says, with the codes and the restart interval in force.

    `parts`: the components by their place in the frame. `dc`, `ac`: a code each, None where none is defined.
    `first`, `last`: its coefficients in zigzag order; `high`, `low`: successive approximation.
    """

    parts: tuple[int, ...]
    dc: tuple[Code | None, ...]
    ac: tuple[Code | None, ...]
    first: int
    last: int
    high: int
    low: int
    restart: int


@dataclass
class Segments:
    """A walk over segments. It is the same over a whole file and over one whose entropy-coded data are left out."""

    frame: Frame | None = None
    tables: dict[int, np.ndarray] = field(default_factory=dict)
    used: dict[int, np.ndarray] = field(default_factory=dict)  # by component: the table when its first scan began
    codes: dict[tuple[int, int], Code] = field(default_factory=lambda: dict(CODES))
    restart: int = 0
    count: int = 0
    scans: int = 0
    visited: int = 0  # blocks of all scans together
    held: dict[str, int] = field(default_factory=dict)  # bytes of what is no part of the picture, by its name
    end: int | None = None  # where the file is over, once it is found

    def next_scan(self, data: bytes, at: int) -> tuple[int, Scan] | None:
        """The scan whose SOS is the first from `at` on, and where its data begin; None if there is none before EOI.

        What isn't a segment is passed over. MediaError for a kind of JPEG that isn't split, or a damaged segment.
        """
        try:
            while (found := _MARKER.search(data, at)) is not None:
                mark, at = data[found.end() - 1], found.end()
                if mark == EOI:
                    self.end = at
                    return None
                self.count += 1
                if self.count > _MOST_SEGMENTS:
                    raise MediaError(f"has more than {_MOST_SEGMENTS:,} segments")
                (length,) = struct.unpack_from(">H", data, at)
                body = data[at + 2 : at + length]
                if length < 2 or len(body) != length - 2:
                    break
                at += length
                scan = self._segment(mark, body)
                if scan is not None:
                    self._count(scan)
                    return at, scan
        except CodecError:
            raise
        except (struct.error, IndexError, ValueError) as error:
            raise MediaError("has a damaged segment") from error
        return None

    def _count(self, scan: Scan) -> None:
        """MediaError for more scans than encoders write, which would be much work for few bytes."""
        assert self.frame is not None
        sizes = [rows * columns for rows, columns in map(self.frame.blocks, range(len(self.frame.parts)))]
        self.scans += 1
        self.visited += sum(sizes[part] for part in scan.parts)
        if self.scans > MOST_SCANS or self.visited > _FEW + _MOST_TIMES * sum(sizes):
            raise MediaError(f"has {self.scans} scans and more, which no encoder writes")

    def _segment(self, mark: int, body: bytes) -> Scan | None:
        if mark == SOS:
            return self._scan(body)
        if mark == DQT:
            self._quantisation(body)
        elif mark == DHT:
            self._huffman(body)
        elif mark == DRI:
            (self.restart,) = struct.unpack_from(">H", body)
        elif mark in _KINDS or mark in (DAC, DHP, EXP):
            raise RareKind(_KINDS.get(mark, "arithmetic coding or hierarchical"))
        elif mark == DNL:
            raise RareKind(_LATE)
        elif mark in (0xC0, 0xC1, 0xC2):
            self._frame(mark, body)
        elif name := next((name for start, name in _HELD if (bytes([mark]) + body).startswith(start)), ""):
            self.held[name] = self.held.get(name, 0) + len(body) + 4
        return None

    def _quantisation(self, body: bytes) -> None:
        at = 0
        while at < len(body):
            wide, number = body[at] >> 4, body[at] & 15
            kind = ">u2" if wide else "u1"
            self.tables[number] = np.frombuffer(body, kind, 64, at + 1).astype(np.uint16)
            at += 129 if wide else 65

    def _huffman(self, body: bytes) -> None:
        at = 0
        while at < len(body):
            key, counts = divmod(body[at], 16), body[at + 1 : at + 17]
            symbols = body[at + 17 : at + 17 + sum(counts)]
            if len(counts) != 16 or len(symbols) != sum(counts) or len(symbols) > 256:
                raise MediaError("has a damaged Huffman table")
            self.codes[key] = Code(counts, symbols)
            at += 17 + len(symbols)

    def _frame(self, mark: int, body: bytes) -> None:
        depth, height, width, count = struct.unpack_from(">BHHB", body)
        if self.frame is not None:
            raise RareKind("it has several frames")
        if depth != 8:
            raise RareKind(f"{depth} bits")
        if not height:
            raise RareKind(_LATE)
        if not width or not 1 <= count <= 4 or len(body) != 6 + 3 * count:
            raise MediaError("has a damaged frame")
        parts = [Part(body[i], body[i + 1] >> 4, body[i + 1] & 15, body[i + 2]) for i in range(6, 6 + 3 * count, 3)]
        if not all(1 <= p.h <= 4 and 1 <= p.v <= 4 for p in parts) or len({p.name for p in parts}) != count:
            raise MediaError("has a damaged frame")
        self.frame = Frame(mark == 0xC2, width, height, parts)

    def _scan(self, body: bytes) -> Scan:
        if self.frame is None:
            raise MediaError("has a scan before its frame")
        count, names = body[0], [part.name for part in self.frame.parts]
        if not 1 <= count <= 4 or len(body) != 4 + 2 * count:
            raise MediaError("has a damaged scan")
        chosen = [(body[1 + 2 * i], *divmod(body[2 + 2 * i], 16)) for i in range(count)]
        if not all(name in names for name, _, _ in chosen):
            raise MediaError("has a damaged scan")
        parts = tuple(names.index(name) for name, _, _ in chosen)
        if list(parts) != sorted(set(parts)):
            raise MediaError("has a damaged scan")
        if count > 1 and sum(self.frame.parts[p].h * self.frame.parts[p].v for p in parts) > _MOST_MCU:
            raise MediaError("has a damaged scan")
        for part in parts:
            empty = np.ones(64, np.uint16)
            self.used.setdefault(part, self.tables.get(self.frame.parts[part].table, empty))
        first, last, (high, low) = body[-3], body[-2], divmod(body[-1], 16)
        if not self.frame.progressive:
            first, last, high, low = 0, 63, 0, 0  # as decoders do, whatever is said
        elif (
            not first <= last <= 63 or (first == 0) != (last == 0) or (first and count > 1) or low > 13
            or high not in (0, low + 1)
        ):  # fmt: skip
            raise MediaError("has a damaged scan")
        return Scan(
            parts,
            tuple(self.codes.get((0, dc)) for _, dc, _ in chosen),
            tuple(self.codes.get((1, ac)) for _, _, ac in chosen),
            first, last, high, low, self.restart,
        )  # fmt: skip


def frame_before_scans(data: bytes) -> Frame:
    """What a JPEG says of its picture before the first scan, whatever else of it is damaged. MediaError if it says
    nothing, RareKind for one of a kind that isn't split."""
    segments = Segments()
    try:
        segments.next_scan(data, 2)
    except RareKind:
        raise
    except MediaError:
        if segments.frame is None:
            raise
    if segments.frame is None:
        raise MediaError("has no frame")
    return segments.frame


def check_pixels(frame: Frame, max_pixels: int) -> None:
    """LimitError for more pixels than are allowed."""
    if frame.width * frame.height > max_pixels:
        raise LimitError(
            f"{frame.width} x {frame.height} is {frame.width * frame.height:,} pixels, more than the {max_pixels:,} "
            "allowed; scale it down, or raise the limit with --max-pixels (max_pixels)"
        )


def check_blocks(frame: Frame, size: int) -> None:
    """MediaError for more blocks than `size` bytes can hold."""
    blocks = sum(rows * columns for rows, columns in map(frame.blocks, range(len(frame.parts))))
    if blocks > 8 * size:  # each takes a bit at least
        raise MediaError(f"has {size:,} bytes, too few for its {blocks:,} blocks")
