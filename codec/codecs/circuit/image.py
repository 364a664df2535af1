"""Adapter of the lossless image codec: pictures to units and back, bit by bit.

    frame -> colours, alpha -> units -> the smallest of several methods' payloads -> Unit
    Unit -> its method -> part of the frame

At higher efforts one more unit stands before them: the changes of a network that was tuned to the picture.

A unit's checksum is that of its pixels themselves, and every unit is decoded again when it is made.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from codec import weights
from codec.codecs.base import Progress
from codec.codecs.checksum import compare
from codec.codecs.circuit import CODEC, EFFORT, layout, method_circuit, method_webp, methods, samples, tuned_unit
from codec.codecs.circuit.head import WITH_ALPHA, Arrangement, check_image, parse
from codec.codecs.circuit.network import Network
from codec.codecs.circuit.tuning import Tuning, tuning
from codec.codecs.circuit.weights import load
from codec.codecs.options import ImageOptions
from codec.codecs.partial import Damage, Found, attempt, check_some, expect
from codec.container import Header, Unit
from codec.errors import CodecError, FormatError
from codec.media import Info

_UNIT_BYTES = 20  # of a unit in the file beside its payload, about

Made = list[tuple[bytes, int]]  # payload and checksum


class CircuitImages:
    """The circuit codec with one set of weights (None: no networks), an ImageCodec. It runs on the processor, whatever
    the device."""

    def __init__(self, path: Path | None) -> None:
        self.fingerprint = b"" if path is None else weights.fingerprint(path)
        self.networks = {} if path is None else load(path)

    def encode(
        self, info: Info, frames: Iterable[np.ndarray], options: ImageOptions, progress: Progress | None = None
    ) -> tuple[Header, Iterator[Unit]]:
        """See ImageCodec; every bit is kept.

        `progress` is told (units done, units in all), a verified one counting as one more. From effort 2 on a network
        is tuned to the picture, with ever more time. `verify`: decode every unit and compare; CodecError if that is not
        the picture. The header names the weights only if a unit needs them.
        """
        effort = options.effort or EFFORT
        (frame,) = frames
        header = Header(
            codec=CODEC.id, revision=CODEC.revision, width=info.width, height=info.height, channels=info.channels,
            depth=info.depth, color=info.color, metadata=info.metadata,
        )  # fmt: skip
        check_image(header)
        how = samples.options(frame, header.depth, self.networks)
        extra = self._tuning(frame, header, how, effort) if effort > 1 else None
        verify = options.verify is not False
        coding = (lambda done, total: progress(done, (1 + verify) * total)) if progress else None
        how, made = self._made(frame, header, how, extra, coding)
        colours = sum(not part.alpha for part in _parts(header, how))
        if extra and _uses(made[:colours], len(self._usable(header, how))):
            how = replace(how, tuned=True)
            made.insert(0, (extra.payload, tuned_unit.checksum(extra.network)))
        if any(methods.method(payload) == methods.CIRCUIT for payload, _ in made[how.tuned :]):
            header = replace(header, fingerprint=self.fingerprint)
        header = replace(header, private=how.pack())
        found = [Unit(number, checksum, 0, payload) for number, (payload, checksum) in enumerate(made)]
        verifying = (lambda done, total: progress(total + done, 2 * total)) if progress else None
        if verify and (next(self.decode(header, found, verifying)) != frame).any():
            raise CodecError("does not decode to the picture; please report this picture")
        return header, iter(found)

    def _usable(self, header: Header, how: Arrangement) -> list[Network]:
        """The networks for colour units."""
        return method_circuit.usable(self.networks, how.colours(header.channels))

    def _tuning(self, frame: NDArray[Any], header: Header, how: Arrangement, effort: int) -> Tuning | None:
        parts = _parts(header, replace(how, tiled=not layout.fits_one(*frame.shape[:2])))
        colour = [samples.colours(part.of(frame), how) for part in parts if not part.alpha]
        return tuning(colour, how.bits(header.depth), self._usable(header, how), effort)

    def _made(
        self, frame: NDArray[Any], header: Header, how: Arrangement, extra: Tuning | None, progress: Progress | None
    ) -> tuple[Arrangement, Made]:
        """All units' payloads in the layout that takes the least bytes."""
        if layout.fits_one(*frame.shape[:2]):
            return how, self._coded(frame, header, how, extra, progress)
        tiled = replace(how, tiled=True)
        colour = samples.colours(Part(layout.whole(*frame.shape[:2])[0], alpha=False).of(frame), how)
        bits = how.bits(header.depth)
        if bits > 8 or methods.flatness(colour) < methods.PHOTO or not method_webp.fits(*colour.shape[:2]):
            return tiled, self._coded(frame, header, tiled, extra, progress)
        networks = self._usable(header, how)
        circuit = method_circuit.choose(colour, bits, networks).size if networks else None
        if circuit is not None and methods.hopeless_webp(method_webp.estimate(colour), circuit):
            return tiled, self._coded(frame, header, tiled, extra, progress)
        # What repeats over the whole of a drawn picture is found in one unit alone, which the circuit doesn't code.
        drawn = self._coded(frame, header, how, None, None)
        if circuit is None or methods.hopeless(circuit, len(drawn[0][0])):
            return how, drawn
        return min((how, drawn), (tiled, self._coded(frame, header, tiled, extra, progress)), key=_size)

    def _coded(
        self, frame: NDArray[Any], header: Header, how: Arrangement, extra: Tuning | None, progress: Progress | None
    ) -> Made:
        parts = _parts(header, how)
        made: Made = []
        for number, part in enumerate(parts):
            view = part.of(frame)
            if part.alpha:
                unit = np.ascontiguousarray(view)
                payload = methods.encode(unit, header.depth, method_circuit.usable(self.networks, 1))
            else:
                networks = [*self._usable(header, how), *([extra.network] if extra else [])]
                choice = extra.choices[number] if extra else None
                payload = methods.encode(samples.colours(view, how), how.bits(header.depth), networks, choice)
            made.append((payload, _checksum(view)))
            if progress:
                progress(len(made), len(parts))
        return made

    def decode(
        self, header: Header, found: Iterable[Found], progress: Progress | None = None, damage: Damage | None = None
    ) -> Iterator[np.ndarray]:
        """See ImageCodec. `progress` is told (units done, units in all)."""
        check_image(header)
        how = parse(header)
        parts = _parts(header, how)
        return self._frame(header, how, expect(found, how.tuned + len(parts), damage), parts, progress, damage)

    def _frame(
        self, header: Header, how: Arrangement, found: list[Found], parts: list[Part], progress: Progress | None,
        damage: Damage | None,
    ) -> Iterator[np.ndarray]:  # fmt: skip
        networks = self._usable(header, how)
        if how.tuned:
            attempt(found[0], damage, lambda unit: networks.append(_tuned_network(unit, networks)))
        frame: NDArray[Any] | None = None
        for number, (unit, part) in enumerate(zip(found[how.tuned :], parts, strict=True)):
            decoded: list[NDArray[Any]] = []

            def decode(unit: Unit, part: Part = part, decoded: list[NDArray[Any]] = decoded) -> None:
                if part.alpha:
                    decoded.append(self._samples(unit, part, header, None, method_circuit.usable(self.networks, 1)))
                else:
                    decoded.append(self._samples(unit, part, header, how, networks))

            kept = attempt(unit, damage, decode)
            if kept:
                # Only now: a header can claim any size, a unit that is whole can't.
                frame = _blank(header) if frame is None else frame
                part.of(frame)[:] = decoded[0]
            if progress:
                progress(number + 1, len(parts))
        check_some(frame is not None, header, damage)
        yield _blank(header) if frame is None else frame

    def _samples(
        self, unit: Unit, part: Part, header: Header, how: Arrangement | None, networks: list[Network]
    ) -> NDArray[Any]:
        """A unit's part of the picture, [h, w, channels]; `how`: of colours, None for alpha."""
        h, w = (side.stop - side.start for side in part.box)
        channels = 1 if how is None else header.channels - (header.channels in WITH_ALPHA)
        coded, bits = (1, header.depth) if how is None else (how.colours(channels), how.bits(header.depth))
        try:
            pixels = methods.decode(unit.payload, (h, w, coded), bits, networks)
            pixels = pixels if how is None else samples.samples(pixels, how, header.depth)
        except FormatError as error:
            raise FormatError(f"unit {unit.index}: {error}") from error
        result: NDArray[Any] = np.broadcast_to(pixels, (h, w, channels)).astype(_dtype(header.depth), copy=False)
        what, where = f"unit {unit.index}: the decoded pixels", f"weights {self.fingerprint.hex()}"
        compare(_checksum(result), unit.checksum, what, where)
        return result


