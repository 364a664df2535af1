"""Units of a picture on several threads: numpy and the kernels let others go on while they compute."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from threading import Event
from typing import TypeVar

from codec.codecs.circuit.work import Told, Work
from codec.device import threads

_MOST = 8  # threads: each has the arrays of a unit, a tenth of a gigabyte
_LOOK = 0.1  # seconds after which progress is told on

T = TypeVar("T")


class _Stopped(Exception):
    """Nobody waits for it any more."""


def abreast(jobs: Sequence[Callable[[Told], T]], work: Work) -> Iterator[Callable[[], T]]:
    """For each of the jobs, which are the next phases of `work`, in their order: what gives its result, or raises.

    On one thread a job is done when that is called.
    """
    with work.together(len(jobs)) as tolds:
        count = min(threads(), len(jobs), _MOST)
        if count <= 1:
            for job, told in zip(jobs, tolds, strict=True):
                yield partial(_done, job, told)
            return
        stop = Event()

        def run(job: Callable[[Told], T], told: Told) -> T:
            def still(amount: float) -> None:
                if stop.is_set():
                    raise _Stopped
                told(amount)

            return _done(job, still)

        pool = ThreadPoolExecutor(count, "units")
        try:
            waiting = deque(pool.submit(run, job, told) for job, told in zip(jobs, tolds, strict=True))
            while waiting:
                future = waiting.popleft()  # a result that was taken isn't kept
                while not wait([future], _LOOK).done:
                    work.tell()
                yield future.result
                work.tell()
        finally:
            stop.set()  # after Ctrl-C, say
            pool.shutdown(cancel_futures=True)


def _done(job: Callable[[Told], T], told: Told) -> T:
    result = job(told)
    told(float("inf"))  # what turned out not to be needed
    return result
