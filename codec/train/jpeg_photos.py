"""Coefficients as JPEG files of photos hold them: of many qualities, tables and samplings, without making the files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from codec.models.jpeg.shape import ZIGZAG

# The tables of annex K of the standard, by rows, of which encoders make others by a quality from 1 to 100.
LUMA = np.array(
    [16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51,
     87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
     72, 92, 95, 98, 112, 100, 103, 99]
)  # fmt: skip
CHROMA = np.array(
    [17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, *[99] * 38]
)
SAMPLINGS = ((2, 2), (1, 1), (2, 1))  # of luma, across and down
SAMPLING_SHARES = (0.5, 0.38, 0.12)
_PLACE = np.array([8 * u + v for u, v in ZIGZAG])
_N = np.arange(8)
DCT = np.cos((2 * _N + 1) * _N[:, None] * np.pi / 16) * np.where(_N[:, None] == 0, np.sqrt(1 / 8), 0.5)
_YCC = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32)


@dataclass(frozen=True)
class Coefficients:
    """One component: sampling factors, steps [64] and coefficients [rows, columns, 64], both in zigzag order."""

    h: int
    v: int
    table: NDArray[np.int64]
    blocks: NDArray[np.int16]


def table(base: NDArray[np.int64], quality: int) -> NDArray[np.int64]:
    """A table of steps by rows, as libjpeg scales it."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.clip((base * scale + 50) // 100, 1, 255)


def components(rgb: NDArray[np.uint8], tables: Sequence[NDArray[np.int64]], h: int, v: int) -> list[Coefficients]:
    """Luma and both chroma components of a photo [H, W, 3]; luma has `h` and `v` times as many blocks."""
    photo = rgb.astype(np.float32)
    result = []
    for i, weights in enumerate(_YCC):
        plane = np.clip(np.rint(photo @ weights + (128 if i else 0)), 0, 255)
        plane = np.pad(plane, ((0, -len(plane) % (8 * v)), (0, -plane.shape[1] % (8 * h))), "edge")
        if i:
            parts = plane.reshape(plane.shape[0] // v, v, plane.shape[1] // h, h)
            plane = np.floor(parts.mean((1, 3)) + 0.4999)
        steps = tables[min(i, 1)]
        result.append(Coefficients(1 if i else h, 1 if i else v, steps[_PLACE], _quantised(plane, steps)))
    return result


def _quantised(plane: NDArray[np.float32], steps: NDArray[np.int64]) -> NDArray[np.int16]:
    rows, columns = plane.shape[0] // 8, plane.shape[1] // 8
    basis = DCT.astype(np.float32)
    blocks = (plane - 128).reshape(rows, 8, columns, 8).transpose(0, 2, 1, 3)
    found = (basis @ blocks @ basis.T).reshape(rows, columns, 64)
    return np.rint(found / steps).astype(np.int16)[:, :, _PLACE]


def any_tables(rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Tables for luma and chroma of a quality from 30 to 98; one in five in no encoder's form."""
    low, middle, high = rng.integers(30, 75), rng.integers(70, 93), rng.integers(88, 99)
    quality = int(rng.choice([low, middle, high], p=[0.2, 0.45, 0.35]))
    tables = [table(base, quality) for base in (LUMA, CHROMA)]
    if rng.random() < 0.2:
        power = rng.uniform(0.5, 1.1)
        for i, t in enumerate(tables):
            bent = (t / t.mean()) ** power * t.mean() * rng.uniform(0.7, 1.3) * np.exp(rng.normal(0, 0.05, 64))
            tables[i] = np.clip(np.rint(bent), 1, 255).astype(np.int64)
        if rng.random() < 0.4:
            tables[1] = tables[0]
    return tables


def any_jpeg(photo: NDArray[np.uint8], rng: np.random.Generator) -> list[Coefficients]:
    """Coefficients of a photo [H, W, 3], turned, enlarged or noisy as may be, at any place of the grid of blocks."""
    x = np.rot90(photo, int(rng.integers(4))) if rng.random() < 0.5 else photo
    if rng.random() < 0.5:
        x = x[:, ::-1]
    if rng.random() < 0.25:
        factor = rng.uniform(1.1, 2)
        height, width = int(x.shape[0] / factor), int(x.shape[1] / factor)
        top, left = rng.integers(x.shape[0] - height + 1), rng.integers(x.shape[1] - width + 1)
        part = Image.fromarray(np.ascontiguousarray(x[top : top + height, left : left + width]))
        size = int(width * factor), int(height * factor)
        x = np.asarray(part.resize(size, Image.Resampling.BICUBIC))
    if rng.random() < 0.15:
        x = np.clip(np.rint(x + rng.normal(0, rng.uniform(0.5, 3), x.shape)), 0, 255).astype(np.uint8)
    top, left = rng.integers(0, 8, 2)
    h, v = SAMPLINGS[rng.choice(len(SAMPLINGS), p=SAMPLING_SHARES)]
    return components(x[top:, left:], any_tables(rng), h, v)
