"""Rate, distortion and similarity, each defined once for our codecs and their peers alike.

Distortion is that of the colour channels: with 2 or 4 channels the last one is alpha, which is left out, and what
it hides completely in the reference counts as equal.
`peak` is the largest sample value, 2^depth - 1.
"""

from codec.metrics.metric import NAMES, Metric, create, lower_is_better
from codec.metrics.samples import bits_per_pixel, kilobits_per_second, psnr, psnr_ycbcr
from codec.metrics.structure import MS_SSIM_SIDE, decibels, ms_ssim, ssim

__all__ = [
    "MS_SSIM_SIDE",
    "NAMES",
    "Metric",
    "bits_per_pixel",
    "create",
    "decibels",
    "kilobits_per_second",
    "lower_is_better",
    "ms_ssim",
    "psnr",
    "psnr_ycbcr",
    "ssim",
]
