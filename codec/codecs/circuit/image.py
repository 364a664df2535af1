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
from functools import lru_cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from codec import weights
from codec.codecs.base import Progress
from codec.codecs.checksum import compare
from codec.codecs.circuit import (
    CODEC,
    EFFORT,
    QUICK,
    layout,
    method_circuit,
    method_webp,
    methods,
    phases,
    samples,
    tuned_unit,
)
from codec.codecs.circuit.abreast import abreast
from codec.codecs.circuit.drawn import is_photo
from codec.codecs.circuit.head import WITH_ALPHA, Arrangement, check_image, parse
from codec.codecs.circuit.network import Network
from codec.codecs.circuit.tuning import Tuning, tuning
from codec.codecs.circuit.weights import load
from codec.codecs.circuit.work import Told, Work
from codec.codecs.options import EFFORTS, ImageOptions
from codec.codecs.partial import Damage, Found, attempt, check_some, expect
from codec.container import Header, Unit
from codec.errors import CodecError, FormatError
from codec.media import Info

_UNIT_BYTES = 20  # of a unit in the file beside its payload, about

Made = list[tuple[bytes, int]]  # payload and checksum


class CircuitImages:
    """The circuit codec with one set of weights (None: no networks), an ImageCodec. It runs on the processor, whatever
    the device."""

    def __init__(self, path: Path | None, quick: Path | None = None) -> None:
        """`quick`: weights that photos of colour get at effort 1."""
        self._quick = quick
        self.fingerprint = b"" if path is None else weights.fingerprint(path)
        self.networks = {} if path is None else load(path)

    def encode(
        self, info: Info, frames: Iterable[np.ndarray], options: ImageOptions, progress: Progress | None = None
    ) -> tuple[Header, Iterator[Unit]]:
        """See ImageCodec; every bit is kept.

        `progress` is told (work done, work in all), see work.py. From effort 2 on a network is tuned to the picture,
        with ever more time, but no more than `seconds`; at effort 1 photos get a small one. `verify`: decode every unit
        and compare; CodecError if that is not the picture. The header names the weights only if a unit needs them.
        """
        effort = options.effort or (EFFORT if options.seconds is None else EFFORTS)
        (frame,) = frames
        if effort == 1 and self._quick and _is_colour_photo(frame):
            return _loaded(self._quick).encode(info, [frame], options, progress)
        header = Header(
            codec=CODEC.id, revision=CODEC.revision, width=info.width, height=info.height, channels=info.channels,
            depth=info.depth, color=info.color, metadata=info.metadata,
        )  # fmt: skip
        check_image(header)
        how = samples.options(frame, header.depth, self.networks)
        verify = options.verify is not False
        tiled = replace(how, tiled=not layout.fits_one(*frame.shape[:2]))
        whole = self._estimate_whole(frame, header, how) if tiled.tiled else None
        work = Work(self._phases(frame, header, tiled, effort, whole is not None, verify), progress)
        extra = self._tuning(frame, header, tiled, effort, options.seconds, work) if effort > 1 else None
        how, made = self._made(frame, header, how, tiled, extra, whole, work)
        colours = sum(not part.alpha for part in _parts(header, how))
        if extra and _uses(made[:colours], len(self._usable(header, how))):
            how = replace(how, tuned=True)
            made.insert(0, (extra.payload, tuned_unit.checksum(extra.network)))
        if any(methods.method(payload) == methods.CIRCUIT for payload, _ in made[how.tuned :]):
            header = replace(header, fingerprint=self.fingerprint)
        header = replace(header, private=how.pack())
        found = [Unit(number, checksum, 0, payload) for number, (payload, checksum) in enumerate(made)]
        if verify:
            with work.last() as verifying:
                same = not (next(self.decode(header, found, verifying)) != frame).any()
            if not same:
                raise CodecError("does not decode to the picture; please report this picture")
        return header, iter(found)

    def _phases(
        self, frame: NDArray[Any], header: Header, tiled: Arrangement, effort: int, whole: bool, verify: bool
    ) -> list[float]:
        """What encoding takes: tuning, all in one unit, unit by unit, decoding again."""
        bits = tiled.bits(header.depth)
        networks = bool(self._usable(header, tiled))
        parts = _parts(header, tiled)
        colours = [part.size for part in parts if not part.alpha]
        tuned = effort > 1 and bits <= 8 and networks
        drawn = bits <= 8 and not is_photo(frame)
        units = [
            phases.coding(part.size, tuned, drawn) if networks and not part.alpha else phases.plain(part.size)
            for part in parts
        ]
        back = sum(phases.decoding(size, methods.CIRCUIT if networks else methods.WEBP) for size in colours)
        if tuned and not drawn:
            import_module("codec.codecs.circuit.descent")  # loads torch, before the first time that is told
        before = [phases.fitting(colours, effort, drawn) if tuned else 0.0] if effort > 1 else []
        before += [phases.plain((header.height, header.width))] if whole else []
        return [*before, *units, *([back] if verify else [])]

    def _usable(self, header: Header, how: Arrangement) -> list[Network]:
        """The networks for colour units."""
        return method_circuit.usable(self.networks, how.colours(header.channels))

    def _tuning(
        self, frame: NDArray[Any], header: Header, tiled: Arrangement, effort: int, seconds: float | None, work: Work
    ) -> Tuning | None:
        colour = [samples.colours(part.of(frame), tiled) for part in _parts(header, tiled) if not part.alpha]
        with work.phase() as told:
            return tuning(colour, tiled.bits(header.depth), self._usable(header, tiled), effort, seconds, told)

    def _estimate_whole(self, frame: NDArray[Any], header: Header, how: Arrangement) -> float | None:
        """Of a picture of several units that as one, by WebP, might be smaller: what its networks would take, inf
        without any. What repeats over the whole of a drawn picture is found in one unit alone."""
        colour = samples.colours(Part(layout.whole(*frame.shape[:2])[0], alpha=False).of(frame), how)
        bits = how.bits(header.depth)
        if bits > 8 or is_photo(colour) or not method_webp.fits(*colour.shape[:2]):
            return None
        networks = self._usable(header, how)
        if not networks:
            return float("inf")
        size = method_circuit.choose(colour, bits, networks).size
        return None if methods.hopeless_webp(method_webp.estimate(colour), size) else size

    def _made(
        self, frame: NDArray[Any], header: Header, how: Arrangement, tiled: Arrangement, extra: Tuning | None,
        whole: float | None, work: Work,
    ) -> tuple[Arrangement, Made]:  # fmt: skip
        """All units' payloads in the layout that takes the least bytes; `whole`: see `_estimate_whole`."""
        if whole is None:
            return tiled, self._coded(frame, header, tiled, extra, work)
        with work.phase():  # the circuit doesn't code a unit so large
            drawn = self._coded(frame, header, how, None, None)
        if methods.hopeless(whole, len(drawn[0][0])):
            return how, drawn
        return min((how, drawn), (tiled, self._coded(frame, header, tiled, extra, work)), key=_size)

    def _coded(
        self, frame: NDArray[Any], header: Header, how: Arrangement, extra: Tuning | None, work: Work | None
    ) -> Made:
        networks = [*self._usable(header, how), *([extra.network] if extra else [])]

        def coded(number: int, part: Part, told: Told) -> tuple[bytes, int]:
            view = part.of(frame)
            if part.alpha:
                grey = method_circuit.usable(self.networks, 1)
                payload = methods.encode(np.ascontiguousarray(view), header.depth, grey, told=told)
            else:
                choice = extra.choices[number] if extra else None
                payload = methods.encode(samples.colours(view, how), how.bits(header.depth), networks, choice, told)
            return payload, _checksum(view)

        jobs = [partial(coded, number, part) for number, part in enumerate(_parts(header, how))]
        return [result() for result in abreast(jobs, work or Work([0.0] * len(jobs), None))]

    def decode(
        self, header: Header, found: Iterable[Found], progress: Progress | None = None, damage: Damage | None = None
    ) -> Iterator[np.ndarray]:
        """See ImageCodec. `progress` is told (work done, work in all)."""
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
        units = found[how.tuned :]
        work = Work([_back(unit, part) for unit, part in zip(units, parts, strict=True)], progress)
        grey = method_circuit.usable(self.networks, 1)

        def samples_of(found: Found, part: Part, told: Told) -> NDArray[Any] | None:
            if not isinstance(found, Unit):
                return None
            if part.alpha:
                return self._samples(found, part, header, None, grey, told)
            return self._samples(found, part, header, how, networks, told)

        jobs = [partial(samples_of, unit, part) for unit, part in zip(units, parts, strict=True)]
        for unit, part, result in zip(units, parts, abreast(jobs, work), strict=True):
            decoded: list[NDArray[Any] | None] = []
            if attempt(unit, damage, lambda _, into=decoded, result=result: into.append(result())):  # type: ignore[misc]
                # Only now: a header can claim any size, a unit that is whole can't.
                frame = _blank(header) if frame is None else frame
                part.of(frame)[:] = decoded[0]
        check_some(frame is not None, header, damage)
        yield _blank(header) if frame is None else frame

    def _samples(
        self, unit: Unit, part: Part, header: Header, how: Arrangement | None, networks: list[Network], told: Told
    ) -> NDArray[Any]:
        """A unit's part of the picture, [h, w, channels]; `how`: of colours, None for alpha."""
        h, w = part.size
        channels = 1 if how is None else header.channels - (header.channels in WITH_ALPHA)
        coded, bits = (1, header.depth) if how is None else (how.colours(channels), how.bits(header.depth))
        try:
            pixels = methods.decode(unit.payload, (h, w, coded), bits, networks, told)
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

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        down, right = self.box
        return down.stop - down.start, right.stop - right.start

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


def _is_colour_photo(frame: NDArray[Any]) -> bool:
    colours = frame[..., :3]
    return colours.shape[2] == 3 and is_photo(colours) and bool((colours[..., :1] != colours[..., 1:]).any())


def _back(found: Found, part: Part) -> float:
    """What decoding a unit takes, if it is whole."""
    if not isinstance(found, Unit) or not found.payload:
        return 0.0
    return phases.decoding(part.size, found.payload[0] & 7)


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
    quick = weights.default(CODEC.name, QUICK) if which is None else None
    return _loaded(None if which == b"" else weights.resolve(CODEC.name, CODEC.weights, which), quick)


@lru_cache(maxsize=3)
def _loaded(path: Path | None, quick: Path | None = None) -> CircuitImages:
    return CircuitImages(path, quick)
