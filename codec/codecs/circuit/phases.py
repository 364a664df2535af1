"""What the phases of encoding and decoding a picture take, in the terms of work.py: reckoned from sizes alone."""

from __future__ import annotations

from collections.abc import Sequence

from codec.codecs.circuit import layout, methods, tuning
from codec.codecs.circuit.wavefront import SKEW
from codec.codecs.circuit.work import BACK, OTHER, STEP, WINDOW

Size = tuple[int, int]  # height and width of a unit

_LOOKS = 2  # at blocks of a drawn unit, to choose a network


def fitting(colours: Sequence[Size], effort: int, drawn: bool) -> float:
    """Choosing networks for units of colours, and tuning one to them where they aren't `drawn`."""
    looked = sum(_looked(size, drawn) for size in colours)
    if drawn:
        return _LOOKS * looked
    return 2 * looked + WINDOW * tuning.windows(effort, sum(h * w for h, w in colours))  # before tuning, and after


def coding(size: Size, chosen: bool, drawn: bool) -> float:
    """A unit of colours through a network, which is `chosen` already or not; one that is `drawn` by WebP too.

    The encoder passes what isn't drawn in batches of any size, what is in the steps that the decoder takes.
    """
    looks = 0 if chosen else (_LOOKS if drawn else 1) * _looked(size, drawn)
    return looks + (_passing(size) + plain(size) if drawn else size[0] * size[1])


def plain(size: Size) -> float:
    """A unit by other methods."""
    return OTHER * size[0] * size[1]


def decoding(size: Size, method: int) -> float:
    """A unit back from its method."""
    return _passing(size) if method == methods.CIRCUIT else BACK * size[0] * size[1]


def _passing(size: Size) -> float:
    """All tiles of a unit back from a network, in lock-step."""
    h, w = (-(-n // -(-n // most)) for n, most in zip(size, (layout.HEIGHT, layout.WIDTH), strict=True))
    return size[0] * size[1] + STEP * (w + SKEW * h)


def _looked(size: Size, drawn: bool) -> float:
    """Some blocks of a unit through a network: see layout.sample."""
    h, w = (min(n, most) for n, most in zip(size, layout.SAMPLE, strict=True))
    pixels = max(min(size[0] * size[1] // 4, layout.SAMPLES * h * w), h * w)
    return pixels + drawn * STEP * (w + SKEW * h)
