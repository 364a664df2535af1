"""Structural similarity of samples, at one scale and at five."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from codec.metrics.picture import colour

if TYPE_CHECKING:
    import torch

_SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_WINDOW, _SIGMA = 11, 1.5
MS_SSIM_SIDE = (_WINDOW - 1) * 2 ** (len(_SCALE_WEIGHTS) - 1) + 1  # pixels: below it the window does not fit


def ssim(reference: np.ndarray, decoded: np.ndarray, peak: int = 255) -> float | None:
    """Structural similarity (Wang et al. 2004) of samples [H, W, C], at most 1: mean over the channels.

    Gaussian window of 11 with sigma 1.5, no padding of the windows, no scaling of the picture first. None where a
    side has fewer than 11 pixels.
    """
    a, b = colour(reference, decoded)
    if min(a.shape[:2]) < _WINDOW:
        return None
    import torch

    with torch.inference_mode():
        x, y = _planes(a, b)
        luminance, structure = similarity(x, y, peak)
        return float((luminance * structure).mean((1, 2)).mean())


def ms_ssim(reference: np.ndarray, decoded: np.ndarray, peak: int = 255) -> float | None:
    """Multi-scale structural similarity (Wang et al. 2003) of samples [H, W, C], at most 1: mean over the channels.

    Five scales, Gaussian window of 11 with sigma 1.5, no padding of the windows. None where a side has fewer
    than 161 pixels.
    """
    a, b = colour(reference, decoded)
    if min(a.shape[:2]) < MS_SSIM_SIDE:
        return None
    import torch

    with torch.inference_mode():
        x, y = _planes(a, b)
        value = torch.ones(len(x))
        for weight, term in similarities(x, y, peak):
            value *= term.mean((1, 2)).clamp(min=0) ** weight
    return float(value.mean())


def similarities(x: torch.Tensor, y: torch.Tensor, peak: int) -> Iterator[tuple[float, torch.Tensor]]:
    """The scales of MS-SSIM of samples [C, H, W]: the weight of each and the similarity of every window of it.

    Of smaller pictures those scales into which the window fits. Gradients go through.
    """
    import torch.nn.functional as F

    for scale, weight in enumerate(_SCALE_WEIGHTS):
        if scale:
            # Halving as everybody's code has it: an odd side gets a row of zeros on both ends.
            odd = [n % 2 for n in x.shape[1:]]
            x, y = (F.avg_pool2d(v, 2, padding=odd) for v in (x, y))
        if min(x.shape[1:]) < _WINDOW:
            return
        luminance, structure = similarity(x, y, peak)
        yield weight, structure * luminance if scale == len(_SCALE_WEIGHTS) - 1 else structure


def decibels(similarity: float) -> float:
    """An MS-SSIM on a scale where differences near 1 can be seen: -10 log10(1 - s); inf at 1.

    >>> round(decibels(0.99), 6)
    20.0
    """
    return -10 * math.log10(1 - similarity) if similarity < 1 else math.inf


def _planes(a: np.ndarray, b: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Either picture as [C, H, W], float32."""
    import torch

    x, y = (torch.from_numpy(v.astype(np.float32)).permute(2, 0, 1) for v in (a, b))
    return x, y


def similarity(x: torch.Tensor, y: torch.Tensor, peak: int) -> tuple[torch.Tensor, torch.Tensor]:
    """SSIM's luminance term, and its contrast and structure terms in one, for every window."""
    import torch

    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    # Variances don't depend on the level; about the middle their squares lose less to float32.
    x, y = x - peak / 2, y - peak / 2
    mx, my, squares, product = _windowed(_windowed(torch.stack((x, y, x * x + y * y, x * y)), 2), 3)
    structure = (2 * (product - mx * my) + c2) / (squares - mx * mx - my * my + c2)
    mx, my = mx + peak / 2, my + peak / 2
    return (2 * mx * my + c1) / (mx * mx + my * my + c1), structure


def _windowed(maps: torch.Tensor, dim: int) -> torch.Tensor:
    """Gaussian means along one dimension. Sums of slices: conv2d takes ten times as long on single channels."""
    taps = [math.exp(-((i - _WINDOW // 2) ** 2) / (2 * _SIGMA**2)) for i in range(_WINDOW)]
    size = maps.shape[dim] - _WINDOW + 1
    total = maps.narrow(dim, 0, size) * (taps[0] / sum(taps))
    for i, tap in enumerate(taps[1:], 1):
        total.add_(maps.narrow(dim, i, size), alpha=tap / sum(taps))
    return total
