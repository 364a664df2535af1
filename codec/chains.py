"""Chains of a video encoded in parallel, each in a process: they need nothing of each other.

The video is read once to find the chains; then every process reads it again as far as its own, so that it holds no
more than a group at a time.
"""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import Any, NamedTuple

from codec.container import Header, Unit
from codec.errors import CodecError
from codec.media.video import Picture, Video, read_video
from codec.nirvana.groups import Group


class Chain(NamedTuple):
    """A chain's first frame, and how many frames each of its groups has."""

    first: int
    groups: list[int]


class Work(NamedTuple):
    """What a process needs to encode chains; picklable."""

    source: Any
    max_pixels: int
    codec: str
    preset: str | None
    device: str
    header: Header
    options: Any


def encode(
    work: Work, video: Video, opened: Any, jobs: int, tell: Callable[[Any], None] | None, done: Sequence[Unit]
) -> Iterator[Unit]:
    """The units that follow those that are `done` (see `whole`), in order, by `jobs` processes."""
    chains = find_chains(opened.groups(video.pictures()))
    total = sum(sum(chain.groups) for chain in chains)
    del chains[: sum(opened.starts_chain(work.header, unit) for unit in done)]
    index = len(done)
    waiting: deque[Future[tuple[list[Unit], Any]]] = deque()
    context = multiprocessing.get_context("spawn")
    others = multiprocessing.active_children()
    with ProcessPoolExecutor(jobs, context, _begin, (max((os.cpu_count() or 1) // jobs, 1),)) as pool:
        try:
            while chains or waiting:
                while chains and len(waiting) < jobs + 1:
                    chain = chains.pop(0)
                    with _no_interrupt():
                        waiting.append(pool.submit(_encode_chain, _share(work, chain, total, jobs), chain))
                units, told = waiting.popleft().result()
                for unit in units:
                    yield unit._replace(index=index)
                    index += 1
                if tell:
                    tell(told)
        except BaseException as error:
            for process in multiprocessing.active_children():
                if process not in others:
                    process.terminate()
            if isinstance(error, BrokenExecutor):
                raise CodecError("a process was killed; if memory ran out, use a smaller -j") from error
            raise


def whole(opened: Any, header: Header, units: list[Unit]) -> list[Unit]:
    """The units of chains that are there to their end, which shows in the next one's start."""
    starts = [number for number, unit in enumerate(units) if opened.starts_chain(header, unit)]
    return units[: starts[-1]] if starts else []


def find_chains(groups: Iterable[Group]) -> list[Chain]:
    """The chains of groups, whose pictures are not kept."""
    chains: list[Chain] = []
    frames = 0
    for group in groups:
        if group.key:
            chains.append(Chain(frames, []))
        chains[-1].groups.append(len(group.pictures))
        frames += len(group.pictures)
    return chains


def cut(pictures: Iterator[Picture], sizes: Iterable[int]) -> Iterator[Group]:
    """A chain's pictures as its groups."""
    for number, size in enumerate(sizes):
        yield Group(list(islice(pictures, size)), number == 0)


def _share(work: Work, chain: Chain, total: int, jobs: int) -> Work:
    """The part of the time that a chain gets."""
    if work.options.seconds is None:
        return work
    frames = sum(chain.groups)
    seconds = work.options.seconds * min(jobs * frames / total, 1.0)
    return work._replace(options=dataclasses.replace(work.options, seconds=seconds, frames=frames))


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


def _begin(threads: int) -> None:
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))  # before torch is loaded, which reads it
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _encode_chain(work: Work, chain: Chain) -> tuple[list[Unit], Any]:
    from codec import video

    read = read_video(work.source, max_pixels=work.max_pixels, audio=False)
    pictures = islice(read.pictures(), chain.first, None)
    opened = video.open_codec(work.codec, None, read.info, _device(work.device), work.preset)
    told: list[Any] = []
    groups = cut(pictures, chain.groups)
    units = list(opened.encode(work.header, groups, work.options, told.append, (), chain.first))
    return units, told[-1]


def _device(name: str) -> str:
    """Processes share out the GPUs, if there are several and none is named."""
    import torch

    count = torch.cuda.device_count() if name in ("auto", "cuda") else 0
    if count < 2:
        return name
    identity = multiprocessing.current_process()._identity
    return f"cuda:{(identity[0] if identity else 0) % count}"
