"""The chains of a video worked on one after the other, or several at once in processes: they need nothing of others.

The pictures are read three times: to find the chains, to encode a standard stream, to fit to them; each time from front
to back, so that no more than a group of them is in memory.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from itertools import count, islice
from typing import Any, NamedTuple, cast

from codec.codecs import named
from codec.codecs.base import Chain, ChainTask, SearchableCodec, VideoCodec, VideoMedia
from codec.codecs.options import VideoOptions, VideoProgress
from codec.errors import CodecError
from codec.media.video import Picture, Video, read_video
from codec.video.cuts import chains

_READERS = 3  # of one video that are kept open


class Work(NamedTuple):
    """What a process needs to open the video and the codec as the first one has: picklable."""

    source: Any
    max_pixels: int
    codec: str
    options: VideoOptions
    device: str
    jobs: int


def videos_of(codec: str) -> VideoMedia:
    """How the codec of this name does videos; CodecError if none does."""
    media = named(codec, "video").videos
    assert media is not None
    return media


class Readers:
    """Gives any run of a video's pictures; one that begins where an earlier one ended, or later, reads on there."""

    def __init__(self, video: Video) -> None:
        self._video = video
        self._open: list[tuple[int, Iterator[Picture]]] = []

    def take(self, chain: Chain) -> Iterator[Picture]:
        """The pictures of a chain."""
        fit = max((r for r in self._open if r[0] <= chain.first), default=None, key=lambda r: r[0])
        at, pictures = fit or (0, self._video.pictures())
        if fit:
            self._open.remove(fit)
        for number, picture in enumerate(islice(pictures, chain.first - at, chain.first - at + chain.count), 1):
            if number == chain.count:
                self._open = [*self._open, (chain.first + number, pictures)][-_READERS:]
            yield picture


class Chains:
    """The chains of a video, found as they are asked for, and remembered."""

    def __init__(self, video: Video, length: int) -> None:
        self._found: list[Chain] = []
        self._rest = chains(video.pictures(), length)

    def __iter__(self) -> Iterator[Chain]:
        for number in count():
            if number == len(self._found):
                self._found += islice(self._rest, 1)
            if number == len(self._found):
                return
            yield self._found[number]

    def several(self) -> bool:
        """Whether there are at least two."""
        return len(list(islice(self, 2))) == 2


class Job(NamedTuple):
    """One chain to work on: "encode", "trial" or "fitted trial"; with the units that are there already."""

    kind: str
    header: Any
    chain: Chain
    options: VideoOptions
    done: Sequence[Any] = ()


class Here:
    """Works on chains in this process, one at a time; results come as they are made."""

    jobs = 1

    def __init__(self, codec: VideoCodec, video: Video, tell: Callable[[VideoProgress], None]) -> None:
        self._codec, self._readers, self._tell = codec, Readers(video), tell

    def run(self, jobs: Iterable[Job]) -> Iterator[Any]:
        """What each job gives, in order: units of encodings, one after the other, or a trial's result."""
        for job in jobs:
            yield from work_on(self._codec, self._readers, job, self._tell)


def work_on(codec: VideoCodec, readers: Readers, job: Job, tell: Callable[[VideoProgress], None]) -> Iterator[Any]:
    """The results of one job."""
    task = ChainTask(job.chain, lambda: readers.take(job.chain), job.options, tell)
    if job.kind == "encode":
        yield from codec.encode(job.header, task, job.done)
    else:
        assert codec.steps
        yield cast(SearchableCodec, codec).trial(job.header, task, job.kind == "fitted trial")


class Processes:
    """Works on several chains at once, each in a process that reads the video by itself."""

    def __init__(self, work: Work, tell: Callable[[VideoProgress], None]) -> None:
        self._work, self._tell, self.jobs = work, tell, work.jobs
        self._others = multiprocessing.active_children()
        threads = max((os.cpu_count() or 1) // work.jobs, 1)
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(work.jobs, context, _begin, (work, threads))

    def run(self, jobs: Iterable[Job]) -> Iterator[Any]:
        """What each job gives, in order, as `Here.run`."""
        waiting: deque[Future[tuple[list[Any], list[VideoProgress]]]] = deque()
        rest = iter(jobs)
        try:
            while True:
                for job in islice(rest, self._work.jobs + 1 - len(waiting)):
                    with _no_interrupt():
                        waiting.append(self._pool.submit(_job, job))
                if not waiting:
                    return
                results, told = waiting.popleft().result()
                yield from results
                for one in told:
                    self._tell(one)
        except BrokenExecutor as error:
            raise CodecError("a process was killed; if memory ran out, use a smaller -j") from error

    def close(self) -> None:
        """Stop what is still at work."""
        for process in multiprocessing.active_children():
            if process not in self._others:
                process.terminate()
        self._pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def workers(
    codec: VideoCodec, video: Video, work: Work, several: bool, tell: Callable[[VideoProgress], None]
) -> Iterator[Here | Processes]:
    """Here, or Processes where these are wanted and there are `several` chains for them."""
    if work.jobs == 1 or not several:
        yield Here(codec, video, tell)
        return
    pool = Processes(work, tell)
    try:
        yield pool
    finally:
        pool.close()


@contextmanager
def _no_interrupt() -> Iterator[None]:
    """Processes started here don't get Ctrl-C, which reaches all of a terminal's, and is the first one's to handle."""
    if threading.current_thread() is not threading.main_thread():  # which alone may set this
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


_here: Any = None  # of a process: the codec and the readers, which go on from chain to chain


def _begin(work: Work, threads: int) -> None:
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))  # before torch is loaded, which reads it
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    global _here
    _here = work


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _job(job: Job) -> tuple[list[Any], list[VideoProgress]]:
    global _here
    if isinstance(_here, Work):
        work = _here
        media = videos_of(work.codec)
        layouts = media.layouts(work.options)
        video = read_video(work.source, max_pixels=work.max_pixels, audio=False, layouts=layouts)
        _here = media.encoder(video.info, work.options, _device(work.device)), Readers(video)
    told: list[VideoProgress] = []
    opened, readers = _here
    return list(work_on(opened, readers, job, told.append)), told


def _device(name: str) -> str:
    """Processes share out the GPUs, if there are several and none is named."""
    if name not in ("auto", "cuda"):
        return name
    import torch

    count = torch.cuda.device_count()
    if count < 2:
        return name
    identity = multiprocessing.current_process()._identity
    return f"cuda:{(identity[0] if identity else 0) % count}"
