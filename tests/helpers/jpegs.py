"""JPEGs as other encoders than Pillow write them: symbol by symbol from coefficients, any choice made otherwise."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

_SYMBOLS = bytes(range(256))
_COUNTS = bytes([0, 0, 0, 0, 0, 0, 0, 255, 1, 0, 0, 0, 0, 0, 0, 0])  # all symbols have 8 bits, one has 9


class Script(NamedTuple):
    """A scan: its components, first and last coefficient, and bits of successive approximation."""

    parts: Sequence[int]
    first: int
    last: int
    high: int
    low: int


class Ways(NamedTuple):
    """What an encoder may choose: blocks of a run, runs of 16 zeros before a block's end, how it fills bytes."""

    longest: int = 0x7FFF
    needless: int = 0
    pad: int = 1


USUAL = Ways()


def coefficients(width: int, height: int, sampling: Sequence[tuple[int, int]], seed: int = 0) -> list[np.ndarray]:
    """Sparse ones, int16 [rows, columns, 64] a component, with those that only fill the last MCUs."""
    rng = np.random.default_rng(seed)
    across, down = max(h for h, _ in sampling), max(v for _, v in sampling)
    one = len(sampling) == 1
    columns, rows = (-(-width // 8), -(-height // 8)) if one else (-(-width // 8 // across), -(-height // 8 // down))
    found = []
    for h, v in [(1, 1)] if one else sampling:
        shape = rows * v, columns * h, 64
        values = rng.laplace(0, 60 / (1 + np.arange(64)), shape).round()
        values[rng.random(shape) < 0.5] = 0
        values[rng.random(shape[:2]) < 0.4, 1:] = 0
        found.append(values.clip(-1000, 1000).astype(np.int16))
    return found


def jpeg(
    blocks: list[np.ndarray], width: int, height: int, sampling: Sequence[tuple[int, int]], scans: Iterable[Script],
    restart: int = 0, ways: Ways = USUAL,
) -> bytes:  # fmt: skip
    """A file of these coefficients in zigzag order; progressive if a scan isn't of all of them."""
    scans = list(scans)
    kind = 0xC0 if all((s.first, s.last) == (0, 63) for s in scans) else 0xC2
    parts = b"".join(bytes([i + 1, 16 * h + v, 0]) for i, (h, v) in enumerate(sampling))
    out = b"\xff\xd8" + _segment(0xDB, b"\0" + bytes([3] * 64))
    out += _segment(kind, struct.pack(">BHHB", 8, height, width, len(sampling)) + parts)
    out += _segment(0xC4, b"".join(bytes([name]) + _COUNTS + _SYMBOLS for name in (0x00, 0x10)))
    out += _segment(0xDD, struct.pack(">H", restart)) if restart else b""
    for scan in scans:
        chosen = b"".join(bytes([i + 1, 0]) for i in scan.parts)
        said = bytes([scan.first, scan.last, scan.high << 4 | scan.low])
        out += _segment(0xDA, bytes([len(scan.parts)]) + chosen + said)
        mcus = list(_mcus(blocks, width, height, sampling, scan))
        step = restart or len(mcus)
        for i in range(0, len(mcus), step):
            out += bytes([0xFF, 0xD0 + (i // step - 1) % 8]) if i else b""
            bits = (
                _sequential(mcus[i : i + step], scan, ways) if not scan.first else _ac(mcus[i : i + step], scan, ways)
            )
            text = "".join(bits)
            text += str(ways.pad) * (-len(text) % 8)
            out += bytes(int(text[j : j + 8], 2) for j in range(0, len(text), 8)).replace(b"\xff", b"\xff\0")
    return out + b"\xff\xd9"


def _segment(mark: int, body: bytes) -> bytes:
    return bytes([0xFF, mark]) + struct.pack(">H", len(body) + 2) + body


def _mcus(
    blocks: list[np.ndarray], width: int, height: int, sampling: Sequence[tuple[int, int]], scan: Script
) -> Iterator[list[tuple[int, np.ndarray]]]:
    across, down = max(h for h, _ in sampling), max(v for _, v in sampling)
    if len(scan.parts) == 1:
        (part,) = scan.parts
        (h, v), one = sampling[part], blocks[part]
        if len(sampling) == 1:
            h = v = across = down = 1
        for y in range(-(-(-(-height * v // down)) // 8)):  # noqa: B002
            for x in range(-(-(-(-width * h // across)) // 8)):  # noqa: B002
                yield [(part, one[y, x])]
        return
    first = scan.parts[0]
    for y in range(blocks[first].shape[0] // sampling[first][1]):
        for x in range(blocks[first].shape[1] // sampling[first][0]):
            mcu = []
            for part in scan.parts:
                h, v = sampling[part]
                mcu += [(part, blocks[part][y * v + j, x * h + i]) for j in range(v) for i in range(h)]
            yield mcu


def _code(symbol: int) -> str:
    return f"{symbol:08b}" if symbol < 255 else "111111110"


def _bits(value: int) -> tuple[int, str]:
    size = abs(value).bit_length()
    return size, f"{value if value > 0 else value + (1 << size) - 1:0{size}b}" if size else ""


def _sequential(mcus: list[list[tuple[int, np.ndarray]]], scan: Script, ways: Ways) -> Iterator[str]:
    before: dict[int, int] = {}
    for part, block in (one for mcu in mcus for one in mcu):
        dc = int(block[0]) >> scan.low
        if scan.high:
            yield str(dc & 1)
            continue
        size, bits = _bits(dc - before.get(part, 0))
        before[part] = dc
        yield _code(size) + bits
        if not scan.last:
            continue
        run = 0
        for value in block[1:].tolist():
            if not value:
                run += 1
                continue
            yield _code(0xF0) * (run // 16)
            size, bits = _bits(value)
            yield _code(run % 16 << 4 | size) + bits
            run = 0
        if run:
            yield _code(0xF0) * min(ways.needless, (run - 1) // 16) + _code(0)


def _ac(mcus: list[list[tuple[int, np.ndarray]]], scan: Script, ways: Ways) -> Iterator[str]:
    """Scans of AC, written from the decoder's point of view (T.81, G.1.2.2 and G.1.2.3)."""
    ended, waiting = 0, ""

    def end() -> str:
        nonlocal ended, waiting
        if not ended:
            return ""
        n = ended.bit_length() - 1
        said = _code(n << 4) + (f"{ended - (1 << n):0{n}b}" if n else "") + waiting
        ended, waiting = 0, ""
        return said

    for ((_, block),) in mcus:
        band = block[scan.first : scan.last + 1]
        values = [int(np.sign(v)) * (abs(int(v)) >> scan.low) for v in band] if band.any() else [0]
        new = [k for k, v in enumerate(values) if (abs(v) == 1 if scan.high else v)]
        run, bits = 0, ""
        for k, value in enumerate(values):
            old = bool(scan.high) and abs(value) > 1
            if value == 0:
                run += 1
                continue
            while run > 15 and new and k <= new[-1]:
                yield end() + _code(0xF0) + bits
                run, bits = run - 16, ""
            if old:
                bits += str(abs(value) & 1)
                continue
            size, said = _bits(value)
            yield end() + _code(run << 4 | size) + said + bits
            run, bits = 0, ""
        if run or bits:
            ended, waiting = ended + 1, waiting + bits
            if ended == ways.longest or (ways.longest == 0x7FFF and len(waiting) > 937):
                yield end()
    yield end()
