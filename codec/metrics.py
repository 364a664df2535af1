"""Rate and distortion, each defined once for our codecs and their peers alike."""

import numpy as np


def bits_per_pixel(file_bytes: int, pixels: int) -> float:
    """Rate: eight times the size of the real file over the number of pixels."""
    return 8 * file_bytes / pixels


def psnr(reference: np.ndarray, decoded: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB of 8-bit samples [H, W, C], over all channels; inf for equal pictures.

    >>> psnr(np.zeros((2, 2, 1), np.uint8), np.full((2, 2, 1), 255, np.uint8))
    0.0
    """
    if reference.shape != decoded.shape:
        raise ValueError(f"shapes differ: {reference.shape} and {decoded.shape}")
    mse = float(np.mean((reference.astype(np.float64) - decoded) ** 2))
    return float(10 * np.log10(255**2 / mse)) if mse else float("inf")


METRICS = {"psnr": psnr}
