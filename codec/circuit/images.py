"""Adapter of the lossless image codec: pictures to units and back, bit by bit.

    frame -> tiles (strips) -> groups of tiles -> code_tiles (integers, range coder) -> Unit
    Unit -> the same pass -> tiles -> frame

Every unit is decoded again when it is made, and its checksum is that of the pixels themselves.
"""

import itertools
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codec import weights
from codec.circuit.network import Network
from codec.circuit.networks import load
from codec.circuit.wavefront import code_tiles
from codec.container import CODEC_IDS, Header, Unit
from codec.entropy import Decoder, Encoder
from codec.errors import CodecError, DesyncError, FormatError
from codec.media import Info

NAME = "circuit"
REVISION = 0
DEFAULT_WEIGHTS = "circuit-photo"
HEIGHT, WIDTH = 256, 1024  # pixels of a tile, at most
GROUP = 8  # tiles of a unit, at most
CODED_ORDER = [1, 0, 2]  # G, R, B: the other channels follow green

Progress = Callable[[int, int], None]
Box = tuple[slice, slice]


class Codec:
    """The circuit codec with one set of weights. It runs on the processor, whatever the device."""

    name = NAME
    id = CODEC_IDS[NAME]
    revision = REVISION

    def __init__(self, path: Path) -> None:
        self.fingerprint = weights.fingerprint(path)
        self.networks = load(path)

    def encode(
        self, info: Info, frames: Iterable[np.ndarray], quality: float = 100, progress: Progress | None = None
    ) -> tuple[Header, Iterator[Unit]]:
        """Header and units of one picture, uint8 [H, W, 1 or 3]. `quality` changes nothing: every bit is kept.

        `progress` is told (units done, units in all).
        """
        (frame,) = frames
        _check(info.channels, info.depth, info.frames)
        header = Header(
            codec=self.id, revision=self.revision, width=info.width, height=info.height, channels=info.channels,
            depth=info.depth, color=info.color, fingerprint=self.fingerprint, metadata=info.metadata,
        )  # fmt: skip
        return header, self._units(frame, progress)

    def _units(self, frame: NDArray[np.uint8], progress: Progress | None) -> Iterator[Unit]:
        network = self._network(frame.shape[2])
        units = groups(frame.shape[0], frame.shape[1])
        for number, boxes in enumerate(units):
            tiles = [_to_coded(frame[box], network) for box in boxes]
            encoder = Encoder()
            code_tiles(network, encoder, tiles, decoding=False)
            unit = Unit(number, _checksum([frame[box] for box in boxes]), 0, encoder.finish())
            back = self._decode_unit(unit, network, frame.shape[2], boxes)
            if any((b != frame[box]).any() for b, box in zip(back, boxes, strict=True)):
                raise CodecError(f"unit {number} does not decode to the picture; please report this picture")
            yield unit
            if progress:
                progress(number + 1, len(units))

    def decode(self, header: Header, units: Iterable[Unit], progress: Progress | None = None) -> Iterator[np.ndarray]:
        """The picture of a file whose header names these weights: uint8 [H, W, channels].

        `progress` is told (units done, units in all).
        """
        if header.revision != REVISION:
            raise FormatError(f"made by revision {header.revision} of {NAME}; install a neural-codec that reads it")
        _check(header.channels, header.depth, header.frames)
        network = self._network(header.channels)
        boxes, units = groups(header.height, header.width), list(units)
        if len(units) != len(boxes):
            raise FormatError(f"has {len(units)} units, not {len(boxes)}; get a whole copy of the file")
        frame = np.empty((header.height, header.width, header.channels), np.uint8)
        for done, (unit, group) in enumerate(zip(units, boxes, strict=True), 1):
            for box, tile in zip(group, self._decode_unit(unit, network, header.channels, group), strict=True):
                frame[box] = tile
            if progress:
                progress(done, len(units))
        yield frame

    def _decode_unit(self, unit: Unit, network: Network, channels: int, boxes: list[Box]) -> list[NDArray[np.uint8]]:
        """The tiles [h, w, channels] of a unit; DesyncError or FormatError if it is damaged."""
        tiles = [np.empty((*_size(box), network.config.channels), np.uint8) for box in boxes]
        decoder = Decoder(unit.payload)
        code_tiles(network, decoder, tiles, decoding=True)
        decoder.finish()
        tiles = [_from_coded(t, channels) for t in tiles]
        if _checksum(tiles) != unit.checksum:
            raise DesyncError(
                f"unit {unit.index}: the decoded pixels are not those encoded (weights {self.fingerprint.hex()}); "
                "get a whole copy of the file"
            )
        return tiles

    def _network(self, channels: int) -> Network:
        """Grey pictures have a network of their own, or are coded as colour."""
        return self.networks["grey"] if channels == 1 and "grey" in self.networks else self.networks["photo"]


def _check(channels: int, depth: int, frames: int) -> None:
    if channels not in (1, 3) or depth != 8 or frames != 1:
        what = f"{channels} channels of {depth} bits, {frames} frames"
        raise CodecError(f"{what}: the circuit codec takes one picture of 1 or 3 channels of 8 bits")


def groups(height: int, width: int) -> list[list[Box]]:
    """The tiles of each unit: strips as wide as they may be, of about equal size, row by row."""
    boxes = [(slice(*r), slice(*c)) for r in _cuts(height, HEIGHT) for c in _cuts(width, WIDTH)]
    return [boxes[i : i + GROUP] for i in range(0, len(boxes), GROUP)]


def _cuts(n: int, most: int) -> list[tuple[int, int]]:
    count = -(-n // most)
    return list(itertools.pairwise(n * i // count for i in range(count + 1)))


def _size(box: Box) -> tuple[int, int]:
    return box[0].stop - box[0].start, box[1].stop - box[1].start


def _to_coded(tile: NDArray[np.uint8], network: Network) -> NDArray[np.uint8]:
    if network.config.channels == 1:
        return tile
    return tile.repeat(3, 2) if tile.shape[2] == 1 else tile[..., CODED_ORDER]


def _from_coded(tile: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    return tile[..., :1] if channels == 1 else tile[..., CODED_ORDER]


def _checksum(tiles: list[NDArray[np.uint8]]) -> int:
    value = 0
    for tile in tiles:
        value = zlib.crc32(np.ascontiguousarray(tile).data, value)
    return value


@lru_cache(maxsize=2)
def open_codec(fingerprint: bytes | None, device: str = "cpu") -> Codec:
    """The codec that encodes by default (None), or the one that a file names."""
    del device  # integers, on the processor
    path = weights.default(NAME, DEFAULT_WEIGHTS) if fingerprint is None else weights.find(NAME, fingerprint)
    return Codec(path)
