"""RGB to the 8-bit 4:2:0 planes of video and back: BT.601, BT.709, BT.2020 and their like, limited and full range.

Done here, not by FFmpeg's scaler, whose choice of matrix and range has differed between releases; so the same
everywhere. Colour lies where files without a mark have it: at even columns, between two rows.
"""

from __future__ import annotations

import numpy as np

from codec.container import Color
from codec.errors import MediaError

# Code points of H.273 -> the weights of red and blue in luma.
MATRICES = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
}


def from_rgb(rgb: np.ndarray, color: Color) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """uint8 [H, W, 3] -> planes y [H, W], u and v [ceil(H / 2), ceil(W / 2)], uint8. MediaError for a rare matrix."""
    red, green, blue = _weights(color)
    base, luma, chroma = _levels(color)
    values = rgb.astype(np.float32)
    r, g, b = values[..., 0], values[..., 1], values[..., 2]
    y = red * r + green * g + blue * b
    u, v = (
        _rounded(halved_columns(halved_rows((c - y) * (chroma / (2 * (1 - k))) + 128)))
        for c, k in ((b, blue), (r, red))
    )
    return _rounded(y * luma + base), u, v


def to_rgb(planes: tuple[np.ndarray, np.ndarray, np.ndarray], color: Color, depth: int = 8) -> np.ndarray:
    """Planes y [H, W], u and v of as many rows and columns or half as many -> [H, W, 3], uint8; uint16 of its full
    scale for a depth of more than 8 bits. MediaError for a rare matrix."""
    red, green, blue = _weights(color)
    base, luma, chroma = _levels(color)
    size = planes[0].shape
    # On the scale of 8 bits, whose full range ends at 255 and whose limited one shifts up.
    scale = np.float32(255 / (2**depth - 1) if color.full_range else 2.0 ** (8 - depth))
    middle = np.float32(2 ** (depth - 1) * scale)
    y = (planes[0].astype(np.float32) * scale - base) / luma
    cb, cr = ((whole(c, size) * scale - middle) / chroma for c in planes[1:])
    r, b = y + 2 * (1 - red) * cr, y + 2 * (1 - blue) * cb
    g = (y - red * r - blue * b) / green
    rgb = np.stack((r, g, b), -1)
    return _rounded(rgb) if depth == 8 else np.rint(rgb * np.float32(257)).clip(0, 65535).astype(np.uint16)


def whole(plane: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """A plane of colour at the size of luma, float32."""
    if plane.shape == size:
        return plane.astype(np.float32)
    if plane.shape[0] == size[0] > 1:  # 4:2:2
        return doubled_columns(plane.astype(np.float32))[:, : size[1]]
    return doubled(plane)[: size[0], : size[1]]


def halved_columns(plane: np.ndarray) -> np.ndarray:
    """Float [H, W] -> [H, ceil(W / 2)]: about every even column, itself twice and its neighbours once."""
    right = np.pad(plane, ((0, 0), (0, plane.shape[1] % 2)), "edge")
    left = np.pad(right, ((0, 0), (1, 0)), "edge")[:, :-1:2]
    return (left + 2 * right[:, ::2] + right[:, 1::2]) / 4


def halved_rows(plane: np.ndarray) -> np.ndarray:
    """Float [H, W] -> [ceil(H / 2), W]: means of two rows."""
    below = np.pad(plane, ((0, plane.shape[0] % 2), (0, 0)), "edge")
    return (below[::2] + below[1::2]) / 2


def doubled(plane: np.ndarray) -> np.ndarray:
    """[H, W] -> float32 [2 H, 2 W]: linear between rows, a quarter above and below each, and between columns."""
    tall = np.pad(plane.astype(np.float32), ((1, 1), (0, 0)), "edge")
    rows = np.empty((2 * plane.shape[0], tall.shape[1]), np.float32)
    rows[::2] = (3 * tall[1:-1] + tall[:-2]) / 4
    rows[1::2] = (3 * tall[1:-1] + tall[2:]) / 4
    return doubled_columns(rows)


def doubled_columns(plane: np.ndarray) -> np.ndarray:
    """Float32 [H, W] -> [H, 2 W]: at each column and half-way to the next."""
    wide = np.pad(plane, ((0, 0), (0, 1)), "edge")
    out = np.empty((len(plane), 2 * plane.shape[1]), np.float32)
    out[:, ::2] = wide[:, :-1]
    out[:, 1::2] = (wide[:, :-1] + wide[:, 1:]) / 2
    return out


def _weights(color: Color) -> tuple[float, float, float]:
    if color.matrix not in MATRICES:
        raise MediaError(f"colours of a rare kind (matrix {color.matrix} of H.273); convert to BT.709 first")
    red, blue = MATRICES[color.matrix]
    return red, 1 - red - blue, blue


def _levels(color: Color) -> tuple[float, float, float]:
    """Black, and the spans of luma and chroma relative to RGB's."""
    return (0, 1, 1) if color.full_range else (16, 219 / 255, 224 / 255)


def _rounded(values: np.ndarray) -> np.ndarray:
    return np.rint(values).clip(0, 255).astype(np.uint8)
