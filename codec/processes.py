"""Work in several processes: jobs go into each through a pipe of its own, and results come out of it.

A process that dies costs the job that it had, not the others. None outlives this one, however that ends: it stops
them, and a process whose parent is gone stops itself. Ctrl-C and the terminal's end, which reach every process of a
terminal, are this one's alone to handle.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Generic

from codec.device import cores
from codec.errors import CodecError
from codec.interrupts import held
from codec.jobs import Done, Failed, Job, Told, Value, failed, next_job, packed

_PATIENCE = 3.0  # seconds between asking a process to stop and killing it
_LOOK = 1.0  # seconds after which processes that say nothing are looked at
_TERMINAL = {signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGINT)}  # what reaches every process of a terminal


@dataclass
class _Process(Generic[Job]):
    process: BaseProcess
    pipe: Connection
    job: Job

    def death(self) -> CodecError:
        """What ended it: it is dead, or has closed its pipe and gets no longer than it takes to end."""
        _end([self.process])
        code = self.process.exitcode or 0
        if code < 0:
            return CodecError(f"its worker process was killed (signal {-code}); if memory ran out, use a smaller -j")
        return CodecError(f"its worker process ended with exit code {code}; try it with -j 1")


class Processes(Generic[Job, Value]):
    """Up to `count` processes, started as they are needed and kept until `close`.

    `work` is a picklable function of a job and of a function that tells of it, both called in a process; each process
    has a copy of its own, which it keeps from job to job. `threads` of each: a fair share of the cores, if not given.
    """

    def __init__(
        self, work: Callable[[Job, Callable[..., None]], Value], count: int, threads: int | None = None
    ) -> None:
        self._work, self.count = work, count
        self._threads = threads or max(cores() // count, 1)
        self._idle: list[_Process[Job]] = []
        self._busy: dict[Connection, _Process[Job]] = {}

    def run(
        self, jobs: Iterable[Job | Done[Job, Value]], ahead: int = 0
    ) -> Iterator[Told[Job] | Done[Job, Value] | Failed[Job]]:
        """What becomes of the jobs, in the order in which it does; one that is Done already is passed on in its turn.

        A job is asked for when there is a process for it, or `ahead` of that so many.
        """
        rest, waiting = iter(jobs), deque[Job]()
        ended = False
        while True:
            while waiting and len(self._busy) < self.count:
                self._give(waiting.popleft())
            if not ended and len(self._busy) + len(waiting) < self.count + ahead:
                job = yield from next_job(rest)
                ended = job is None
                waiting.extend(job or ())
            elif self._busy:
                yield from self._heard()
            else:
                return

    def _give(self, job: Job) -> None:
        process = self._idle.pop() if self._idle else _start(self._work, job, self._threads)
        self._busy[process.pipe] = process
        process.job = job
        with suppress(ConnectionError):  # it is dead, which is noticed when it is listened to
            process.pipe.send(job)

    def _heard(self) -> Iterator[Told[Job] | Done[Job, Value] | Failed[Job]]:
        for pipe in self._speaking():
            process = self._busy[pipe]
            try:
                if not pipe.poll():
                    raise EOFError
                kind, what = process.pipe.recv()
            except (EOFError, OSError):  # the latter within a message
                del self._busy[process.pipe]
                yield Failed(process.job, process.death(), died=True)
                continue
            if kind == "told":
                yield Told(process.job, what)
                continue
            self._idle.append(self._busy.pop(process.pipe))
            if kind == "done":
                yield Done(process.job, what)
            else:
                yield failed(process.job, what, "a worker process")

    def _speaking(self) -> list[Connection]:
        """The pipes that there is something in, or whose process is dead: its own children may hold a pipe open."""
        while True:
            dead = [pipe for pipe, one in self._busy.items() if not one.process.is_alive()]
            if found := wait(list(self._busy), 0 if dead else _LOOK) or dead:
                return found  # type: ignore[return-value]

    def close(self) -> None:
        """Stop all processes, whatever they are at."""
        _stop([*self._busy.values(), *self._idle])
        self._busy, self._idle = {}, []


def _start(work: Any, job: Job, threads: int) -> _Process[Job]:
    context = multiprocessing.get_context("spawn")  # a fork of a process with threads may hang
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, threads), daemon=True)
    with held(), _deaf():
        process.start()
    theirs.close()
    with suppress(ConnectionError):  # as of a job
        ours.send(work)
    return _Process(process, ours, job)


@contextmanager
def _deaf() -> Iterator[None]:
    """Processes that are started here are deaf to Ctrl-C and the end of the terminal, until they ignore them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _TERMINAL)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _stop(processes: list[_Process[Job]]) -> None:
    for one in processes:
        one.process.terminate()
    _end([one.process for one in processes])
    for one in processes:
        one.pipe.close()


def _end(processes: list[BaseProcess]) -> None:
    """Wait for processes that end, and kill those that take too long."""
    until = time.monotonic() + _PATIENCE
    for process in processes:
        process.join(max(until - time.monotonic(), 0))
        process.kill()
        process.join(_PATIENCE)  # one that hangs in the system can't be waited for


def _serve(pipe: Connection, threads: int) -> None:
    """The life of a process."""
    # Before torch is loaded, which reads it, and so before the work is received. What the user has set himself stands.
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    for number in _TERMINAL:
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # an exception, so that unfinished files are removed
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    warnings.simplefilter("ignore")

    def tell(*what: Any) -> None:
        pipe.send(("told", what))

    try:
        work = pipe.recv()
        while True:
            job = pipe.recv()
            try:
                message = "done", work(job, tell)
            except Exception as error:
                message = "failed", packed(error)
            pipe.send(message)
    except (EOFError, ConnectionError):
        pass  # the parent is gone
    finally:
        os._exit(1)  # at once: the end of an interpreter with torch in it takes time


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_PATIENCE)
    os._exit(1)
