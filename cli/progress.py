"""The status line of a terminal: how far the work is, and the time that is left."""

from __future__ import annotations

import json
import math
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from codec.cli.messages import columns, note, shown, status

_PATIENCE = 2.0  # seconds until a time left is told
_PASSES = 7  # of a search for a quality, as long as it isn't known
_STEPS = 1000  # of a video's encoding


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
    """How long a file takes, from the steps since the first that was told: what came before it, loading and looking,
    doesn't come again."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._first: tuple[float, float] | None = None
        self.part = 0.0

    def at(self, part: float) -> None:
        """A part (0 to 1) of the file is done."""
        self.part = part
        if part > 0 and self._first is None:
            self._first = part, time.monotonic()

    def left(self) -> float | None:
        """Seconds until the end; None as long as it can't be known."""
        if self._first is None or self.part <= self._first[0]:
            return None
        since, at = self._first
        return (time.monotonic() - at) / (self.part - since) * (1 - self.part)

    def whole(self) -> float:
        """Seconds for all of the file, now that it is done."""
        now = time.monotonic()
        if self._first is None or self._first[0] > 0.5:
            return now - self._begun
        since, at = self._first
        return (now - at) / (1 - since)


class BatchLine:
    """Shows a batch: `[12/200] encoding a.jpg ... 37 %, 4 min left`, or tells programs of it (`as_json`).

    The time left is for the whole batch, from the files done so far and those under way; skipped ones tell nothing
    about it. Nothing is ever at 100 %: what is done has a line of its own.
    """

    def __init__(self, verb: str, total: int, as_json: bool = False) -> None:
        self._verb, self._total, self._as_json = verb, total, as_json
        self._passed = self._beside = 0
        self._started = time.monotonic()
        self._paces: dict[str, Pace] = {}
        self._known: dict[str, float] = {}  # seconds left of files where somebody knows better
        self._took: list[float] = []

    def passed(self, source: str, worked: bool) -> None:
        """A file is behind us; `worked` if it took its time."""
        self._passed += 1
        self._known.pop(source, None)
        pace = self._paces.pop(source, None)
        if pace and worked:
            self._took.append(pace.whole())
        if self._as_json:
            self._tell(source, 1.0, self._left())

    def show(self, source: str, done: int = 0, steps: int = 0, text: str = "", left: float | None = None) -> None:
        """The file `source` is under way, `done` of its `steps`; `text`: what else there is to say; `left`: seconds
        until its end, where somebody knows better than by its steps."""
        part = done / steps if steps else 0.0
        self._paces.setdefault(source, Pace()).at(part)
        self._beside = max(self._beside, len(self._paces))
        if left is not None:
            self._known[source] = left
        seconds = self._left()
        if self._as_json:
            self._tell(source, min(part, 0.999), seconds, text)
            return
        count = f"[{self._passed + 1}/{self._total}] " if self._total > 1 else ""
        percent = f" {min(100 * done // steps, 99)} %" if steps else ""
        # The end of a long path says more than its beginning.
        room = max(columns() - len(count) - len(text) - 40, 20)
        name = shown(source)
        name = name if len(name) <= room else "..." + name[3 - room :]
        rest = time_left(time.monotonic() - self._started, seconds or 0.0)
        status(f"{count}{self._verb} {name} ...{percent}{text}{rest}")

    def _left(self) -> float | None:
        """Seconds until the end of the batch; None as long as it can't be known."""
        own = {name: self._known.get(name, pace.left()) for name, pace in self._paces.items()}
        behind = self._total - self._passed - len(own)
        # Those that processes begin with wait for what is loaded; others are better witnesses, once there are some.
        whole = self._took[self._beside :] or self._took
        whole = whole or [
            left / (1 - pace.part) for name, pace in self._paces.items() if (left := own[name]) and pace.part < 1
        ]
        if not whole:
            return (
                next(iter(own.values())) if behind <= 0 and len(own) == 1 else (0.0 if behind + len(own) <= 0 else None)
            )
        each = sum(whole) / len(whole)
        lefts = [each * (1 - self._paces[name].part) if left is None else left for name, left in own.items()]
        return max([(sum(lefts) + each * max(behind, 0)) / max(self._beside, 1), *lefts])

    def _tell(self, source: str, part: float, seconds: float | None, text: str = "") -> None:
        row = {
            "progress": round(part, 4), "file": source, "files_done": self._passed, "files": self._total,
            "seconds_left": None if seconds is None else round(seconds, 1),
        }  # fmt: skip
        note(json.dumps(row | ({"text": text.removeprefix(", ")} if text else {})))


class EncodingLine:
    """Shows what an encoding of a video tells (codec.codecs.options.VideoProgress): the part done and the time left.

    A stage's seconds a frame are those that it took so far; which stage a wait was for is told at its end, so it
    doesn't matter whether stages take turns. What came before the first time, loading and looking, counts for none.

    `stages`: those that there are, and about what a frame takes in each, until that is known. `searched`: whether a
    quality is looked for, by passes of the first stage.
    """

    def __init__(
        self, expected: int, show: Callable[..., None], stages: Mapping[str, float], searched: bool = False
    ) -> None:
        first = next(iter(stages.values()), 1.0)
        self._expected, self._show = max(expected, 1), show
        self._weights = {"search": first, **stages} if searched else dict(stages)
        self._done: defaultdict[str, float] = defaultdict(float)  # frames, of all that was told
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._timed: defaultdict[str, float] = defaultdict(float)  # frames that these seconds were for
        self._last: float | None = None
        self._part = 0.0

    def __call__(self, told: Any) -> None:
        now = time.monotonic()
        self._done[told.stage] += told.work
        if self._last is not None:
            self._seconds[told.stage] += now - self._last
            self._timed[told.stage] += told.work
        self._last = now
        known = {stage: self._seconds[stage] / n for stage, n in self._timed.items() if n > 0}
        weight = sum(self._weights.get(stage, 1.0) for stage in known)
        unit = sum(known.values()) / weight if known else 1.0
        costs = {stage: known.get(stage, unit * weight) for stage, weight in self._weights.items()}
        left = sum(cost * self._to_come(stage) for stage, cost in costs.items())
        spent = sum(cost * self._done[stage] for stage, cost in costs.items())
        self._part = max(self._part, 1 - left / max(left + spent, 1e-9))
        text = f", {told.psnr:.1f} dB, {told.bpp:.3f} bpp" if told.psnr else ""
        if told.stage == "search":
            text = f", looking for the quality, pass {int(self._done['search'] / self._expected) + 1}"
        self._show(round(_STEPS * self._part), _STEPS, text, left if known else None)

    def _to_come(self, stage: str) -> float:
        """Frames of a stage that are still to be worked on."""
        if stage == "search":
            begun = any(self._done[other] for other in self._weights if other != stage)
            return 0.0 if begun else max(_PASSES * self._expected - self._done[stage], self._expected / 2)
        # A target that was missed by a little has everything written again.
        rounds = max(math.ceil(self._done[stage] / self._expected - 0.001), 1)
        return max(rounds * self._expected - self._done[stage], 0.0)
