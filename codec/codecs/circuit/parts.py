"""What the units of a picture hold: colours or alpha of rectangles."""

from __future__ import annotations

import zlib
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from codec.codecs.circuit import layout
from codec.codecs.circuit.head import Arrangement
from codec.container import Header
from codec.view import WITH_ALPHA


class Part(NamedTuple):
    """What a unit holds of a picture: colours or alpha of a rectangle."""

    box: layout.Box
    alpha: bool

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        down, right = self.box
        return down.stop - down.start, right.stop - right.start

    def of(self, frame: NDArray[Any]) -> NDArray[Any]:
        """[h, w, channels] of a picture, a view."""
        return self.among(frame[self.box])

    def among(self, rectangle: NDArray[Any]) -> NDArray[Any]:
        """Its channels of all those of its rectangle [h, w, channels], a view."""
        if self.alpha:
            return rectangle[..., -1:]
        return rectangle[..., :-1] if rectangle.shape[2] in WITH_ALPHA else rectangle


def parts_of(header: Header, how: Arrangement) -> list[Part]:
    """The parts of all units in their order: colours, then alpha."""
    size = header.height, header.width
    boxes = layout.units(*size) if how.tiled else layout.whole(*size)
    with_alpha = header.channels in WITH_ALPHA and not how.opaque
    return [Part(box, False) for box in boxes] + [Part(box, True) for box in boxes if with_alpha]


def checksum(pixels: NDArray[Any]) -> int:
    """CRC-32 of samples in the order of rows, deep ones as two bytes, the low one first."""
    return zlib.crc32(np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("<")).data)
