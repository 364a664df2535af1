"""RGB to the 4:2:0 pictures of video codecs and back: BT.709, limited range, 8 bits.

Done here, not by FFmpeg's scaler, whose choice of matrix and range has differed between releases; so the same on
both sides, everywhere. Chroma lies where files without a mark have it: at even columns, between two rows.
"""

import numpy as np

_R, _G, _B = 0.2126, 0.7152, 0.0722
_LUMA, _CHROMA = 219 / 255, 224 / 255


def to_yuv420(rgb: np.ndarray) -> np.ndarray:
    """uint8 [H, W, 3] -> uint8 [3 H' / 2, W'], the planes Y, U, V one after the other; H', W' are the next even.

    An odd picture's last row or column is there twice.
    """
    height, width = rgb.shape[:2]
    padded = np.pad(rgb, ((0, height % 2), (0, width % 2), (0, 0)), "edge").astype(np.float32)
    r, g, b = padded[..., 0], padded[..., 1], padded[..., 2]
    y = _R * r + _G * g + _B * b
    chroma = ((c - y) * (_CHROMA / (2 * (1 - k))) + 128 for c, k in ((b, _B), (r, _R)))
    planes = [_rounded(y * _LUMA + 16), *(_rounded(_halved(c)) for c in chroma)]
    return np.concatenate([p.ravel() for p in planes]).reshape(-1, padded.shape[1])


def from_yuv420(planes: np.ndarray, height: int, width: int) -> np.ndarray:
    """What `to_yuv420` made -> uint8 [height, width, 3]."""
    rows, columns = height + height % 2, width + width % 2
    size = rows * columns
    y = (planes.ravel()[:size].reshape(rows, columns).astype(np.float32) - 16) / _LUMA
    cb, cr = (
        (_doubled(c) - 128) / _CHROMA
        for c in planes.ravel()[size:].reshape(2, rows // 2, columns // 2).astype(np.float32)
    )
    r, b = y + 2 * (1 - _R) * cr, y + 2 * (1 - _B) * cb
    g = (y - _R * r - _B * b) / _G
    return np.ascontiguousarray(_rounded(np.stack((r, g, b), -1))[:height, :width])


def _halved(plane: np.ndarray) -> np.ndarray:
    """Means of two rows; about every even column, itself twice and its neighbours once."""
    rows = (plane[::2] + plane[1::2]) / 2
    left = np.pad(rows, ((0, 0), (1, 0)), "edge")[:, :-1:2]
    return (left + 2 * rows[:, ::2] + rows[:, 1::2]) / 4


def _doubled(plane: np.ndarray) -> np.ndarray:
    """Linear interpolation at the rows a quarter above and below each, at its columns and half-way to the next."""
    tall = np.pad(plane, ((1, 1), (0, 1)), "edge")
    rows = np.empty((2 * plane.shape[0], tall.shape[1]), np.float32)
    rows[::2] = (3 * tall[1:-1] + tall[:-2]) / 4
    rows[1::2] = (3 * tall[1:-1] + tall[2:]) / 4
    out = np.empty((len(rows), 2 * plane.shape[1]), np.float32)
    out[:, ::2] = rows[:, :-1]
    out[:, 1::2] = (rows[:, :-1] + rows[:, 1:]) / 2
    return out


def _rounded(values: np.ndarray) -> np.ndarray:
    return np.rint(values).clip(0, 255).astype(np.uint8)
