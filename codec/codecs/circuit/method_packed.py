"""Two methods for what no model fits: samples at their own number of bits, and differences of samples in LZMA."""

import lzma
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.errors import FormatError

FILTERS = 4  # sums of: 1 differences along rows, 2 along columns
# Fixed by the format: a payload says none of it.
_LZMA = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 23, "lc": 3, "lp": 0, "pb": 0, "nice_len": 273}]


def dtype(bits: int) -> type[np.uint8] | type[np.uint16]:
    """The type of samples of so many bits."""
    return np.uint8 if bits <= 8 else np.uint16


def store(unit: NDArray[Any], bits: int) -> bytes:
    """Samples [h, w, C] below 2^bits, each in so many bits, the highest first; zeros to the end of the last byte."""
    places = np.arange(bits - 1, -1, -1, dtype=unit.dtype)
    return np.packbits((unit.reshape(-1, 1) >> places & 1).astype(np.uint8)).tobytes()


def fetch(data: bytes, shape: tuple[int, int, int], bits: int) -> NDArray[Any]:
    """What `store` stored; FormatError unless these bytes are its."""
    count = shape[0] * shape[1] * shape[2] * bits
    if len(data) != -(-count // 8):
        raise _damaged()
    found = np.unpackbits(np.frombuffer(data, np.uint8))
    if found[count:].any():
        raise _damaged()
    out: NDArray[Any] = np.zeros(shape, dtype(bits))
    for place in range(bits):
        out = out << 1 | found[place:count:bits].reshape(shape)
    return out


def deflate(unit: NDArray[Any], bits: int) -> tuple[int, bytes]:
    """Samples [h, w, C] as LZMA of differences; the filter that promises least, and its bytes."""
    planes = [_bytes(_differences(unit, number), bits) for number in range(FILTERS)]
    # The fewest different bytes, by entropy, is a fair guess and costs a hundredth of a trial.
    number = int(np.argmin([_entropy(p) for p in planes]))
    return number, lzma.compress(planes[number].tobytes(), lzma.FORMAT_RAW, filters=_LZMA)


def inflate(data: bytes, number: int, shape: tuple[int, int, int], bits: int) -> NDArray[Any]:
    """What `deflate` made, as long as the unit's size says and no longer; FormatError for anything else."""
    size = shape[0] * shape[1] * shape[2]
    count = size * dtype(bits)().itemsize
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=_LZMA)
    try:
        raw = decompressor.decompress(data, count + 1)
    except (lzma.LZMAError, EOFError):
        raise _damaged() from None
    if len(raw) != count or not decompressor.eof or decompressor.unused_data:
        raise _damaged()
    planes = np.frombuffer(raw, np.uint8).reshape(-1, size)
    folded: NDArray[Any] = planes[0] if bits <= 8 else planes[0].astype(np.uint16) << 8 | planes[1]
    out = (folded >> 1 ^ -(folded & 1)).astype(dtype(bits)).reshape(shape)
    for axis in (0, 1):
        if number >> (1 - axis) & 1:
            out = np.cumsum(out, axis, dtype=out.dtype)
    if bits % 8 and out.max() >= 1 << bits:
        raise _damaged()
    return out


def _differences(unit: NDArray[Any], number: int) -> NDArray[Any]:
    """Modulo the type's range."""
    for axis in (0, 1):
        if number >> (1 - axis) & 1:
            unit = np.diff(unit, axis=axis, prepend=unit.dtype.type(0))
    return unit


def _bytes(unit: NDArray[Any], bits: int) -> NDArray[np.uint8]:
    """Small differences of either sign as small numbers; all high bytes before all low ones."""
    signed: NDArray[Any] = unit.reshape(-1).view(np.int8 if bits <= 8 else np.int16)
    folded = (signed << 1 ^ signed >> (7 if bits <= 8 else 15)).view(unit.dtype)
    if bits <= 8:
        return folded
    return np.concatenate([folded >> 8, folded & 255]).astype(np.uint8)


def _entropy(data: NDArray[np.uint8]) -> float:
    share = np.bincount(data) / len(data)
    share = share[share > 0]
    return float(-(share * np.log2(share)).sum())


def _damaged() -> FormatError:
    return FormatError("the packed samples are damaged; get a whole copy of the file")
