"""One picture of a video: the 8-bit 4:2:0 planes of a decoded frame of any format, upright, and what that loses.

Deeper samples are rounded and finer colour is averaged here, not by FFmpeg's scaler, which dithers the one and puts
the other half a sample aside. Only rare formats go through the scaler, with matrix and range said on both sides.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from codec.container import Color
from codec.errors import MediaError
from codec.media import yuv

if TYPE_CHECKING:
    import av

Planes = tuple[np.ndarray, np.ndarray, np.ndarray]

_LIMITED, _FULL = 1, 2  # FFmpeg's numbers for the range
_UNSAID = (0, 2, 3)  # code points of H.273 that tell nothing; 0 is also the matrix of RGB
_USUAL = {1: (1, 1), 5: (5, 6), 9: (9, 14)}  # the primaries and transfer that go with a matrix; else 6 and 6
_PLANAR = re.compile(r"(yuv[aj]?4[24][024]p|gray)(9|1[0246])?(le)?")
_SCALER = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9}  # H.273's matrix -> the scaler's number for it


class Picture(NamedTuple):
    """A frame: `planes` y uint8 [H, W], u and v uint8 [ceil(H / 2), ceil(W / 2)]; `time` in seconds since the first
    frame, exact.
    """

    planes: Planes
    time: Fraction


class Turn(NamedTuple):
    """How stored pictures are turned upright: transposed first, then mirrored."""

    transpose: bool = False
    mirror_x: bool = False
    mirror_y: bool = False


def default_matrix(height: int) -> int:
    """The colour matrix of a video that doesn't say: BT.709 from 720 rows on, BT.601 below."""
    return 1 if height >= 720 else 6


def color_of(context: av.VideoCodecContext, frame: av.VideoFrame) -> Color:
    """The colour that `planes_of` gives the frames of a stream whose first one is `frame`.

    Where a stream doesn't say: BT.709 from 720 rows on, BT.601 below; what usually goes with the matrix; limited
    range. RGB becomes such planes.
    MediaError for a matrix that isn't a mere matrix (YCgCo, ICtCp, constant luminance).
    """
    name = frame.format.name
    matrix = int(context.colorspace)
    if frame.format.is_rgb or matrix in _UNSAID:
        matrix = default_matrix(frame.height)
    if matrix not in yuv.MATRICES:
        raise MediaError(f"has colours of a rare kind (matrix {matrix} of H.273); convert it to BT.709 first")
    stated = context.color_range
    full = stated == _FULL or name.startswith("yuvj") or (name.startswith("gray") and stated != _LIMITED)
    primaries, transfer = (
        usual if said in _UNSAID else int(said)
        for said, usual in zip((context.color_primaries, context.color_trc), _USUAL.get(matrix, (6, 6)), strict=True)
    )
    return Color(primaries, transfer, matrix, full and not frame.format.is_rgb)


def turn_of(frame: av.VideoFrame) -> Turn | None:
    """How its display matrix turns a frame; None where that is no multiple of 90 degrees."""
    if "DISPLAYMATRIX" not in frame.side_data:
        return Turn()
    data = cast(bytes, frame.side_data["DISPLAYMATRIX"])  # type: ignore[typeddict-item]
    # x' = a x + c y, y' = b x + d y
    a, b, _, c, d = (int(value) for value in np.frombuffer(data, np.int32)[:5])
    if not b and not c and a and d:
        return Turn(False, a < 0, d < 0)
    if not a and not d and b and c:
        return Turn(True, c < 0, b < 0)
    return None


def turned(planes: Planes, turn: Turn) -> Planes:
    """The planes upright, contiguous."""
    y, u, v = (
        np.ascontiguousarray(
            (p.T if turn.transpose else p)[:: -1 if turn.mirror_y else 1, :: -1 if turn.mirror_x else 1]
        )
        for p in planes
    )
    return y, u, v


def losses(frame: av.VideoFrame) -> list[str]:
    """What `planes_of` can't keep of frames like this one, for the user."""
    kind = frame.format
    bits = max(part.bits for part in kind.components)
    found = []
    if bits > 8:
        found.append(f"{bits}-bit samples are coded at 8 bits")
    if kind.is_rgb or kind.has_palette:
        found.append("RGB is coded as YCbCr 4:2:0: sharp colour edges soften")
    elif len(kind.components) > 2 and (kind.chroma_width(4), kind.chroma_height(4)) != (2, 2):
        found.append(f"colour of more detail ({kind.name}) is coded as 4:2:0: sharp colour edges soften")
    if any(part.is_alpha for part in kind.components):
        found.append("its transparency is left out")
    if frame.interlaced_frame:
        found.append("it is interlaced: its frames are coded as they are, both fields in each")
    return found


