"""What a photo will take, by its size, its quality, and how well its own file is compressed: about. No torch.

Fitted to 22 Kodak pictures as PNGs and JPEGs of several qualities: the logarithm of their sizes is off by 0.15 to 0.2
(one sigma), by 0.4 without a look at the file.
"""

from __future__ import annotations

import math

from codec.codecs.base import Expected, Typical
from codec.codecs.curve import Curve
from codec.codecs.options import DEFAULT_QUALITY, ImageOptions, Target
from codec.codecs.s2lic import PASSES
from codec.media.look import Look
from codec.metrics.structure import decibels

_BESIDE = 100  # bytes of a file beside its units
_SECONDS, _PASS, _VERIFY = 1.45, 2.8, 2.8  # of one core for a megapixel: plain, each pass of a search, decoding again
_SIZED, _ALIKE = 2.4, 4.0  # encodings for a target, in plain ones
_CALMER = 3.6  # dB that a picture has more at the same quality, where it takes 1 / e of the bits


def expected(look: Look, options: ImageOptions, typical: Typical) -> Expected:
    """Bytes and CPU seconds of a file."""
    quality = DEFAULT_QUALITY if options.quality is None else options.quality
    target = options.target or Target(quality=quality)
    more = _busier(look)
    passes = PASSES[(options.effort or 1) - 1]
    seconds = _SECONDS * (2 if passes else 1) + _PASS * passes
    if target.quality is None:
        seconds *= _ALIKE if target.psnr or target.ssim else _SIZED
    seconds = (seconds + _VERIFY * bool(options.verify)) * look.pixels / 1e6
    if target.size is not None:
        return Expected(target.size, seconds, True)
    if target.bpp is not None:
        return Expected(target.bpp * look.pixels / 8, seconds, True)
    if target.psnr is not None:
        quality = Curve(typical.qualities, typical.psnr).quality(target.psnr + _CALMER * more)
    elif target.ssim is not None:
        quality = Curve(typical.qualities, typical.ssim).quality(decibels(target.ssim))
    elif target.quality is not None:
        quality = target.quality
    rates = Curve(typical.qualities, [math.log(bpp) for bpp in typical.bpp])
    bpp = math.exp(rates.value(min(max(quality, 0.0), 100.0)) + more)
    return Expected(bpp * look.pixels / 8 + _BESIDE, seconds, True)


def _busier(look: Look) -> float:
    """Of how many bits a picture is above others: the logarithm, by the size of its own file."""
    rate = math.log(max(look.size, 1) * 8 / look.pixels * 3 / min(look.channels, 3) * 8 / look.depth)
    more = 0.0
    if look.format == "JPEG" and look.coarseness:
        more = 1.55 * rate + 1.04 * math.log(look.coarseness) - 3.84
    elif look.format == "PNG":
        more = 2.55 * rate - 6.54
    return min(max(more, -2.5), 1.2)
