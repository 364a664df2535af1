"""Rate, and the distortion of samples: PSNR in RGB and in YCbCr."""

from __future__ import annotations

import numpy as np

from codec.media.distortion import decibels
from codec.metrics.picture import colour

# BT.601, full range: rows Y, Cb, Cr. The offsets of Cb and Cr cancel in differences.
_YCBCR = np.array([[0.299, 0.587, 0.114], [-0.299 / 1.772, -0.587 / 1.772, 0.5], [0.5, -0.587 / 1.402, -0.114 / 1.402]])


def bits_per_pixel(file_bytes: int, pixels: int) -> float:
    """Rate: eight times the size of the real file over the number of pixels."""
    return 8 * file_bytes / pixels


def kilobits_per_second(file_bytes: int, seconds: float) -> float:
    """Rate of sound: eight times the size of the real file over its duration, in thousands."""
    return 8 * file_bytes / seconds / 1000


def psnr(reference: np.ndarray, decoded: np.ndarray, peak: int = 255) -> float:
    """Peak signal-to-noise ratio in dB of samples [H, W, C], over all colour channels; inf for equal pictures.

    >>> psnr(np.zeros((2, 2, 1), np.uint8), np.full((2, 2, 1), 255, np.uint8))
    0.0
    """
    a, b = colour(reference, decoded)
    return decibels(float(np.mean((a.astype(np.float64) - b) ** 2)) / peak**2)


def psnr_ycbcr(reference: np.ndarray, decoded: np.ndarray, peak: int = 255) -> float | None:
    """(6 PSNR of Y + PSNR of Cb + PSNR of Cr) / 8 in dB, of BT.601 full-range YCbCr 4:4:4; None for grey pictures.

    inf where one of the three is equal in both pictures.
    """
    a, b = colour(reference, decoded)
    if a.shape[2] != 3:
        return None
    errors = np.mean(((a.astype(np.float64) - b) @ _YCBCR.T) ** 2, axis=(0, 1))
    y, cb, cr = (decibels(float(e) / peak**2) for e in errors)
    return (6 * y + cb + cr) / 8
