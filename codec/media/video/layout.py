"""How the samples of a video lie: their depth and the size of the planes of colour; planes to frames and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from codec.container import Color
from codec.media import yuv

if TYPE_CHECKING:
    import av

Planes = tuple[np.ndarray, np.ndarray, np.ndarray]

LIMITED, FULL = 1, 2  # FFmpeg's numbers for the range


class Layout(NamedTuple):
    """`depth`: bits of a sample, in uint8 up to 8 and in uint16 beyond; `chroma`: "420", "422" or "444"."""

    depth: int = 8
    chroma: str = "420"

    @property
    def format(self) -> str:
        """FFmpeg's name."""
        return f"yuv{self.chroma}p" + (f"{self.depth}le" if self.depth > 8 else "")

    def chroma_size(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of U and V."""
        return -(-height // 2) if self.chroma == "420" else height, width if self.chroma == "444" else -(-width // 2)

    def sizes(self, height: int, width: int) -> list[tuple[int, int]]:
        """Height and width of all three planes."""
        return [(height, width), *[self.chroma_size(height, width)] * 2]

    def frame_bytes(self, height: int, width: int) -> int:
        """What a picture takes in memory."""
        return sum(h * w for h, w in self.sizes(height, width)) * (2 if self.depth > 8 else 1)


PLAIN = Layout()


def frame_of(planes: Planes, color: Color, layout: Layout = PLAIN) -> av.VideoFrame:
    """The planes as a frame for FFmpeg, its matrix and range said. Colour of fewer rows and columns than the layout
    has is interpolated."""
    import av

    height, width = planes[0].shape
    frame = av.VideoFrame(width, height, layout.format)
    kind = np.dtype("<u2" if layout.depth > 8 else np.uint8)
    for plane, values in zip(frame.planes, planes, strict=True):
        if values.shape != (plane.height, plane.width):
            values = np.rint(yuv.whole(values, (height, width)))
        rows: np.ndarray = np.ndarray(values.shape, kind, memoryview(plane), strides=(plane.line_size, kind.itemsize))
        rows[...] = values
    frame.color_range, frame.colorspace = FULL if color.full_range else LIMITED, color.matrix
    return frame


def samples(frame: av.VideoFrame, index: int, channels: int = 1) -> np.ndarray:
    """A copy of a plane: [H, W] or [H, W, channels], uint8 or uint16."""
    plane = frame.planes[index]
    kind = np.dtype("<u2" if frame.format.components[0].bits > 8 else np.uint8)
    rows: np.ndarray = np.ndarray(
        (plane.height, plane.width * channels), kind, memoryview(plane), strides=(plane.line_size, kind.itemsize)
    )
    return rows.copy().reshape(plane.height, plane.width, channels)[..., slice(None) if channels > 1 else 0]


def mark(context: av.VideoCodecContext, color: Color) -> None:
    """Have an encoder say what the colours are, so that others' players show the ones that we do."""
    context.color_range = FULL if color.full_range else LIMITED
    # FFmpeg's numbers are those of H.273.
    context.color_primaries, context.color_trc, context.colorspace = color[:3]
