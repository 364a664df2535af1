"""A group's filters: solved by least squares on part of its samples, kept where all of it is better for its bytes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from codec.codecs.nirvana.filters import measure
from codec.codecs.nirvana.filters.frames import Planes, check
from codec.codecs.nirvana.filters.model import FRACTION, LAYOUTS, Filter
from codec.codecs.nirvana.filters.payload import CHANGED, NEW, OFF, SAME, State, following, pack
from codec.codecs.nirvana.filters.run import run
from codec.codecs.nirvana.filters.solve import Double, Moments, solve
from codec.codecs.nirvana.filters.weights import LENT, lessened
from codec.errors import CodecError

PARTS = (6 / 8, 1 / 8, 1 / 8)  # of Y, U and V in a quality
EXCHANGE = 1.0  # a standard encoder's error falls with its rate to this power
_STEEP = 1.25  # the same where luma is judged alone: the most that it is
_MARGIN = 0.002  # of a stream's bytes by which luma alone may look dearer
_DEARER = (1, 2, 4, 8, 16)  # times the price that chroma may have to pay so that luma doesn't
_EQUAL = 1e-10  # of the largest squared error: what PSNR takes equal samples for, 100 dB
_MORE, _THRIFT = 4, 2.0  # in archives: times the samples, and times the price: what samples promise is never all had
_TRIED = 2  # candidates for a plane, those of the most similar settings
_REFERENCE = 3  # bytes that say where a plane begins
_SAMPLES = (30, 60, 100, 150, 200, 400, 800, 1500, 3000)  # of luma, in thousands, by effort


_SAMPLE, _SOLVING = 8, 750_000  # what a sample and solving take, in pixels that run through filters


class Fitted(NamedTuple):
    """What a group gets: its payload for `apply`, b"" for nothing, the next group's state, and the frames it makes.
    `late`: there was no time to see what would pay. `begins`: the candidate that each plane goes on from, by its place,
    None for none."""

    payload: bytes
    state: State
    frames: list[Planes]
    late: bool = False
    begins: tuple[int | None, ...] = (None, None, None)


class _Choice(NamedTuple):
    """A plane's filter, how it is coded, and by the samples it was solved on its change of log(error) and its bits.
    `begins`: the candidate that it begins from, by its place, of whose weights `lent` (see State) remains."""

    filter: Filter
    mode: int
    change: float
    bits: float
    begins: int | None
    lent: int


class _Start(NamedTuple):
    """What a plane's filter may be coded against: the one before or one without weights, or that of a candidate."""

    filter: Filter
    moments: Moments
    begins: int | None


def fit(
    base: Sequence[Planes],
    source: Sequence[Planes],
    depth: int,
    state: State | None,
    *,
    stream_bytes: int,
    effort: int = 5,
    seconds: float | None = None,
    candidates: Sequence[State] | None = None,
    told: Callable[[float], None] = lambda part: None,
) -> Fitted:
    """The filters that bring `base` nearer to `source`.

    `base`, `source`: the frames of a group as a standard decoder gives them and as they were, planes of `depth` 8
    (uint8) or 10 (uint16). `state`: of the group before, None where a chain starts. `stream_bytes`: of the group in the
    standard stream. A plane's filter is kept if it lowers the squared error of all frames, their mean PSNR doesn't
    fall, and it takes fewer bytes than the stream would for as much (error to the power of -1 over rate; Y, U and V at
    6:1:1); luma alone gets no dearer by more than 0.2 %. `effort`: 1 fastest to 9. `seconds`: about the time that it
    may take; what isn't ready by then is left out. `candidates`, in an archive: states of other chains, from which
    a plane that has no filter yet may begin: those of the most similar settings are tried. `told`: the part of the
    work that was done since the last call. Raises CodecError for frames that don't belong together.
    """
    check([*base, *source], depth)
    if len(base) != len(source):
        raise CodecError(f"a group has {len(base)} decoded frames and {len(source)} of its source")
    state = state or State()
    began = time.monotonic()
    if not base or (seconds is not None and seconds <= 0):
        return Fitted(b"", state, list(base), bool(base))
    samples, dearer = _SAMPLES[min(max(effort, 1), 9) - 1] * 1000, 1.0
    if candidates is not None:
        samples, dearer = _MORE * samples, _THRIFT
    deadline = None if seconds is None else began + seconds
    task = _Task(base, source, depth, state, candidates or (), max(stream_bytes, 1), deadline, dearer)
    pixels = len(base) * base[0][0].size
    looking, running = _SAMPLE * min(samples, pixels) + _SOLVING, float(pixels)
    looking *= 1 + min(len(candidates or ()), _TRIED)
    choices = task.solved(samples, None if seconds is None else began + 0.4 * seconds)
    told(looking / (looking + running))
    return task.kept(choices, lambda: told(running / (looking + running) / len(base)))


