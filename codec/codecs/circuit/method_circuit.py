"""A unit through a circuit: which network, with what palette or without what low bits, and the pass over its tiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from codec.codecs.circuit import layout
from codec.codecs.circuit.drawn import is_photo
from codec.codecs.circuit.method_packed import dtype
from codec.codecs.circuit.network import Network
from codec.codecs.circuit.palette import Palette, code_colours, colours_of
from codec.codecs.circuit.wavefront import code_tiles
from codec.codecs.circuit.work import Told, nobody
from codec.entropy import Coder, Decoder, Encoder
from codec.entropy.integers import uniform
from codec.errors import FormatError

CODED_ORDER = [1, 0, 2]  # G, R, B: the other channels follow green

PALETTE = 128  # in the byte that names the network

Tiles = Sequence[NDArray[Any]]
Int = NDArray[np.int64]


class Choice(NamedTuple):
    """A network by its number, the low bits that it doesn't see, the unit's colours where they are few: in coded
    order, [P, channels of the network]; and about the bytes of the unit with all that."""

    network: int
    shift: int
    colours: Int | None
    size: float


def usable(networks: Mapping[str, Network], channels: int) -> list[Network]:
    """Networks for units of so many channels by number: in the order of their names; grey goes through any."""
    return [n for _, n in sorted(networks.items()) if channels == 1 or n.config.channels == channels]


def choose(unit: NDArray[Any], bits: int, networks: Sequence[Network], told: Told = nobody) -> Choice:
    """The cheapest of the networks, shifts and palettes on some blocks of a unit [h, w, C] of samples below 2^bits."""
    blocks, share = _blocks(unit, bits)
    colours = colours_of(layout.tiles(unit)) if bits <= 8 else None

    def cost(network: int, shift: int, palette: bool) -> Choice:
        coded = _coded_colours(colours, networks[network]) if palette else None
        size = _cost(blocks, bits, networks[network], shift, coded, told) / share
        return Choice(network, shift, coded, size + (0 if coded is None else len(_encode_colours(coded))))

    # A colour network takes three times as long for grey: only where there is no other.
    same = [i for i, n in enumerate(networks) if n.config.channels == unit.shape[2]] or list(range(len(networks)))
    if is_photo(unit):  # nothing to copy: those that look for it take long
        same = [i for i in same if not networks[i].config.candidates] or same
    shift = _noise_bits(blocks, bits)
    best = min((cost(i, shift, colours is not None) for i in same), key=_size)
    if colours is not None:
        best = min(best, cost(best.network, shift, False), key=_size)
    for step in (-1, 1):
        while 0 <= best.shift + step <= bits - 8:
            other = cost(best.network, best.shift + step, False)
            if other.size >= best.size:
                break
            best = other
    return best


def estimate(unit: NDArray[Any], bits: int, network: Network, told: Told = nobody) -> float:
    """An estimate of a unit's bytes through a network, no palette, no shift, from the blocks that `choose` takes."""
    blocks, share = _blocks(unit, bits)
    return _cost(blocks, bits, network, 0, None, told) / share


def _blocks(unit: NDArray[Any], bits: int) -> tuple[Tiles, float]:
    """Blocks of a unit to try things on, and their share of it."""
    blocks = [_centred(b, bits) if bits > 8 else b for b in layout.sample(unit)]
    return blocks, sum(b.size for b in blocks) / unit.size


def _cost(blocks: Tiles, bits: int, network: Network, shift: int, colours: Int | None, told: Told) -> int:
    encoder = Encoder()
    _code(encoder, blocks, bits, network, shift, colours, told, decoding=False)
    return len(encoder.finish())


def encode(unit: NDArray[Any], bits: int, networks: Sequence[Network], choice: Choice, told: Told = nobody) -> bytes:
    """The payload: number of the network, of deep samples the shift too; the palette if there is one; the tiles."""
    network = networks[choice.network]
    head = bytes([choice.network | (choice.colours is not None) * PALETTE, choice.shift][: 1 + (bits > 8)])
    encoder = Encoder()
    if choice.colours is not None:
        code_colours(encoder, choice.colours, network.config.channels)
    _code(encoder, layout.tiles(unit), bits, network, choice.shift, choice.colours, told, decoding=False)
    return head + encoder.finish()


def network_of(data: bytes) -> int:
    """The number of the network that a payload names."""
    return data[0] & ~PALETTE


