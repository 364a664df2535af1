"""Adapter of the lossless image codec: pictures to units and back, bit by bit.

    frame -> colours, alpha -> units -> the smallest of several methods' payloads -> Unit
    Unit -> its method -> part of the frame     (decoding.py)

At higher efforts one more unit stands before them: the changes of a network that was tuned to the picture.

A unit's checksum is that of its pixels themselves, and every unit is decoded again when it is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec import weights
from codec.codecs.base import Progress
from codec.codecs.circuit import (
    CODEC,
    EFFORT,
    QUICK,
    decoding,
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
from codec.codecs.circuit.head import Arrangement, check_image, parse
from codec.codecs.circuit.network import Network
from codec.codecs.circuit.parts import Part, checksum, parts_of
from codec.codecs.circuit.tuning import Tuning, tuning
from codec.codecs.circuit.weights import load
from codec.codecs.circuit.work import Told, Work
from codec.codecs.options import EFFORTS, ImageOptions
from codec.codecs.partial import Damage, Found, expect
from codec.container import Header, Unit
from codec.errors import CodecError
from codec.media import Info
from codec.view import View, view_of

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
        colours = sum(not part.alpha for part in parts_of(header, how))
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
        parts = parts_of(header, tiled)
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
        colour = [samples.colours(part.of(frame), tiled) for part in parts_of(header, tiled) if not part.alpha]
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
            return payload, checksum(view)

        jobs = [partial(coded, number, part) for number, part in enumerate(parts_of(header, how))]
        return [result() for result in abreast(jobs, work or Work([0.0] * len(jobs), None))]

    def needs(self, header: Header, view: View) -> set[int]:
        """See ImageCodec."""
        check_image(header)
        return decoding.needs(header, view)

    def decode(
        self, header: Header, units: Iterable[Found | None], progress: Progress | None = None,
        damage: Damage | None = None, view: View | None = None,
    ) -> Iterator[np.ndarray]:  # fmt: skip
        """See ImageCodec. `progress` is told (work done, work in all)."""
        check_image(header)
        how = parse(header)
        found = expect(units, how.tuned + len(parts_of(header, how)), damage)
        where, view = f"weights {self.fingerprint.hex()}", view or view_of(header.width, header.height)
        return decoding.pictures(self.networks, where, header, found, view, progress, damage)


def _is_colour_photo(frame: NDArray[Any]) -> bool:
    colours = frame[..., :3]
    return colours.shape[2] == 3 and is_photo(colours) and bool((colours[..., :1] != colours[..., 1:]).any())


def _uses(made: Made, network: int) -> bool:
    """Whether the circuit codes a unit with the network of this number."""
    circuits = [payload for payload, _ in made if methods.method(payload) == methods.CIRCUIT]
    return any(method_circuit.network_of(payload[1:]) == network for payload in circuits)


def _size(coded: tuple[Arrangement, Made]) -> int:
    """Bytes in the file, about."""
    return sum(len(payload) + _UNIT_BYTES for payload, _ in coded[1])


def open_codec(which: bytes | Path | None) -> CircuitImages:
    """The codec that encodes by default (None) or with a file of weights, or the one that a fingerprint names; b"": a
    file that needs no weights."""
    quick = weights.default(CODEC.name, QUICK) if which is None else None
    return _loaded(None if which == b"" else weights.resolve(CODEC.name, CODEC.weights, which), quick)


@lru_cache(maxsize=3)
def _loaded(path: Path | None, quick: Path | None = None) -> CircuitImages:
    return CircuitImages(path, quick)
