"""The encoder's part of tuning: whether a network changed for the picture saves more than its changes cost.

Both are known on the same sample of blocks before anything is coded, so each unit is coded once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from numpy.typing import NDArray

from codec.codecs.circuit import method_circuit, method_webp, tuned_unit
from codec.codecs.circuit.differences import tuned
from codec.codecs.circuit.drawn import is_photo
from codec.codecs.circuit.method_circuit import Choice
from codec.codecs.circuit.network import Network
from codec.codecs.circuit.work import Told, nobody

EFFORTS = {
    2: 75,
    3: 150,
    4: 300,
    5: 600,
    6: 1200,
    7: 2000,
    8: 4000,
    9: 7000,
}  # windows seen of a picture of _USUAL pixels
_USUAL = 768 * 512
_WORTH = 0.995  # of the estimated bytes without tuning: below, it is taken


def windows(effort: int, pixels: int) -> int:
    """How many windows of 64 x 64 pixels `tune` should see at an effort of 1 to 9; 0 at 1.

    Small pictures get as many for each pixel; large ones more slowly more.
    """
    share = pixels / _USUAL
    return round(EFFORTS.get(effort, 0) * (share if share < 1 else share**0.5))


class Tuning(NamedTuple):
    """The tuned network, the payload of the unit that tells of it, and how to code each unit (None: not looked at)."""

    network: Network
    payload: bytes
    choices: list[Choice | None]


def tuning(
    colour: Sequence[NDArray[Any]],
    bits: int,
    networks: Sequence[Network],
    effort: int,
    seconds: float | None = None,
    told: Told = nobody,
) -> Tuning | None:
    """A network tuned to a picture's units [h, w, C] of 8 bits or fewer; None where it doesn't pay.

    Units of few colours and units that WebP codes best are left as they are. The tuned network's number is the one
    after the others'. `seconds`: for the fit, at most. `told` is called as work goes on.
    """
    if bits > 8 or not networks:
        return None
    choices = [method_circuit.choose(unit, bits, networks, told) for unit in colour]
    fit = [
        n for n, (c, unit) in enumerate(zip(choices, colour, strict=True)) if c.colours is None and _modelled(unit, c)
    ]
    if not fit:
        return None
    number = Counter(choices[n].network for n in fit).most_common(1)[0][0]
    tiles = [tile for n in fit for tile in method_circuit.coded_tiles(colour[n], networks[number])]
    from codec.codecs.circuit.descent import tune  # needs torch

    count = windows(effort, sum(t.shape[0] * t.shape[1] for t in tiles))
    differences = tune(networks[number], tiles, count, seconds=seconds, told=told)
    network = tuned(networks[number], differences)
    payload = tuned_unit.encode(number, networks[number], differences)
    result: list[Choice | None] = list(choices)
    for n in fit:
        size = method_circuit.estimate(colour[n], bits, network, told)
        result[n] = min(choices[n], Choice(len(networks), 0, None, size), key=lambda c: c.size)
    before, after = sum(c.size for c in choices), sum(c.size for c in result if c)
    return Tuning(network, payload, result) if after + len(payload) < _WORTH * before else None


def _modelled(unit: NDArray[Any], choice: Choice) -> bool:
    """Whether a unit is likely to be coded by the circuit."""
    return is_photo(unit) or not method_webp.fits(*unit.shape[:2]) or method_webp.estimate(unit) > choice.size
