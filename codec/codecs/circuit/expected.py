"""What a picture will take without loss, by its size and its own file's: about."""

from __future__ import annotations

from codec.codecs.base import Expected
from codec.codecs.options import ImageOptions
from codec.media.look import Look

# Of Kodak's pictures, by effort: bits for a sample, CPU seconds for a megapixel with verification.
_BITS = {1: 2.90, 2: 2.69, 3: 2.65, 4: 2.62, 5: 2.60, 6: 2.57, 7: 2.54, 8: 2.51, 9: 2.48}
_SECONDS = {1: 4.6, 2: 17.0, 3: 24.0, 4: 34.0, 5: 52.0, 6: 75.0, 7: 117.0, 8: 197.0, 9: 367.0}
_PNG_BITS = 4.467  # of the same as PNGs
_DECODING = 3.0  # CPU seconds for a megapixel, of those above


def expected(look: Look, options: ImageOptions, effort: int) -> Expected:
    """Bytes and CPU seconds of a file; `effort`: the default."""
    effort = options.effort or effort
    bits = look.pixels * look.channels * (_BITS[effort] + max(look.depth - 8, 0))
    size = look.size * _BITS[effort] / _PNG_BITS if look.format == "PNG" else bits / 8
    seconds = (_SECONDS[effort] - _DECODING * (options.verify is False)) * look.pixels / 1e6
    if options.seconds is not None:
        seconds = options.seconds + _SECONDS[1] * look.pixels / 1e6
    return Expected(size, seconds, False)
