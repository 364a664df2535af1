"""How near samples are to others: squared errors and PSNR, of all depths alike."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from codec.media.video.layout import Planes

MOST = 100.0  # dB, of planes that are equal, and so of all others at most
WEIGHTS = (6, 1, 1)


def errors(found: Planes, wanted: Planes, depth: int = 8) -> tuple[float, float, float]:
    """Mean squared errors of Y, U and V on a scale of 0 to 1."""
    top = (2**depth - 1) ** 2
    y, u, v = (
        float(np.square(a.astype(np.float32) - b).mean(dtype=np.float64)) / top
        for a, b in zip(found, wanted, strict=True)
    )
    return y, u, v


def decibels(error: float) -> float:
    """The PSNR of a mean squared error on a scale of 0 to 1, in dB; inf for 0."""
    return 0.0 - 10 * math.log10(error) if error else math.inf


def psnr(error: float) -> float:
    """PSNR of a mean squared error, at most 100: equal planes among others leave a mean finite."""
    return min(decibels(error), MOST)


def psnr_611(each: Sequence[float]) -> float:
    """(6 PSNR of Y + PSNR of U + PSNR of V) / 8, of a picture's mean squared errors."""
    return sum(w * psnr(e) for w, e in zip(WEIGHTS, each, strict=True)) / sum(WEIGHTS)