class _Task:
    """A group, the state before it, states that it may begin from, its stream's bytes, when time is up, and how much
    dearer than these bits are."""

    def __init__(
        self,
        base: Sequence[Planes],
        source: Sequence[Planes],
        depth: int,
        state: State,
        candidates: Sequence[State],
        stream: int,
        deadline: float | None,
        dearer: float,
    ) -> None:
        self._base, self._source, self._depth, self._state = base, source, depth, state
        self._candidates, self._stream, self._deadline, self._dearer = candidates, stream, deadline, dearer

    def solved(self, samples: int, deadline: float | None) -> list[_Choice | None]:
        """The best way to code each plane's filter, None where there's none that pays."""
        colour = measure.axes(self._base, self._depth)
        settings = (measure.thresholds(self._base, self._depth), colour, colour)
        begun = [one for plane in range(3) for one in self._starts(plane, settings[plane])]
        found = measure.moments(self._base, self._source, self._depth, [which for which, _ in begun], samples, deadline)
        starts: list[list[_Start]] = [[], [], []]
        for (which, place), moments in zip(begun, found, strict=True):
            starts[which.plane].append(_Start(which, moments, place))
        luma = self._plane(starts[0], 1, [])
        for times in _DEARER:
            choices = [luma]
            for own in starts[1:]:
                choices.append(self._plane(own, times, [c.begins for c in choices if c is not None]))
            bits = sum(choice.bits for choice in choices if choice is not None)
            if self._spares_luma(0 if luma is None else luma.change, bits / 8):
                return choices
        return [luma, None, None]

    def _starts(self, plane: int, settings: tuple[int, ...]) -> list[tuple[Filter, int | None]]:
        """What a plane's filter may be coded against, and the candidate that it is of."""
        if before := self._state.filters[plane]:
            return [(before, None)]
        found = [(which, n) for n, one in enumerate(self._candidates) if (which := one.filters[plane])]
        found.sort(key=lambda one: np.abs(np.subtract(one[0].settings, settings)).sum())
        empty = Filter(plane, settings, np.zeros(LAYOUTS[plane].count, np.int32))
        return [(empty, None), *found[:_TRIED]]

    def _plane(self, starts: Sequence[_Start], times: float, named: Sequence[int | None]) -> _Choice | None:
        """A plane's filter where bits have so many times their price, coded in the best way.

        `named`: candidates that other planes begin from, which take no second reference.
        """
        best: tuple[float, _Choice] | None = None
        for start in starts:
            plane, layout = start.filter.plane, start.filter.layout
            price = times * self._dearer * EXCHANGE / (8 * self._stream * PARTS[plane])
            nothing = np.zeros(layout.count, np.int32)
            ways = [(nothing, NEW, 0)]
            if start.begins is not None:
                ways = [(lessened(start.filter.weights, lent), CHANGED, lent) for lent in range(LENT, 0, -1)]
            elif self._state.filters[plane] is not None:
                ways.insert(0, (start.filter.weights, CHANGED, 0))
            more = 8 * _REFERENCE * (start.begins is not None and start.begins not in named)
            for before, mode, lent in ways:
                weights, change, bits = solve(start.moments, layout.contexts, _scale(plane), before, price)
                loss = change + price * (bits + more)
                if weights.any() and loss < (0 if best is None else best[0]):
                    same = mode == CHANGED and np.array_equal(weights, start.filter.weights)
                    made = Filter(plane, start.filter.settings, weights)
                    best = loss, _Choice(made, SAME if same else mode, change, bits + more, start.begins, lent)
        return None if best is None else best[1]

    def _spares_luma(self, change: float, size: float) -> bool:
        """Whether luma alone is as good for its bytes with all filters, of `size` bytes, nearly."""
        return size / self._stream <= _MARGIN - change / _STEEP

    def kept(self, choices: list[_Choice | None], told: Callable[[], None]) -> Fitted:
        """The choices that pay by the errors of all frames and the bytes that they take; `told` of each frame.

        Where frames differ much in quality the sum of errors may fall, and the mean PSNR with it: neither may.
        """
        made: list[Planes] = []
        late, began = False, time.monotonic()
        before, after, rise = np.zeros(3), np.zeros(3), np.zeros(3)
        least = np.array([plane.size * _EQUAL * ((1 << self._depth) - 1) ** 2 for plane in self._base[0]])
        if any(choices):
            filters = [None if choice is None else choice.filter for choice in choices]
            for frame, plain, wanted in zip(
                run(self._base, self._depth, filters), self._base, self._source, strict=True
            ):
                was, now = _errors(plain, wanted), _errors(frame, wanted)
                before, after = before + was, after + now
                rise += np.log(np.maximum(now, least) / np.maximum(was, least))
                made.append(frame)
                told()
                each = (time.monotonic() - began) / len(made)
                if self._deadline is not None and began + each * len(self._base) > self._deadline:
                    choices, late = [None] * 3, True
                    break
        change = np.log(np.maximum(after, 1) / np.maximum(before, 1))
        for plane, choice in enumerate(choices):
            if choice is not None:
                cost = EXCHANGE * len(self._packed([choice if plane == other else None for other in range(3)]))
                cost += _REFERENCE * (choice.begins is not None)
                if change[plane] >= 0 or rise[plane] > 0 or PARTS[plane] * change[plane] + cost / self._stream >= 0:
                    choices[plane] = None
        for plane in sorted((1, 2), key=lambda plane: -change[plane]):
            if not self._spares_luma(0 if choices[0] is None else float(change[0]), len(self._packed(choices))):
                choices[plane] = None
        payload = self._packed(choices)
        filters = [None if choice is None else choice.filter for choice in choices]
        frames = [_mixed(plain, frame, filters) for plain, frame in zip(self._base, made or self._base, strict=False)]
        begins = tuple(None if choice is None else choice.begins for choice in choices)
        return Fitted(payload, following(filters, self._state), frames if payload else list(self._base), late, begins)

    def _packed(self, choices: Sequence[_Choice | None]) -> bytes:
        (y, a), (u, b), (v, c) = (
            (before, 0) if choice is None or choice.begins is None
            else (self._candidates[choice.begins].filters[plane], choice.lent)
            for plane, (choice, before) in enumerate(zip(choices, self._state.filters, strict=True))
        )  # fmt: skip
        filters = [None if choice is None else choice.filter for choice in choices]
        modes = [OFF if choice is None else choice.mode for choice in choices]
        return pack(filters, modes, State((y, u, v), (a, b, c)))


def _scale(plane: int) -> Double:
    """What a step of each weight is worth, in units of 10 bits."""
    layout = LAYOUTS[plane]
    scale = np.ones(layout.count)
    scale[: layout.rows * layout.features] = 2.0**-FRACTION
    return scale


def _mixed(plain: Planes, frame: Planes, filters: Sequence[Filter | None]) -> Planes:
    """A frame with its filtered planes where there is a filter."""
    y, u, v = (old if which is None else new for old, new, which in zip(plain, frame, filters, strict=True))
    return y, u, v


def _errors(made: Planes, wanted: Planes) -> np.ndarray:
    """Squared errors of Y, U and V."""
    differences = (np.subtract(a, b, dtype=np.int32).reshape(-1) for a, b in zip(made, wanted, strict=True))
    return np.array([float(np.square(d).sum(dtype=np.int64)) for d in differences])
