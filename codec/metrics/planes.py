"""PSNR of the 4:2:0 planes of a video's frames, and means over planes and frames of which some may be equal."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from codec.media.distortion import MOST, WEIGHTS
from codec.media.video.layout import Planes
from codec.metrics.samples import psnr


def mean_decibels(values: Sequence[float], weights: Sequence[float] | None = None) -> float:
    """The mean of PSNRs, each of 100 dB at most if not all are of equal samples (inf): a black frame, or the colour of
    a grey video, would otherwise make a lossy codec's mean infinite.

    >>> mean_decibels([30.0, math.inf]), mean_decibels([math.inf, math.inf])
    (65.0, inf)
    """
    if all(value == math.inf for value in values):
        return math.inf
    return float(np.average(np.minimum(values, MOST), weights=weights))


def psnr_plane(which: int, reference: Planes, decoded: Planes, peak: int = 255) -> float:
    """PSNR in dB of Y (0), U (1) or V (2); inf for equal ones."""
    return psnr(reference[which][..., None], decoded[which][..., None], peak)


def psnr_planes(reference: Planes, decoded: Planes, peak: int = 255) -> float:
    """(6 PSNR of Y + PSNR of U + PSNR of V) / 8 in dB, of the planes as they are; inf if all are equal."""
    return mean_decibels([psnr_plane(which, reference, decoded, peak) for which in range(3)], WEIGHTS)