def _dtype(depth: int) -> type[np.uint8] | type[np.uint16]:
    return np.uint8 if depth == 8 else np.uint16


def _blank(header: Header) -> NDArray[Any]:
    """Mid-grey and opaque."""
    shape, grey = (header.height, header.width, header.channels), 1 << (header.depth - 1)
    frame: NDArray[Any] = np.full(shape, grey, _dtype(header.depth))
    if header.channels in WITH_ALPHA:
        frame[..., -1] = (1 << header.depth) - 1
    return frame


def _tuned_network(unit: Unit, networks: list[Network]) -> Network:
    """What the unit before all others tells."""
    network = tuned_unit.decode(unit.payload, networks)
    compare(tuned_unit.checksum(network), unit.checksum, "unit 0: the decoded network's integers")
    return network


class Part(NamedTuple):
    """What a unit holds of a picture: colours or alpha of a rectangle."""

    box: layout.Box
    alpha: bool

    def of(self, frame: NDArray[Any]) -> NDArray[Any]:
        """[h, w, channels], a view."""
        part = frame[self.box]
        if self.alpha:
            return part[..., -1:]
        return part[..., :-1] if frame.shape[2] in WITH_ALPHA else part


def _parts(header: Header, how: Arrangement) -> list[Part]:
    """The parts of all units in their order: colours, then alpha."""
    size = header.height, header.width
    boxes = layout.units(*size) if how.tiled else layout.whole(*size)
    with_alpha = header.channels in WITH_ALPHA and not how.opaque
    return [Part(box, False) for box in boxes] + [Part(box, True) for box in boxes if with_alpha]


def _uses(made: Made, network: int) -> bool:
    """Whether the circuit codes a unit with the network of this number."""
    circuits = [payload for payload, _ in made if methods.method(payload) == methods.CIRCUIT]
    return any(method_circuit.network_of(payload[1:]) == network for payload in circuits)


def _size(coded: tuple[Arrangement, Made]) -> int:
    """Bytes in the file, about."""
    return sum(len(payload) + _UNIT_BYTES for payload, _ in coded[1])


def _checksum(pixels: NDArray[Any]) -> int:
    """CRC-32 of samples in the order of rows, deep ones as two bytes, the low one first."""
    return zlib.crc32(np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("<")).data)


def open_codec(which: bytes | Path | None) -> CircuitImages:
    """The codec that encodes by default (None) or with a file of weights, or the one that a fingerprint names; b"": a
    file that needs no weights."""
    return _loaded(None if which == b"" else weights.resolve(CODEC.name, CODEC.weights, which))


@lru_cache(maxsize=2)
def _loaded(path: Path | None) -> CircuitImages:
    return CircuitImages(path)
