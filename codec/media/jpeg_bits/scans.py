"""One scan between its bytes and the components' blocks."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from codec.errors import MediaError
from codec.media.jpeg_bits import order
from codec.media.jpeg_bits.bitstream import LISTED, ONES, ZEROS, Packer, Stream
from codec.media.jpeg_bits.markers import Frame, Scan
from codec.media.jpeg_bits.sequential_read import SequentialReader
from codec.media.jpeg_bits.sequential_write import write_sequential
from codec.media.jpeg_bits.standard import Code


@dataclass
class Choices:
    """What an encoder was free to choose in a scan. `pad`, `listed`: what fills the intervals' last bytes (Packer);
    `marks`: int64 [count, 2]: a block's place in the scan, and what is unusual about it."""

    pad: int = ONES
    listed: bytes = b""
    marks: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), np.int64))


def read_scan(data: bytes, at: int, frame: Frame, scan: Scan, blocks: list[np.ndarray]) -> Choices:
    """Read the scan whose data begin at `at` into the components' blocks, as far as it is whole."""
    count = order.mcus(frame, scan.parts)
    stream = Stream(data, at, -(-count // scan.restart) if scan.restart else 1)
    sizes = order.per_mcu(frame, scan.parts)
    coefficients = np.zeros((count * sum(sizes), 64), np.int16)
    found = SequentialReader(stream, _pattern(scan, sizes), coefficients).read(scan.restart)
    coefficients[:, 0] = order.values(coefficients[:, 0], sizes, scan.restart)
    coefficients[found.mcus * sum(sizes) :, 0] = 0
    order.scatter(frame, scan.parts, coefficients, blocks)
    return Choices(*_padding(found.fills), found.needless)


def write_scan(frame: Frame, scan: Scan, blocks: list[np.ndarray], choices: Choices) -> bytes:
    """The bytes of a scan."""
    packer = Packer(choices.pad, choices.listed)
    sizes = order.per_mcu(frame, scan.parts)
    coefficients = order.gathered(frame, scan.parts, blocks).copy()
    coefficients[:, 0] = order.differences(coefficients[:, 0], sizes, scan.restart)
    write_sequential(packer, coefficients, _pattern(scan, sizes), scan.restart, choices.marks)
    return packer.finish()


def _pattern(scan: Scan, sizes: list[int]) -> list[tuple[Code, Code]]:
    pattern: list[tuple[Code, Code]] = []
    for dc, ac, size in zip(scan.dc, scan.ac, sizes, strict=True):
        if dc is None or ac is None:
            raise MediaError("lacks a Huffman table")
        pattern += [(dc, ac)] * size
    return pattern


def _padding(fills: list[tuple[int, int]]) -> tuple[int, bytes]:
    if all(value == (1 << bits) - 1 for bits, value in fills):
        return ONES, b""
    if all(value == 0 for _, value in fills):
        return ZEROS, b""
    return LISTED, bytes(value for _, value in fills)
