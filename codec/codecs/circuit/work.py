"""How far the work on a picture is, in parts that take about equal times: pixels that pass a network.

What each phase takes is reckoned before it begins. What then turns out not to be needed counts as done.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeAlias

from codec.codecs.base import Progress

Told: TypeAlias = Callable[[float], None]  # so many pixels' worth of work is done, since the last call

WINDOW = 4096  # what a window of tuning takes
STEP = 80  # what a step of the wavefront takes beside its pixels
OTHER = 0.4  # what a pixel takes to be coded by WebP or as a plane
BACK = 0.05  # and to be decoded from there
_TOLD = 200  # times in all, at most


def nobody(amount: float) -> None:
    """For work that nobody watches."""


class Work:
    """Tells `progress` of (work done, work in all), never less than before; all only at the end."""

    def __init__(self, phases: Sequence[float], progress: Progress | None) -> None:
        self._all, self._phases, self._progress = phases, list(phases), progress
        self._total = max(round(sum(phases)), 1)
        self._done = self._told = 0.0
        self._lock, self._thread = threading.Lock(), threading.current_thread()

    @contextmanager
    def phase(self) -> Iterator[Told]:
        """The next phase; when it ends all of it is done."""
        end = self._done + self._phases[0]
        yield lambda amount: self._reach(min(self._done + amount, end))
        del self._phases[0]
        self._reach(end)

    @contextmanager
    def together(self, count: int) -> Iterator[list[Told]]:
        """The next phases, all at once; each may be told of from a thread of its own, and `tell` says it on."""
        begun, shares = self._done, self._phases[:count]
        amounts = [0.0] * count

        def add(number: int, amount: float) -> None:
            with self._lock:
                amounts[number] = min(amounts[number] + amount, shares[number])
                self._done = begun + sum(amounts)
            if threading.current_thread() is self._thread:
                self.tell()

        yield [partial(add, number) for number in range(count)]
        del self._phases[:count]
        self._reach(begun + sum(shares))

    @contextmanager
    def last(self) -> Iterator[Progress]:
        """The last phase, of which another Work tells; those before it are done or weren't needed."""
        share = self._phases[-1]
        self._phases, begun = [share], sum(self._all) - share
        yield lambda done, total: self._reach(begun + share * done / total)
        self._phases = []
        self._reach(begun + share)

    def _reach(self, done: float) -> None:
        self._done = done
        self.tell()

    def tell(self) -> None:
        """Tell `progress`, if there is enough to tell; in the thread that made this."""
        done = self._done
        if self._progress and (done - self._told >= self._total / _TOLD or (not self._phases and done > self._told)):
            self._told = done
            self._progress(min(round(done), self._total), self._total)
