"""A group's filters: solved by least squares on part of its samples, kept where all of it is better for its bytes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from codec.errors import CodecError
from codec.nirvana.filters import measure
from codec.nirvana.filters.frames import Planes, check
from codec.nirvana.filters.model import FRACTION, LAYOUTS, Filter
from codec.nirvana.filters.payload import CHANGED, NEW, OFF, SAME, State, following, pack
from codec.nirvana.filters.run import run
from codec.nirvana.filters.solve import Double, solve

PARTS = (6 / 8, 1 / 8, 1 / 8)  # of Y, U and V in a quality
EXCHANGE = 1.0  # a standard encoder's error falls with its rate to this power
_SAMPLES = (30, 60, 100, 150, 200, 400, 800, 1500, 3000)  # of luma, in thousands, by effort


class _Choice(NamedTuple):
    """A plane's filter, and how it is coded."""

    filter: Filter
    mode: int


def fit(
    base: Sequence[Planes],
    source: Sequence[Planes],
    depth: int,
    state: State | None,
    *,
    stream_bytes: int,
    effort: int = 5,
    seconds: float | None = None,
) -> tuple[bytes, State]:
    """The filters that bring `base` nearer to `source`, as a payload for `apply`, and the next group's state.

    `base`, `source`: the frames of a group as a standard decoder gives them and as they were, planes of `depth` 8
    (uint8) or 10 (uint16). `state`: of the group before, None where a chain starts. `stream_bytes`: of the group in the
    standard stream. A plane's filter is kept if it lowers the squared error of all frames, and takes fewer
    bytes than the stream would take for as much (error to the power of -1 over rate; Y, U and V at 6:1:1).
    `effort`: 1 fastest to 9. `seconds`: about the time that it may take; what isn't ready by then is left out. b"" for
    nothing. Raises CodecError for frames that don't belong together.
    """
    check([*base, *source], depth)
    if len(base) != len(source):
        raise CodecError(f"a group has {len(base)} decoded frames and {len(source)} of its source")
    state = state or State()
    began = time.monotonic()
    if not base or (seconds is not None and seconds <= 0):
        return b"", state
    limit = None if seconds is None else began + 0.4 * seconds
    price = EXCHANGE / (8 * max(stream_bytes, 1))  # of a bit, of the logarithm of the error
    choices = _solved(base, source, depth, state, price, _SAMPLES[min(max(effort, 1), 9) - 1] * 1000, limit)
    if any(choices):
        choices = _better(base, source, depth, choices, state, price, None if seconds is None else began + seconds)
    modes = [OFF if choice is None else choice.mode for choice in choices]
    filters = [None if choice is None else choice.filter for choice in choices]
    return pack(filters, modes, state), following(filters, state)


def _solved(
    base: Sequence[Planes],
    source: Sequence[Planes],
    depth: int,
    state: State,
    price: float,
    samples: int,
    deadline: float | None,
) -> list[_Choice | None]:
    """The best way to code each plane's filter, None where there's none that pays."""
    colour = measure.axes(base, depth)
    fresh = [measure.thresholds(base, depth), colour, colour]
    empty = [Filter(plane, settings, np.zeros(LAYOUTS[plane].count, np.int32)) for plane, settings in enumerate(fresh)]
    references = [before or new for before, new in zip(state.filters, empty, strict=True)]
    moments = measure.moments(base, source, depth, references, samples, deadline)
    result: list[_Choice | None] = []
    for plane, (found, reference, nothing) in enumerate(zip(moments, references, empty, strict=True)):
        layout = LAYOUTS[plane]
        own = price / PARTS[plane]
        best: tuple[float, _Choice] | None = None
        starts = [(nothing, NEW)] if state.filters[plane] is None else [(reference, CHANGED), (nothing, NEW)]
        for start, mode in starts:
            weights, loss = solve(found, layout.contexts, _scale(plane), start.weights, own)
            if weights.any() and loss < (0 if best is None else best[0]):
                same = mode == CHANGED and np.array_equal(weights, start.weights)
                best = loss, _Choice(Filter(plane, reference.settings, weights), SAME if same else mode)
        result.append(None if best is None else best[1])
    return result


def _scale(plane: int) -> Double:
    """What a step of each weight is worth, in units of 10 bits."""
    layout = LAYOUTS[plane]
    scale = np.ones(layout.count)
    scale[: layout.rows * layout.features] = 2.0**-FRACTION
    return scale


def _better(
    base: Sequence[Planes],
    source: Sequence[Planes],
    depth: int,
    choices: Sequence[_Choice | None],
    state: State,
    price: float,
    deadline: float | None,
) -> list[_Choice | None]:
    """The choices that pay by the errors of all frames and the bytes that they take."""
    filters = [None if choice is None else choice.filter for choice in choices]
    before, after = np.zeros(3), np.zeros(3)
    for plain, made, wanted in zip(base, run(base, depth, filters), source, strict=True):
        before += _errors(plain, wanted)
        after += _errors(made, wanted)
        if deadline is not None and time.monotonic() > deadline:
            return [None] * 3
    result: list[_Choice | None] = []
    for plane, choice in enumerate(choices):
        alone = [choice.filter if choice is not None and plane == other else None for other in range(3)]
        modes = [choice.mode if choice is not None and plane == other else OFF for other in range(3)]
        cost = price * 8 * len(pack(alone, modes, state))
        lower = after[plane] < before[plane]
        pays = lower and PARTS[plane] * np.log(max(after[plane], 1.0) / before[plane]) + cost < 0
        result.append(choice if pays else None)
    return result


def _errors(made: Planes, wanted: Planes) -> np.ndarray:
    """Squared errors of Y, U and V."""
    differences = (np.subtract(a, b, dtype=np.int32).reshape(-1) for a, b in zip(made, wanted, strict=True))
    return np.array([float(np.square(d).sum(dtype=np.int64)) for d in differences])