def coded_tiles(unit: NDArray[Any], network: Network) -> list[NDArray[Any]]:
    """The tiles of a unit of 8 bits or fewer, uint8 [h, w, channels of the network], in coded order."""
    return [_to_coded(t, network, 8) for t in layout.tiles(unit)]


def decode(
    data: bytes, shape: tuple[int, int, int], bits: int, networks: Sequence[Network], told: Told = nobody
) -> NDArray[Any]:
    """The unit [h, w, C]; FormatError if the payload is damaged or names a network that isn't there."""
    deep = bits > 8
    number = network_of(data) if data else len(networks)
    if len(data) < 1 + deep or number >= len(networks) or (deep and (data[1] > bits - 8 or data[0] & PALETTE)):
        raise FormatError("names no network of these weights; get a whole copy of the file")
    unit = np.empty(shape, dtype(bits))
    network, decoder = networks[number], Decoder(data[1 + deep :])
    colours = code_colours(decoder, None, network.config.channels) if data[0] & PALETTE else None
    _code(decoder, layout.tiles(unit), bits, network, data[1] if deep else 0, colours, told, decoding=True)
    decoder.finish()
    return unit


def _code(
    coder: Coder, tiles: Tiles, bits: int, network: Network, shift: int, colours: Int | None, told: Told, decoding: bool
) -> None:
    """The high bits of all tiles through the network, then the low ones as they are."""
    depth = max(bits - shift, 8)
    high = [_to_coded(t >> shift if shift else t, network, depth) for t in tiles]
    code_tiles(network, coder, high, decoding, depth, None if colours is None else Palette(colours), told)
    for tile, coded in zip(tiles, high, strict=True):
        if decoding:
            tile[:] = coded[..., :1] if tile.shape[2] == 1 else coded[..., CODED_ORDER]
        if shift:
            low = tile & (1 << shift) - 1
            found = coder.code(None if decoding else low, np.zeros(tile.shape, np.uint8), uniform(shift))
            if decoding:
                if found.min() < 0 or found.max() >> shift:
                    raise FormatError("the low bits are damaged; get a whole copy of the file")
                tile[:] = (tile << shift) | found.astype(tile.dtype)


def _size(choice: Choice) -> float:
    return choice.size


def _encode_colours(colours: Int) -> bytes:
    encoder = Encoder()
    code_colours(encoder, colours, colours.shape[1])
    return encoder.finish()


def _coded_colours(colours: Int | None, network: Network) -> Int | None:
    """A unit's colours [P, C] as the network codes them, in ascending order."""
    if colours is None or colours.shape[1] == network.config.channels:
        return colours if colours is None or colours.shape[1] == 1 else np.unique(colours[:, CODED_ORDER], axis=0)
    return colours.repeat(3, 1)


def _to_coded(tile: NDArray[Any], network: Network, depth: int) -> NDArray[Any]:
    tile = tile.astype(dtype(depth), copy=False)
    if network.config.channels == tile.shape[2]:
        return np.ascontiguousarray(tile if tile.shape[2] == 1 else tile[..., CODED_ORDER])
    return tile.repeat(3, 2)


def _centred(block: NDArray[Any], bits: int) -> NDArray[Any]:
    """A block moved to the middle of the range, where the margins are.

    The jump from there costs a block much more than a whole unit, and the more the smaller the shift: without this,
    the shifts of two tomograms and a magnetic resonance image came out too large, at up to 7 % of the bytes.
    """
    moved = block.astype(np.int32) - int(np.median(block[0])) + (1 << bits - 1)
    return np.clip(moved, 0, (1 << bits) - 1).astype(block.dtype)


def _noise_bits(blocks: Tiles, bits: int) -> int:
    """Where to begin: so many bits that the mean error of a plane through three neighbours is about 4 of what is left.

    On tomograms, X-rays and photos of 10 to 16 bits, the cheapest shift lay at means of 1 to 9.
    """
    if bits <= 8:
        return 0
    wide = [b.astype(np.int32) for b in blocks]
    errors = [np.abs(np.diff(np.diff(b, axis=0), axis=1)).mean() for b in wide if min(b.shape[:2]) > 1]
    return int(np.clip(round(np.log2(max(np.mean(errors), 1) / 4)) if errors else 0, 0, bits - 8))
