"""Rate and distortion, each defined once for our codecs and their peers alike.

Distortion is that of the colour channels: with 2 or 4 channels the last one is alpha, which is left out, and what
it hides completely in the reference counts as equal.
`peak` is the largest sample value, 2^depth - 1.
"""

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

_SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_WINDOW, _SIGMA = 11, 1.5
MS_SSIM_SIDE = (_WINDOW - 1) * 2 ** (len(_SCALE_WEIGHTS) - 1) + 1  # pixels: below it the window does not fit


def bits_per_pixel(file_bytes: int, pixels: int) -> float:
    """Rate: eight times the size of the real file over the number of pixels."""
    return 8 * file_bytes / pixels


def psnr(reference: np.ndarray, decoded: np.ndarray, peak: int = 255) -> float:
    """Peak signal-to-noise ratio in dB of samples [H, W, C], over all colour channels; inf for equal pictures.

    >>> psnr(np.zeros((2, 2, 1), np.uint8), np.full((2, 2, 1), 255, np.uint8))
    0.0
    """
    a, b = _colour(reference, decoded)
    mse = float(np.mean((a.astype(np.float64) - b) ** 2))
    return 10 * math.log10(peak**2 / mse) if mse else math.inf


def ms_ssim(reference: np.ndarray, decoded: np.ndarray, peak: int = 255) -> float | None:
    """Multi-scale structural similarity (Wang et al. 2003) of samples [H, W, C], at most 1: mean over the channels.

    Five scales, Gaussian window of 11 with sigma 1.5, no padding of the windows. None where a side has fewer
    than 161 pixels.
    """
    a, b = _colour(reference, decoded)
    if min(a.shape[:2]) < MS_SSIM_SIDE:
        return None
    import torch
    import torch.nn.functional as F

    with torch.inference_mode():
        x, y = (torch.from_numpy(v.astype(np.float32)).permute(2, 0, 1) for v in (a, b))  # [C, H, W]
        value = torch.ones(len(x))
        for scale, weight in enumerate(_SCALE_WEIGHTS):
            if scale:
                # Halving as everybody's code has it: an odd side gets a row of zeros on both ends.
                odd = [n % 2 for n in x.shape[1:]]
                x, y = (F.avg_pool2d(v, 2, padding=odd) for v in (x, y))
            luminance, structure = _similarity(x, y, peak)
            term = structure * luminance if scale == len(_SCALE_WEIGHTS) - 1 else structure
            value *= term.mean((1, 2)).clamp(min=0) ** weight
    return float(value.mean())


def decibels(similarity: float) -> float:
    """An MS-SSIM on a scale where differences near 1 can be seen: -10 log10(1 - s); inf at 1.

    >>> round(decibels(0.99), 6)
    20.0
    """
    return -10 * math.log10(1 - similarity) if similarity < 1 else math.inf


METRICS = {"psnr": psnr, "ms-ssim": ms_ssim}


def _colour(reference: np.ndarray, decoded: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if reference.shape != decoded.shape:
        raise ValueError(f"shapes differ: {reference.shape} and {decoded.shape}")
    if reference.shape[2] % 2:
        return reference, decoded
    colour, alpha = reference[..., :-1], reference[..., -1:]
    return colour, np.where(alpha == 0, colour, decoded[..., :-1])


def _similarity(x: "torch.Tensor", y: "torch.Tensor", peak: int) -> tuple["torch.Tensor", "torch.Tensor"]:
    """SSIM's luminance term, and its contrast and structure terms in one, for every window."""
    import torch

    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    # Variances don't depend on the level; about the middle their squares lose less to float32.
    x, y = x - peak / 2, y - peak / 2
    mx, my, squares, product = _windowed(_windowed(torch.stack((x, y, x * x + y * y, x * y)), 2), 3)
    structure = (2 * (product - mx * my) + c2) / (squares - mx * mx - my * my + c2)
    mx, my = mx + peak / 2, my + peak / 2
    return (2 * mx * my + c1) / (mx * mx + my * my + c1), structure


def _windowed(maps: "torch.Tensor", dim: int) -> "torch.Tensor":
    """Gaussian means along one dimension. Sums of slices: conv2d takes ten times as long on single channels."""
    taps = [math.exp(-((i - _WINDOW // 2) ** 2) / (2 * _SIGMA**2)) for i in range(_WINDOW)]
    size = maps.shape[dim] - _WINDOW + 1
    total = maps.narrow(dim, 0, size) * (taps[0] / sum(taps))
    for i, tap in enumerate(taps[1:], 1):
        total.add_(maps.narrow(dim, i, size), alpha=tap / sum(taps))
    return total
