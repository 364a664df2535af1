"""One picture of a video: the planes of a decoded frame of any format in a layout, upright, and what that loses.

Deeper samples are rounded and finer colour is averaged here, not by FFmpeg's scaler, which dithers the one and puts
the other half a sample aside. Only rare formats go through the scaler, with matrix and range said on both sides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from codec.container import Color
from codec.errors import MediaError
from codec.media import yuv
from codec.media.video.layout import FULL, LIMITED, PLAIN, Layout, Planes, samples

if TYPE_CHECKING:
    import av

_UNSAID = (0, 2, 3)  # code points of H.273 that tell nothing; 0 is also the matrix of RGB
_USUAL = {1: (1, 1), 5: (5, 6), 9: (9, 14)}  # the primaries and transfer that go with a matrix; else 6 and 6
_PLANAR = re.compile(r"(yuv[aj]?4[24][024]p|gray)(9|1[0246])?(le)?")
_SCALER = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9}  # H.273's matrix -> the scaler's number for it


class Picture(NamedTuple):
    """A frame: `planes` y [H, W], u and v as its layout has them; `time` in seconds since the first frame, exact;
    `held`, of the last one: for how many seconds it is shown, where that isn't as long as at the nominal rate."""

    planes: Planes
    time: Fraction
    held: Fraction | None = None


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
    full = stated == FULL or name.startswith("yuvj") or (name.startswith("gray") and stated != LIMITED)
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


def nearest(frame: av.VideoFrame, layouts: Sequence[Layout]) -> Layout:
    """Which of those that a codec takes keeps most of frames like this one."""
    kind = frame.format
    found = _PLANAR.fullmatch(kind.name)
    chroma = found[1][-4:-1] if found and not found[1].startswith("gray") else "420"
    if all(layout.chroma != chroma for layout in layouts):
        chroma = "420"
    depth = 10 if max(part.bits for part in kind.components) > 8 and not kind.is_rgb else 8
    return Layout(depth, chroma) if Layout(depth, chroma) in layouts else Layout(8, chroma)


def losses(frame: av.VideoFrame, layout: Layout) -> list[str]:
    """What `planes_of` can't keep of frames like this one, for the user."""
    kind = frame.format
    bits = max(part.bits for part in kind.components)
    found = []
    if bits > layout.depth:
        found.append(f"{bits}-bit samples are coded at {layout.depth} bits")
    if kind.is_rgb or kind.has_palette:
        found.append("RGB is coded as YCbCr 4:2:0: sharp colour edges soften")
    elif len(kind.components) > 2 and (kind.chroma_height(4), kind.chroma_width(4)) != layout.chroma_size(4, 4):
        found.append(
            f"colour of more detail ({kind.name}) is coded as {':'.join(layout.chroma)}: sharp colour edges soften"
        )
    if any(part.is_alpha for part in kind.components):
        found.append("its transparency is left out")
    if frame.interlaced_frame:
        found.append("it is interlaced: its frames are coded as they are, both fields in each")
    return found


def planes_of(frame: av.VideoFrame, color: Color, layout: Layout = PLAIN) -> Planes:
    """The planes of a decoded frame of any pixel format, in the matrix and range of `color` (see `color_of`)."""
    if frame.format.is_rgb:
        return yuv.from_rgb(samples(frame.reformat(format="rgb24"), 0, 3), color)
    if not _PLANAR.fullmatch(frame.format.name):
        frame = _converted(frame, color, layout.depth)
    depth = frame.format.components[0].bits
    y = _rounded(samples(frame, 0), depth, color.full_range, layout.depth)
    size = layout.chroma_size(frame.height, frame.width)
    if len(frame.planes) < 3:
        grey = np.full(size, 2 ** (layout.depth - 1), y.dtype)
        return y, grey, grey.copy()
    u, v = (_rounded(_fine(samples(frame, i), size), depth, color.full_range, layout.depth) for i in (1, 2))
    return y, u, v


def _converted(frame: av.VideoFrame, color: Color, depth: int) -> av.VideoFrame:
    matrix, span = _SCALER[color.matrix], FULL if color.full_range else LIMITED
    return frame.reformat(
        format="yuv420p10le" if depth > 8 and frame.format.components[0].bits > 8 else "yuv420p",
        src_colorspace=matrix,
        dst_colorspace=matrix,
        src_color_range=span,
        dst_color_range=span,
    )


def _fine(plane: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A plane of colour of this size, scaled where it has more rows or columns (float32 then)."""
    if plane.shape[1] > size[1]:
        plane = yuv.halved_columns(plane.astype(np.float32))
    if plane.shape[0] > size[0]:
        plane = yuv.halved_rows(plane.astype(np.float32))
    return plane


def _rounded(plane: np.ndarray, depth: int, full_range: bool, wanted: int) -> np.ndarray:
    """Samples of `depth` bits at `wanted` ones, 8 or 10."""
    kind = np.uint8 if wanted == 8 else np.uint16
    if plane.dtype != np.float32 and depth == wanted:
        return plane
    if plane.dtype == np.uint16 and not full_range and depth > wanted:
        half, top = 2 ** (depth - wanted - 1), 2**depth - 1
        return (np.minimum(plane, top - half) + np.uint16(half) >> depth - wanted).astype(kind)
    top = 2**wanted - 1
    scale = 1.0 if depth == wanted else top / (2**depth - 1) if full_range else 2.0 ** (wanted - depth)
    return np.floor(plane * np.float32(scale) + np.float32(0.5)).clip(0, top).astype(kind)
