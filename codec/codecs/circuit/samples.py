"""What of a picture is coded: colours without repetition, as ranks where few values are used, and alpha; and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.codecs.circuit import levels, method_circuit, method_webp
from codec.codecs.circuit.drawn import DRAWN, flatness
from codec.codecs.circuit.head import CONSTANT, Arrangement
from codec.codecs.circuit.levels import Levels
from codec.codecs.circuit.network import Network
from codec.view import WITH_ALPHA

_SPARSE = 0.75  # share of the values between the first and the last used, below which ranks are tried
_WORTH = 0.98  # of an estimate
_CHEAP = 1 / 1024  # bytes of a list for each sample; 1.4 % fewer bytes of a magnetic resonance image


def options(frame: NDArray[Any], depth: int, networks: Mapping[str, Network]) -> Arrangement:
    """How to code a picture [H, W, 1..4], except for its layout."""
    channels = frame.shape[2]
    grey = channels > 2 and bool((frame[..., :1] == frame[..., 1:3]).all())
    opaque = channels in WITH_ALPHA and bool((frame[..., -1] == (1 << depth) - 1).all())
    colour = colours(frame[..., : channels - (channels in WITH_ALPHA)], Arrangement(grey=grey))
    usable = method_circuit.usable(networks, colour.shape[2])
    return Arrangement(grey=grey, opaque=opaque, levels=_levels(colour, depth, usable))


def colours(part: NDArray[Any], how: Arrangement) -> NDArray[Any]:
    """What a unit holds of colours [h, w, 1 or 3] of a part of the picture."""
    unit = np.ascontiguousarray(part[..., :1] if how.grey else part)
    return unit if how.levels is None else levels.ranks(unit, how.levels)


def samples(unit: NDArray[Any], how: Arrangement, depth: int) -> NDArray[Any]:
    """A unit as samples again, for all colours; FormatError for ranks that the list doesn't have."""
    return unit if how.levels is None else levels.values(unit, how.levels, depth)


def _levels(colour: NDArray[Any], depth: int, networks: list[Network]) -> Levels | None:
    """The list of values used, if coding ranks pays."""
    used = levels.used(colour, depth)
    bits = levels.rank_bits(used)
    if len(used) == 1:
        return used if colour.shape[0] * colour.shape[1] <= CONSTANT else None
    if bits <= 8 < depth:
        return used
    span = np.arange(int(used[0]), int(used[-1]) + 1, dtype=np.uint16)
    if depth > 8 and bits < depth and len(levels.pack(used)) < colour.size * _CHEAP:
        return used
    # Fewer bits of deep samples are fewer to store; a list without gaps takes some bytes.
    plain = span if depth > 8 and levels.rank_bits(span) < depth else None
    if len(used) > _SPARSE * len(span) or (depth == 8 and flatness(colour) >= DRAWN):
        return plain  # WebP has palettes of its own
    cost = _cost(levels.ranks(colour, used), bits, networks) + len(levels.pack(used))
    if plain is not None:
        colour, depth = levels.ranks(colour, plain), levels.rank_bits(plain)
    return used if cost < _WORTH * _cost(colour, depth, networks) else plain


def _cost(colour: NDArray[Any], bits: int, networks: list[Network]) -> float:
    """An estimate of the bytes that a picture takes."""
    costs = [float(colour.size * bits / 8)]
    if networks and flatness(colour) < DRAWN:
        costs.append(method_circuit.choose(colour, bits, networks).size)
    if bits <= 8 and method_webp.fits(*colour.shape[:2]):
        costs.append(method_webp.estimate(colour))
    return min(costs)
