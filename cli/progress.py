"""The status line of a terminal: how far the work is, and the time that is left."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Collection
from typing import Any

from codec.cli.messages import columns, note, shown, status

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


class Pace:
    """How long the rest of a file takes, from the steps since the first that was told: what came before it, loading
    and looking, doesn't come again."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._first: tuple[float, float] | None = None

    def left(self, part: float) -> float | None:
        """Seconds until the end, at a part (0 to 1) of the file; None as long as it can't be known."""
        now = time.monotonic()
        if part <= 0:
            self._begun, self._first = now, None
            return None
        if self._first is None:
            self._first = part, now
        since, at = self._first
        if part <= since:
            return (now - self._begun) / part * (1 - part)
        return (now - at) / (part - since) * (1 - part)


class BatchLine:
    """Shows a batch: `[12/200] encoding a.jpg ... 37 %, 4 min left`, or tells programs of it (`as_json`).

    The time left is for the whole batch, from the files done so far and the part of this one that is done; skipped
    ones tell nothing about it. Nothing is ever at 100 %: what is done has a line of its own.
    """

    def __init__(self, verb: str, total: int, as_json: bool = False) -> None:
        self._verb, self._total, self._as_json = verb, total, as_json
        self._passed = self._timed = 0
        self._started = time.monotonic()
        self._paces: dict[str, Pace] = {}

    def passed(self, source: str, worked: bool) -> None:
        """A file is behind us; `worked` if it took its time."""
        self._passed += 1
        self._timed += worked
        self._paces.pop(source, None)
        if self._as_json:
            self._tell(source, 1.0, self._left(None, 0.0))

    def show(self, source: str, done: int = 0, steps: int = 0, text: str = "", left: float | None = None) -> None:
        """The file `source` is under way, `done` of its `steps`; `text`: what else there is to say; `left`: seconds
        until its end, where somebody knows better than by its steps."""
        part = done / steps if steps else 0.0
        paced = self._paces.setdefault(source, Pace()).left(part)
        seconds = self._left(paced if left is None else left, part)
        if self._as_json:
            self._tell(source, part, seconds, text)
            return
        count = f"[{self._passed + 1}/{self._total}] " if self._total > 1 else ""
        percent = f" {min(100 * done // steps, 99)} %" if steps else ""
        # The end of a long path says more than its beginning.
        room = max(columns() - len(count) - len(text) - 40, 20)
        name = shown(source)
        name = name if len(name) <= room else "..." + name[3 - room :]
        rest = time_left(time.monotonic() - self._started, seconds or 0.0)
        status(f"{count}{self._verb} {name} ...{percent}{text}{rest}")

    def _left(self, own: float | None, part: float) -> float | None:
        """Seconds until the end of the batch; `own`: of this file, of which a part is done."""
        behind = self._total - self._passed - 1
        if behind <= 0:
            return own
        if not self._timed:  # the others take as long as this one
            return own and own + own / max(1 - part, 0.01) * behind
        elapsed = time.monotonic() - self._started
        return elapsed / (self._timed + part) * max(self._total - self._passed - part, 0.0)

    def _tell(self, source: str, part: float, seconds: float | None, text: str = "") -> None:
        row = {
            "progress": round(part, 4), "file": source, "files_done": self._passed, "files": self._total,
            "seconds_left": None if seconds is None else round(seconds, 1),
        }  # fmt: skip
        note(json.dumps(row | ({"text": text.removeprefix(", ")} if text else {})))


class EncodingLine:
    """Shows what an encoding of a video tells (codec.codecs.options.VideoProgress): the part done and the time left.

    A stage's seconds a frame are those that it took so far; which stage a wait was for is told at its end, so it
    doesn't matter whether stages take turns. `stages`: those that there are.
    """

    def __init__(self, expected: int, show: Callable[..., None], stages: Collection[str] = tuple(_STAGES)) -> None:
        self._expected, self._show, self._stages = expected, show, stages
        self._frames: Counter[str] = Counter()
        self._seconds: dict[str, float] = {}
        self._last = time.perf_counter()

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
        self._show(round(self._expected * max(1 - left / max(all_, 1e-9), 0)), self._expected, found, left)
