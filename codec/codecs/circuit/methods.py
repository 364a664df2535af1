"""One unit's payload: a method byte, then what that method made of the unit; the encoder keeps the smallest.

The low three bits of the method byte name the method, the other five belong to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from codec.codecs.circuit import layout, method_circuit, method_packed, method_webp
from codec.codecs.circuit.drawn import is_photo
from codec.codecs.circuit.network import Network
from codec.codecs.circuit.work import Told, nobody
from codec.entropy import Decoder, Encoder
from codec.entropy.planes import code_alpha
from codec.errors import FormatError

STORED, CIRCUIT, WEBP, LZMA, PLANE = range(5)
NAMES = ("stored", "circuit", "webp", "lzma", "plane")

_PLANE = 1 << 24  # pixels
_SMALL = 4096  # pixels up to which all methods are tried
# Estimates so many times that of another method aren't followed up. WebP's final one is up to 7 % below its first.
_HOPELESS_WEBP, _HOPELESS = 1.075, 1.25


def method(payload: bytes) -> int:
    """The method of a payload; FormatError for none that there is."""
    if not payload or payload[0] & 7 >= len(NAMES):
        raise FormatError("coded by an unknown method; install a newer neural-codec, or get a whole copy of the file")
    return payload[0] & 7


def encode(
    unit: NDArray[Any],
    bits: int,
    networks: Sequence[Network],
    choice: method_circuit.Choice | None = None,
    told: Told = nobody,
) -> bytes:
    """The smallest payload found for samples [h, w, 1 or 3] below 2^bits, uint8 or (bits > 8) uint16.

    Methods that a look at the unit shows to be hopeless are left out. `choice`: what is known of the networks.
    `told` is called as work goes on.
    """
    small = unit.shape[0] * unit.shape[1] <= _SMALL
    found: list[bytes] = []
    drawn = small or not is_photo(unit)
    if drawn and _fits_plane(unit.shape):
        found.append(bytes([PLANE]) + _encode_plane(unit, bits))
    if bits > 8 and drawn:
        number, data = method_packed.deflate(unit, bits)
        found.append(bytes([LZMA | number << 3]) + data)
    room = 1 + -(-unit.size * bits // 8)  # stored
    best = min([room, *map(len, found)])
    as_webp = method_webp.estimate(unit) if bits <= 8 and drawn and method_webp.fits(*unit.shape[:2]) else None
    if networks and layout.fits_one(*unit.shape[:2]):
        choice = choice or method_circuit.choose(unit, bits, networks, told)
        if small or not hopeless(choice.size, best if as_webp is None else min(best, as_webp)):
            found.append(bytes([CIRCUIT]) + method_circuit.encode(unit, bits, networks, choice, told))
            best = min(best, len(found[-1]))
    # Compared with what the circuit really took: of drawings the blocks may be a bad sample.
    if as_webp is not None and (small or not hopeless_webp(as_webp, best)):
        coded = method_webp.encode(unit, best)
        found.append(bytes([WEBP | coded.variant << 3]) + coded.data)
    if room <= min(map(len, found), default=room):
        found.append(bytes([STORED]) + method_packed.store(unit, bits))
    return min(found, key=len)


def decode(
    payload: bytes, shape: tuple[int, int, int], bits: int, networks: Sequence[Network], told: Told = nobody
) -> NDArray[Any]:
    """The unit [h, w, C]; FormatError if the payload is damaged."""
    kind = method(payload)
    variant, data = payload[0] >> 3, payload[1:]
    if kind == WEBP and bits <= 8:
        unit: NDArray[Any] = method_webp.decode(data, variant, shape)
    elif kind == LZMA and variant < method_packed.FILTERS:
        unit = method_packed.inflate(data, variant, shape, bits)
    elif kind == STORED and not variant:
        unit = method_packed.fetch(data, shape, bits)
    elif kind == PLANE and not variant and _fits_plane(shape):
        unit = _decode_plane(data, shape, bits)
    elif kind == CIRCUIT and not variant and layout.fits_one(*shape[:2]):
        unit = method_circuit.decode(data, shape, bits, networks, told)
    else:
        raise FormatError(f"method byte {payload[0]} does not fit the picture; get a whole copy of the file")
    return unit


def hopeless(estimate: float, size: int) -> bool:
    """Whether the circuit, by an estimate of its bytes, has no chance against a payload of `size` bytes."""
    return estimate > _HOPELESS * size


def hopeless_webp(estimate: float, size: float) -> bool:
    """Whether WebP, by its estimate, has no chance against `size` bytes."""
    return estimate >= _HOPELESS_WEBP * size


def _fits_plane(shape: tuple[int, ...]) -> bool:
    """Few bytes can stand for any plane: a limit keeps memory in bounds."""
    return shape[2] == 1 and shape[0] * shape[1] <= _PLANE


def _encode_plane(unit: NDArray[Any], bits: int) -> bytes:
    encoder = Encoder()
    code_alpha(encoder, unit[..., 0], (unit.shape[0], unit.shape[1]), max(bits, 8))
    return encoder.finish()


def _decode_plane(data: bytes, shape: tuple[int, int, int], bits: int) -> NDArray[Any]:
    decoder = Decoder(data)
    plane = code_alpha(decoder, None, shape[:2], max(bits, 8))
    decoder.finish()
    return plane[..., None].astype(method_packed.dtype(bits))
