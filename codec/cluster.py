"""Work on the machines of a Ray cluster: jobs go there and results come back, as those of codec.processes do.

Jobs and results are small: names of files and what became of them. Each is worked on in the folder that this process is
in, which every machine has to see, as files that are no URLs.
"""

from __future__ import annotations

import logging
import os
import platform
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic

from codec.errors import CodecError
from codec.jobs import Done, Failed, Job, Told, Value, failed, next_job, packed

_TRIES = 3  # of a job whose worker dies
_AHEAD = 2  # jobs for each core of the cluster, so that none waits for this machine
_PASSED = ("CODEC_WEIGHTS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")  # what workers are told of our environment
_PATIENCE = 5.0  # seconds until the cluster answers


class Cluster(Generic[Job, Value]):
    """A Ray cluster that is running, until `close`.

    `work` is a picklable function of a job and of a function that tells of it; what it tells arrives with its result.
    `count`: of jobs at once, as many as there are cores if not given; `gpu`: each has one. `again` makes of a job whose
    worker died the one that is done in its place. CodecError if there is no cluster at `address`.
    """

    def __init__(
        self,
        work: Callable[[Job, Callable[..., None]], Value],
        address: str,
        count: int | None = None,
        gpu: bool = False,
        again: Callable[[Job], Job] = lambda job: job,
    ) -> None:
        self._ray = ray = _loaded()
        self._ours = not ray.is_initialized()
        if self._ours:
            _connect(ray, address)
        self._work, self._count, self._again = ray.put(work), count, again
        # Ray's own second try would be told nothing of the first, whose output may be there already.
        self._do = ray.remote(num_cpus=1, num_gpus=int(gpu), max_retries=0)(_do)
        self._busy: dict[Any, tuple[Job, int]] = {}

    def run(self, jobs: Iterable[Job | Done[Job, Value]]) -> Iterator[Told[Job] | Done[Job, Value] | Failed[Job]]:
        """What becomes of the jobs, as that is known; one that is Done already is passed on in its turn."""
        ray, rest, ended = self._ray, iter(jobs), False
        while True:
            while not ended and len(self._busy) < self._room():
                following = yield from next_job(rest)
                ended = following is None
                for job in following or ():
                    self._give(job, 1)
            if not self._busy:
                return
            (ref,), _ = ray.wait(list(self._busy), num_returns=1)
            job, tries = self._busy.pop(ref)
            try:
                told, done, what = ray.get(ref)
            except ray.exceptions.RayTaskError as error:  # what is wrong with the worker itself
                text = str(error).strip().rpartition("\n")[2]
                raise CodecError(f"a worker of the cluster failed: {text}; have one version of all there") from error
            except ray.exceptions.RayError as error:
                if tries < _TRIES:
                    self._give(self._again(job), tries + 1)
                else:
                    why = f"its worker died {tries} times ({type(error).__name__})"
                    yield Failed(job, CodecError(f"{why}; if memory ran out, use a smaller -j"), died=True)
                continue
            for one in told:
                yield Told(job, one)
            yield Done(job, what) if done else failed(job, what, "a worker of the cluster")

    def _room(self) -> int:
        """How many jobs may be on the way; a cluster may grow."""
        return self._count or max(_AHEAD * int(self._ray.cluster_resources().get("CPU", 1)), 1)

    def _give(self, job: Job, tries: int) -> None:
        self._busy[self._do.remote(self._work, job, os.getcwd())] = job, tries

    def close(self) -> None:
        """Give up the jobs that are on the way, and leave the cluster as it was."""
        for ref in self._busy:
            self._ray.cancel(ref)
        self._busy = {}
        if self._ours:
            self._ray.shutdown()


def _loaded() -> Any:
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # or it warns of what will change
    try:
        import ray
    except ImportError as error:
        raise CodecError("--engine ray needs Ray; pip install 'neural-codec[cluster]'") from error
    return ray


def _connect(ray: Any, address: str) -> None:
    passed = {name: os.environ[name] for name in _PASSED if name in os.environ}
    handler = signal.getsignal(signal.SIGTERM)
    try:
        host, _, port = address.rpartition("/")[2].rpartition(":")
        if host and port.isdecimal():  # Ray would try for minutes
            socket.create_connection((host, int(port)), _PATIENCE).close()
        ray.init(
            address=address, log_to_driver=False, logging_level=logging.ERROR,
            runtime_env={"env_vars": passed} if passed else None,
        )  # fmt: skip
    except (OSError, ValueError, RuntimeError) as error:
        text = " ".join(str(error).split())
        raise CodecError(f"no Ray cluster at {address} ({text}); begin one with `ray start --head`") from error
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)  # Ray's own ends without our clearing up
    # It tells of dead workers on standard output, among the rows of --json, and has no option against that.
    ray._private.worker.print_to_stdstream = lambda *_, **__: None


def _do(work: Any, job: Any, folder: str) -> tuple[list[tuple[Any, ...]], bool, Any]:
    """What a worker does: all that is told, whether the job was done, and its value, or the error as it is sent."""
    told: list[tuple[Any, ...]] = []
    try:
        try:
            os.chdir(folder)
        except OSError as error:
            text = f"{folder} is not on {platform.node()}; begin in a folder that every machine has"
            raise CodecError(text) from error
        return told, True, work(job, lambda *what: told.append(what))
    except Exception as error:
        return told, False, packed(error)