def planes_of(frame: av.VideoFrame, color: Color) -> Planes:
    """The planes of a decoded frame of any pixel format, in the matrix and range of `color` (see `color_of`)."""
    if frame.format.is_rgb:
        return yuv.from_rgb(_samples(frame.reformat(format="rgb24"), 0, 3), color)
    if not _PLANAR.fullmatch(frame.format.name):
        frame = _converted(frame, color)
    depth = frame.format.components[0].bits
    y = _rounded(_samples(frame, 0), depth, color.full_range)
    if len(frame.planes) < 3:
        grey = np.full((-(-frame.height // 2), -(-frame.width // 2)), 128, np.uint8)
        return y, grey, grey.copy()
    u, v = (_rounded(_fine(_samples(frame, i), frame.height, frame.width), depth, color.full_range) for i in (1, 2))
    return y, u, v


def frame_of(planes: Planes, color: Color, kind: str = "yuv420p") -> av.VideoFrame:
    """The planes as a frame for FFmpeg, its matrix and range said.

    `kind` is "yuv420p", or "yuv444p": then the colour is interpolated.
    """
    import av

    height, width = planes[0].shape
    frame = av.VideoFrame(width, height, kind)
    for plane, values in zip(frame.planes, planes, strict=True):
        if values.shape != (plane.height, plane.width):
            values = np.rint(yuv.doubled(values)[:height, :width])
        np.ndarray(values.shape, np.uint8, memoryview(plane), strides=(plane.line_size, 1))[...] = values
    frame.color_range, frame.colorspace = _FULL if color.full_range else _LIMITED, color.matrix
    return frame


def mark(context: av.VideoCodecContext, color: Color) -> None:
    """Have an encoder say what the colours are, so that others' players show the ones that we do."""
    context.color_range = _FULL if color.full_range else _LIMITED
    # FFmpeg's numbers are those of H.273.
    context.color_primaries, context.color_trc, context.colorspace = color[:3]


def _converted(frame: av.VideoFrame, color: Color) -> av.VideoFrame:
    matrix, span = _SCALER[color.matrix], _FULL if color.full_range else _LIMITED
    return frame.reformat(
        format="yuv420p",
        src_colorspace=matrix,
        dst_colorspace=matrix,
        src_color_range=span,
        dst_color_range=span,
    )


def _samples(frame: av.VideoFrame, index: int, channels: int = 1) -> np.ndarray:
    """A copy of a plane: [H, W] or [H, W, channels], uint8 or uint16."""
    plane = frame.planes[index]
    kind = np.dtype("<u2" if frame.format.components[0].bits > 8 else np.uint8)
    rows: np.ndarray = np.ndarray(
        (plane.height, plane.width * channels), kind, memoryview(plane), strides=(plane.line_size, kind.itemsize)
    )
    return rows.copy().reshape(plane.height, plane.width, channels)[..., slice(None) if channels > 1 else 0]


def _fine(plane: np.ndarray, height: int, width: int) -> np.ndarray:
    """A plane of colour, as 4:2:0 has it, scaled where it isn't (float32 then)."""
    if plane.shape[1] == width > 1:
        plane = yuv.halved_columns(plane.astype(np.float32))
    if plane.shape[0] == height > 1:
        plane = yuv.halved_rows(plane.astype(np.float32))
    return plane


def _rounded(plane: np.ndarray, depth: int, full_range: bool) -> np.ndarray:
    if plane.dtype == np.uint8:
        return plane
    if plane.dtype == np.uint16 and not full_range:
        half, top = 2 ** (depth - 9), 2**depth - 1
        return (np.minimum(plane, top - half) + np.uint16(half) >> depth - 8).astype(np.uint8)
    scale = 1.0 if depth == 8 else 255 / (2**depth - 1) if full_range else 2.0 ** (8 - depth)
    return np.floor(plane * np.float32(scale) + np.float32(0.5)).clip(0, 255).astype(np.uint8)
