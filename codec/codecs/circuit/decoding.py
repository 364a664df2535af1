"""From units to the pixels of a view, rectangle by rectangle."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.codecs.base import Progress
from codec.codecs.checksum import compare
from codec.codecs.circuit import layout, method_circuit, methods, phases, samples, tuned_unit
from codec.codecs.circuit.abreast import abreast
from codec.codecs.circuit.head import Arrangement, parse
from codec.codecs.circuit.network import Network
from codec.codecs.circuit.parts import Part, checksum, parts_of
from codec.codecs.circuit.work import Told, Work
from codec.codecs.partial import Damage, Found, attempt, check_plain, check_some
from codec.container import Header, Unit
from codec.errors import FormatError
from codec.view import WITH_ALPHA, Canvas, View


def needs(header: Header, view: View) -> set[int]:
    """The numbers of the units that a view is decoded from."""
    how = parse(header)
    return {*range(how.tuned), *(how.tuned + number for number, _ in _wanted(header, how, view))}


def pictures(
    networks: Mapping[str, Network], where: str, header: Header, found: Sequence[Found | None], view: View,
    progress: Progress | None, damage: Damage | None,
) -> Iterator[NDArray[Any]]:  # fmt: skip
    """The one picture of a view, [height, width, channels]; of the units in `found` those that it needs. `where`: said
    of one that isn't what was encoded."""
    how = parse(header)
    usable = method_circuit.usable(networks, how.colours(header.channels))
    if how.tuned:
        attempt(found[0], damage, lambda unit: usable.append(_tuned_network(unit, usable)))
    grey = method_circuit.usable(networks, 1)
    wanted = _wanted(header, how, view)
    units = [found[how.tuned + number] for number, _ in wanted]
    work = Work([_back(unit, part) for unit, (_, part) in zip(units, wanted, strict=True)], progress)

    def samples_of(unit: Found | None, part: Part, told: Told) -> NDArray[Any] | None:
        if not isinstance(unit, Unit):
            return None
        return _samples(unit, part, header, None if part.alpha else how, grey if part.alpha else usable, where, told)

    jobs = [partial(samples_of, unit, part) for unit, (_, part) in zip(units, wanted, strict=True)]
    canvas: Canvas | None = None
    lost: list[layout.Box] = []
    done = zip(units, (part for _, part in wanted), abreast(jobs, work), strict=True)
    for box, group in itertools.groupby(done, lambda one: one[1].box):  # colours, and alpha if there is some
        rectangle: NDArray[Any] | None = None
        for unit, part, result in group:
            into: list[Any] = []
            if attempt(unit, damage, lambda _, into=into, result=result: into.append(result())):  # type: ignore[misc]
                # Only now: a header can claim any size, a unit that is whole can't.
                rectangle = _blank(header, box) if rectangle is None else rectangle
                part.among(rectangle)[:] = into[0]
        if rectangle is None:
            lost.append(box)
            continue
        canvas = _canvas(header, view) if canvas is None else canvas
        canvas.place(rectangle, box[0].start, box[1].start)
    check_some(canvas is not None, header, damage)
    canvas = _canvas(header, view) if canvas is None else canvas
    for box in lost:
        canvas.place(_blank(header, box), box[0].start, box[1].start)
    yield canvas.picture()


def _wanted(header: Header, how: Arrangement, view: View) -> list[tuple[int, Part]]:
    """The parts that a view has some of, and their numbers; those of a rectangle one after the other."""
    found = [
        (number, part)
        for number, part in enumerate(parts_of(header, how))
        if view.meets(part.box[0].start, part.box[1].start, *part.size)
    ]
    return sorted(found, key=lambda one: (one[1].box[0].start, one[1].box[1].start, one[1].alpha))


def _canvas(header: Header, view: View) -> Canvas:
    return Canvas(view, header.channels, header.depth, weighted=header.channels in WITH_ALPHA)


def _samples(
    unit: Unit, part: Part, header: Header, how: Arrangement | None, networks: list[Network], where: str, told: Told
) -> NDArray[Any]:
    """A unit's part of the picture, [h, w, channels]; `how`: of colours, None for alpha."""
    check_plain(unit)
    h, w = part.size
    channels = 1 if how is None else header.channels - (header.channels in WITH_ALPHA)
    coded, bits = (1, header.depth) if how is None else (how.colours(channels), how.bits(header.depth))
    try:
        pixels = methods.decode(unit.payload, (h, w, coded), bits, networks, told)
        pixels = pixels if how is None else samples.samples(pixels, how, header.depth)
    except FormatError as error:
        raise FormatError(f"unit {unit.index}: {error}") from error
    result: NDArray[Any] = np.broadcast_to(pixels, (h, w, channels)).astype(_dtype(header.depth), copy=False)
    compare(checksum(result), unit.checksum, f"unit {unit.index}: the decoded pixels", where)
    return result


def _dtype(depth: int) -> type[np.uint8] | type[np.uint16]:
    return np.uint8 if depth == 8 else np.uint16


def _blank(header: Header, box: layout.Box) -> NDArray[Any]:
    """A rectangle, mid-grey and opaque."""
    shape = *(side.stop - side.start for side in box), header.channels
    frame: NDArray[Any] = np.full(shape, 1 << (header.depth - 1), _dtype(header.depth))
    if header.channels in WITH_ALPHA:
        frame[..., -1] = (1 << header.depth) - 1
    return frame


def _tuned_network(unit: Unit, networks: list[Network]) -> Network:
    """What the unit before all others tells."""
    network = tuned_unit.decode(unit.payload, networks)
    compare(tuned_unit.checksum(network), unit.checksum, "unit 0: the decoded network's integers")
    return network


def _back(found: Found | None, part: Part) -> float:
    """What decoding a unit takes, if it is whole."""
    if not isinstance(found, Unit) or not found.payload:
        return 0.0
    return phases.decoding(part.size, found.payload[0] & 7)
