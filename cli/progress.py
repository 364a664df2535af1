"""The status line of a terminal: how far the work is, and the time that is left."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection
from typing import Any

from codec.cli.messages import columns, shown, status

_PATIENCE = 2.0  # seconds until a time left is told
_STAGES = {"base": 1.0, "fit": 2.0}  # and how long a frame takes in each, before that is known: in terms of the others


def duration(seconds: float) -> str:
    """A time still to wait, as people say it."""
    if seconds < 60:
        return f"{max(round(seconds), 1)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def time_left(elapsed: float, seconds: float) -> str:
    """What is said of `seconds` that are left; nothing before `elapsed` are enough to know."""
    return f", {duration(seconds)} left" if seconds and elapsed > _PATIENCE else ""


class PartsLine:
    """Shows work in equal parts: `[12/200] rows, 4 min left`; those done `before` it begins tell no time."""

    def __init__(self, what: str, before: int = 0) -> None:
        self._what, self._before = what, before
        self._started = time.monotonic()

    def show(self, done: int, total: int) -> None:
        """So many of all are done."""
        elapsed, new = time.monotonic() - self._started, done - self._before
        left = time_left(elapsed, elapsed / new * (total - done)) if new else ""
        status(f"[{done}/{total}] {self._what}{left}")


class BatchLine:
    """Shows a batch: `[12/200] encoding a.jpg ... 37 %, 4 min left`.

    The time left is for the whole batch, from the files done so far and the part of this one that is done; skipped
    ones tell nothing about it.
    """

    def __init__(self, verb: str, total: int) -> None:
        self._verb, self._total = verb, total
        self._passed = self._timed = 0
        self._started = time.monotonic()

    def passed(self, worked: bool) -> None:
        """A file is behind us; `worked` if it took its time."""
        self._passed += 1
        self._timed += worked

    def show(self, source: str, done: int = 0, steps: int = 0, text: str = "") -> None:
        """The file `source` is under way, `done` of its `steps`; `text`: what else there is to say."""
        count = f"[{self._passed + 1}/{self._total}] " if self._total > 1 else ""
        part = f" {100 * done // steps} %" if steps else ""
        # The end of a long path says more than its beginning.
        room = max(columns() - len(count) - len(text) - 40, 20)
        name = shown(source)
        name = name if len(name) <= room else "..." + name[3 - room :]
        # A text says what is left of its file.
        left = self._left(done / steps if steps else 0) if self._timed or not text else ""
        status(f"{count}{self._verb} {name} ...{part}{text}{left}")

    def _left(self, fraction: float) -> str:
        elapsed, behind = time.monotonic() - self._started, self._timed + fraction
        if behind < 0.02:
            return ""
        return time_left(elapsed, elapsed / behind * (self._total - self._passed - fraction))


class EncodingLine:
    """Shows what an encoding of a video tells (codec.codecs.options.VideoProgress): the part done and the time left.

    A stage's seconds a frame are those that it took so far; which stage a wait was for is told at its end, so it
    doesn't matter whether stages take turns. `stages`: those that there are.
    """

    def __init__(self, expected: int, show: Callable[..., None], stages: Collection[str] = tuple(_STAGES)) -> None:
        self._expected, self._show, self._stages = expected, show, stages
        self._frames: Counter[str] = Counter()
        self._seconds: dict[str, float] = {}
        self._begun = self._last = time.perf_counter()

    def __call__(self, told: Any) -> None:
        now = time.perf_counter()
        self._frames[told.stage] += told.frames
        self._seconds[told.stage] = self._seconds.get(told.stage, 0.0) + now - self._last
        self._last = now
        if told.stage == "search":
            passes, frames = divmod(self._frames["search"], max(self._expected, 1))
            self._show(frames, self._expected, f", looking for the quality, pass {passes + 1}")
            return
        known = {stage: self._seconds[stage] / n for stage, n in self._frames.items() if n and stage in _STAGES}
        unit = sum(known.values()) / max(sum(_STAGES[stage] for stage in known), 1e-9)
        costs = {stage: known.get(stage, unit * _STAGES[stage]) for stage in self._stages}
        left = sum(cost * max(self._expected - self._frames[stage], 0) for stage, cost in costs.items())
        all_ = sum(costs.values()) * max(self._expected, 1)
        found = f", {told.psnr:.1f} dB, {told.bpp:.3f} bpp" if told.psnr else ""
        rest = time_left(now - self._begun, left)
        self._show(round(self._expected * max(1 - left / max(all_, 1e-9), 0)), self._expected, found + rest)
