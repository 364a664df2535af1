"""A PNG writer for 16 bits per sample, which Pillow can't write in colour. Chunks as in the PNG specification."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import IO

import numpy as np

from codec.container import Color
from codec.media.png import SIGNATURE, ancillary, chunk

_COLOR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
_FILTER_UP = 2
_ROWS = 64  # filtered and deflated at a time


def write_png16(frame: np.ndarray, depth: int, metadata: Mapping[str, bytes], color: Color, fp: IO[bytes]) -> None:
    """Write samples of `depth` bits, uint16 [height, width, 1 to 4], scaled to 0..65535 and rounded."""
    height, width, channels = frame.shape
    fp.write(SIGNATURE)
    fp.write(chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, _COLOR_TYPES[channels], 0, 0, 0)))
    fp.write(ancillary(metadata, color))
    for data in _deflated(frame, depth):
        fp.write(chunk(b"IDAT", data))
    fp.write(chunk(b"IEND", b""))


def scaled(frame: np.ndarray, depth: int, to: int) -> np.ndarray:
    """Samples of 0..2^depth - 1 as the nearest of 0..2^to - 1."""
    largest = 2**depth - 1
    values = (frame.astype(np.uint32) * (2**to - 1) + largest // 2) // largest
    return values.astype(np.uint8 if to <= 8 else np.uint16)


def _deflated(frame: np.ndarray, depth: int) -> Iterator[bytes]:
    packer = zlib.compressobj()
    above = np.zeros((1, frame.shape[1] * frame.shape[2] * 2), np.uint8)
    for start in range(0, frame.shape[0], _ROWS):
        part = scaled(frame[start : start + _ROWS], depth, 16).astype(">u2")
        rows = part.reshape(len(part), -1).view(np.uint8)
        up = rows - np.concatenate([above, rows[:-1]])  # modulo 256, as PNG wants it
        above = rows[-1:]
        filtered = np.concatenate([np.full((len(rows), 1), _FILTER_UP, np.uint8), up], 1)
        if data := packer.compress(filtered.tobytes()):
            yield data
    yield packer.flush()
