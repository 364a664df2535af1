"""The jobs of a batch in several processes.

Each worker has a pipe of its own: a job goes in, tiles and one result come out. A worker that dies costs the file
it had, not the batch. None outlives this process, however that ends: the parent stops them, and a worker whose
parent is gone stops itself.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from codec.cli.batch import Result, Watch, Work, attempt, failure
from codec.cli.files import Job
from codec.errors import CodecError

_PATIENCE = 3.0  # seconds between asking a process to stop and killing it


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection
    job: Job


def run_in_workers(
    work: Work, steps: Iterator[Job | Result], count: int, threads: int, watch: Watch | None
) -> Iterator[Result]:
    """The results of `steps`, in the order in which they are ready, from `count` workers of `threads` threads."""
    busy: dict[Connection, _Worker] = {}
    idle: list[_Worker] = []
    try:
        while True:
            while len(busy) < count and (step := next(steps, None)) is not None:
                if isinstance(step, Result):
                    yield step
                    continue
                worker = idle.pop() if idle else _start(work, step, threads, watch is not None)
                worker.job = step
                busy[worker.pipe] = worker
                with suppress(BrokenPipeError):  # it is dead, which is noticed below
                    worker.pipe.send(step)
                if watch:
                    watch(step, 0, 0)
            if not busy:
                return
            for pipe in wait(list(busy)):
                worker = busy[pipe]  # type: ignore[index]
                try:
                    message = worker.pipe.recv()
                except (EOFError, ConnectionError):
                    del busy[worker.pipe]
                    yield failure(worker.job.source, _death(worker))
                    continue
                if isinstance(message, Result):
                    idle.append(busy.pop(worker.pipe))
                    yield message
                elif isinstance(message, str):
                    raise RuntimeError(f"in a worker process:\n{message}")
                elif watch:
                    watch(worker.job, *message)
    finally:
        _stop([*busy.values(), *idle])


def _start(work: Work, job: Job, threads: int, watched: bool) -> _Worker:
    context = multiprocessing.get_context("spawn")  # a fork of a process with threads may hang
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, work, threads, watched), daemon=True)
    # Ctrl-C reaches every process of the terminal. It is ours alone to handle, from their first moment on.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process.start()
    finally:
        signal.signal(signal.SIGINT, before)
    theirs.close()
    return _Worker(process, ours, job)


def _death(worker: _Worker) -> CodecError:
    worker.process.join()
    code = worker.process.exitcode or 0
    if code < 0:
        return CodecError(f"its worker process was killed (signal {-code}); if memory ran out, use a smaller -j")
    return CodecError(f"its worker process ended with exit code {code}; try it with -j 1")


def _stop(workers: list[_Worker]) -> None:
    for worker in workers:
        worker.process.terminate()
    until = time.monotonic() + _PATIENCE
    for worker in workers:
        worker.process.join(max(until - time.monotonic(), 0))
        worker.process.kill()
        worker.process.join()
        worker.pipe.close()


def _serve(pipe: Connection, work: Work, threads: int, watched: bool) -> None:
    """The life of a worker."""
    # Before torch is loaded, which reads it. What the user has set himself stands.
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # an exception, so that unfinished files are removed
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    warnings.simplefilter("ignore")
    tiles = (lambda *where: pipe.send(where)) if watched else None
    try:
        while True:
            job = pipe.recv()
            try:
                message = attempt(work, job, tiles)
            except Exception:
                pipe.send(traceback.format_exc())
                return
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
