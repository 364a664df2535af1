"""One scan between its bytes and the components' blocks."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from codec.errors import FormatError, MediaError
from codec.media.jpeg_bits import order
from codec.media.jpeg_bits.bitstream import LISTED, ONES, ZEROS, Packer, Stream
from codec.media.jpeg_bits.intervals import walk_over
from codec.media.jpeg_bits.markers import Frame, Scan
from codec.media.jpeg_bits.progressive_read import FirstWalker, RefiningWalker
from codec.media.jpeg_bits.progressive_write import levels, natural_runs, write_ac
from codec.media.jpeg_bits.sequential_read import Pattern, SequentialWalker
from codec.media.jpeg_bits.sequential_write import write_sequential
from codec.media.jpeg_bits.standard import Code

_MOST_NEEDLESS = 3  # runs of 16 zeros before a block's end
_NONE = np.zeros((0, 2), np.int64)


@dataclass
class Choices:
    """What an encoder was free to choose in a scan.

    `pad`, `listed`: what fills the intervals' last bytes (see Packer). `marks`, int64 [count, 2]: blocks by their place
    in the scan; of a sequential scan those with needless runs of 16 zeros, and how many. Of a progressive one of AC
    those that begin a run of ended blocks, and 0, if it is `own`: if runs are not as long as libjpeg makes them.
    """

    pad: int = ONES
    listed: bytes = b""
    marks: np.ndarray = field(default_factory=lambda: _NONE)
    own: bool = False


def read_scan(data: bytes, at: int, frame: Frame, scan: Scan, blocks: list[np.ndarray]) -> Choices:
    """Read the scan whose data begin at `at` into the components' blocks, as far as it is whole."""
    count = order.mcus(frame, scan.parts)
    stream = Stream(data, at, -(-count // scan.restart) if scan.restart else 1)
    if scan.first:
        return _read_ac(stream, frame, scan, blocks, count)
    sizes = order.per_mcu(frame, scan.parts)
    per = sum(sizes)
    coefficients = order.gathered(frame, scan.parts, blocks).copy()
    if scan.high:
        done, fills = _read_bits(stream, scan, coefficients[:, 0], count, per)
        order.scatter(frame, scan.parts, coefficients, blocks)
        return Choices(*_padding(fills))
    coefficients[:, : scan.last + 1] = 0
    walker = SequentialWalker(_pattern(scan, sizes), coefficients)
    done, fills = walk_over(stream, count, scan.restart, walker)
    done = min(done, walker.wrong // per) * per
    coefficients[done:, : scan.last + 1] = 0
    coefficients[:, 0], good = order.values(coefficients[:, 0], sizes, scan.restart, scan.low)
    if good < done:
        done = good
        coefficients[done:, : scan.last + 1] = 0
    order.scatter(frame, scan.parts, coefficients, blocks)
    needless = walker.needless
    return Choices(*_padding(fills), needless[needless[:, 0] < done])


def _read_bits(stream: Stream, scan: Scan, dc: np.ndarray, count: int, per: int) -> tuple[int, list[tuple[int, int]]]:
    """One bit more of each DC value."""
    bits = np.unpackbits(stream.data)
    step = (scan.restart or count) * per
    done, fills = 0, []
    for start, end in zip(stream.starts, stream.ends, strict=True):
        size = min(step, count * per - done)
        given = min(size, end - start)
        dc[done : done + given] |= bits[start : start + given].astype(np.int16) << scan.low
        done += given
        if given < size:
            break
        unused = min(-(start + given) % 8, end - start - given)
        fills.append((unused, int(stream.bits(np.array([start + given]), np.array([unused]))[0])))
    return done, fills


def _read_ac(stream: Stream, frame: Frame, scan: Scan, blocks: list[np.ndarray], count: int) -> Choices:
    code, place = _code(scan.ac[0]), (scan.first, scan.last, scan.low)
    coefficients = order.gathered(frame, scan.parts, blocks).copy()
    walker: FirstWalker | RefiningWalker
    if scan.high:
        walker = RefiningWalker(code, coefficients, *place, stream)
    else:
        walker = FirstWalker(code, coefficients, *place)
    done, fills = walk_over(stream, count, scan.restart, walker)
    walker.apply(min(done, walker.wrong))
    order.scatter(frame, scan.parts, coefficients, blocks)
    runs = np.array(walker.runs, np.int64)
    return Choices(*_padding(fills), np.stack([runs, np.zeros_like(runs)], 1), True)


def write_scan(frame: Frame, scan: Scan, blocks: list[np.ndarray], choices: Choices) -> bytes:
    """The bytes of a scan. MediaError if the codes that are there can't say it."""
    packer = Packer(choices.pad, choices.listed)
    coefficients = order.gathered(frame, scan.parts, blocks)
    marked, marks = choices.marks.T
    if marked.max(initial=-1) >= len(coefficients) or marks.max(initial=0) > _MOST_NEEDLESS:
        raise FormatError("damaged: the JPEG has not as many blocks as it says; get a whole copy of the file")
    if scan.first:
        band = levels(coefficients, scan.first, scan.last, scan.low)
        breaks = choices.marks[:, 0] if choices.own else None
        write_ac(packer, band, scan.high > 0, _code(scan.ac[0]), scan.restart, breaks)
        return packer.finish()
    sizes = order.per_mcu(frame, scan.parts)
    if scan.high:
        bits = ((coefficients[:, 0] >> scan.low) & 1).astype(np.uint64)
        step = scan.restart * sum(sizes) or len(bits)
        packer.add(bits, np.ones(len(bits), np.int64), np.arange(step, len(bits), step))
        return packer.finish()
    coefficients = coefficients.copy()
    coefficients[:, 0] = order.differences(coefficients[:, 0] >> scan.low, sizes, scan.restart)
    write_sequential(packer, coefficients, _pattern(scan, sizes), scan.restart, choices.marks)
    return packer.finish()


def fewest_marks(frame: Frame, scan: Scan, blocks: list[np.ndarray], choices: Choices) -> Choices:
    """The same choices of a progressive scan of AC, without the runs that every encoder begins there."""
    band = levels(order.gathered(frame, scan.parts, blocks), scan.first, scan.last, scan.low)
    begins, _ = natural_runs(band, scan.high > 0, scan.restart)
    marks = choices.marks
    return Choices(choices.pad, choices.listed, marks[~begins[marks[:, 0]]], True)


def _pattern(scan: Scan, sizes: list[int]) -> Pattern:
    pattern: Pattern = []
    for dc, ac, size in zip(scan.dc, scan.ac, sizes, strict=True):
        pattern += [(_code(dc), _code(ac) if scan.last else None)] * size
    return pattern


def _code(code: Code | None) -> Code:
    if code is None:
        raise MediaError("lacks a Huffman table")
    return code


def _padding(fills: list[tuple[int, int]]) -> tuple[int, bytes]:
    if all(value == (1 << bits) - 1 for bits, value in fills):
        return ONES, b""
    if all(value == 0 for _, value in fills):
        return ZEROS, b""
    return LISTED, bytes(value for _, value in fills)
