"""Lossless files whose samples are stored as they are: quickly made, and quickly decoded."""

import io
from collections.abc import Mapping

import numpy as np

from codec import container
from codec.codecs.circuit import CODEC, layout, methods
from codec.codecs.circuit.head import Arrangement
from codec.codecs.circuit.method_packed import store
from codec.codecs.circuit.parts import checksum, parts_of


def stored(frame: np.ndarray, metadata: Mapping[str, bytes] = {}) -> bytes:
    """The file of a picture [height, width, channels], in as many units as it has."""
    height, width, channels = frame.shape
    how = Arrangement(tiled=not layout.fits_one(height, width))
    header = container.Header(
        CODEC.id, CODEC.revision, width, height, channels, 8 * frame.itemsize, private=how.pack(), metadata=metadata
    )
    units = []
    for number, part in enumerate(parts_of(header, how)):
        samples = np.ascontiguousarray(part.of(frame))
        payload = bytes([methods.STORED]) + store(samples, header.depth)
        units.append(container.Unit(number, checksum(samples), 0, payload))
    buffer = io.BytesIO()
    container.write(buffer, header, units)
    return buffer.getvalue()
