"""The chains of a video worked on one after the other, or several at once in processes: they need nothing of others.

The pictures are read three times: to find the chains, to encode a standard stream, to fit to them; each time from front
to back, so that no more than a group of them is in memory.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import count, islice
from typing import NamedTuple, TypeAlias, cast

from codec.codecs import named
from codec.codecs.base import Chain, ChainTask, SearchableCodec, VideoCodec, VideoMedia
from codec.codecs.options import VideoOptions, VideoProgress
from codec.container import Header, Unit
from codec.errors import MediaError
from codec.jobs import Done, Failed, Told
from codec.media.video import Picture, Video, read_video
from codec.media.video.opening import Version, VideoSource, changed
from codec.processes import Processes
from codec.video.cuts import chains

_READERS = 3  # of one video that are kept open
Spans: TypeAlias = Sequence[tuple[int, int]]
Result: TypeAlias = "Unit | tuple[int, float]"  # of an encoding; of a trial: its bytes and sum of PSNRs


class Opening(NamedTuple):
    """What a process needs to open the video and the codec as the first one has: picklable."""

    source: VideoSource | None  # needed where there are several
    version: Version | None  # that it had
    max_pixels: int
    codec: str
    options: VideoOptions
    device: str
    spans: Spans = ()


def only(video: Video, spans: Spans) -> Video:
    """A video of these runs of another's frames alone, each from a first frame to before another, ascending; of all if
    there are none. Pictures keep their times."""

    def pictures() -> Iterator[Picture]:
        rest, at = video.pictures(), 0
        for first, stop in spans:
            yield from islice(rest, first - at, stop - at)
            at = stop

    return replace(video, expected=sum(b - a for a, b in spans), _read=pictures) if spans else video


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
        """The pictures of a chain; MediaError if they aren't there any more."""
        fit = max((r for r in self._open if r[0] <= chain.first), default=None, key=lambda r: r[0])
        at, pictures = fit or (0, self._video.pictures())
        if fit:
            self._open.remove(fit)
        number = 0
        for number, picture in enumerate(islice(pictures, chain.first - at, chain.first - at + chain.count), 1):
            if number == chain.count:
                self._open = [*self._open, (chain.first + number, pictures)][-_READERS:]
            yield picture
        if number < chain.count:
            raise MediaError("it gives fewer frames than before; encode it when nothing writes to it")


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
    header: Header
    chain: Chain
    options: VideoOptions
    done: Sequence[Unit] = ()


class Here:
    """Works on chains in this process, one at a time; results come as they are made."""

    jobs = 1

    def __init__(self, codec: VideoCodec, video: Video, tell: Callable[[VideoProgress], None]) -> None:
        self._codec, self._readers, self._tell = codec, Readers(video), tell

    def run(self, jobs: Iterable[Job]) -> Iterator[Result]:
        """What each job gives, in order: units of encodings, one after the other, or a trial's result."""
        for job in jobs:
            yield from work_on(self._codec, self._readers, job, self._tell)


def work_on(codec: VideoCodec, readers: Readers, job: Job, tell: Callable[[VideoProgress], None]) -> Iterator[Result]:
    """The results of one job."""
    task = ChainTask(job.chain, lambda: readers.take(job.chain), job.options, tell)
    if job.kind == "encode":
        yield from codec.encode(job.header, task, job.done)
    else:
        assert codec.steps
        yield cast(SearchableCodec, codec).trial(job.header, task, job.kind == "fitted trial")


class Beside:
    """Works on several chains at once, each in a process that reads the video by itself."""

    def __init__(self, opening: Opening, jobs: int, tell: Callable[[VideoProgress], None]) -> None:
        self._processes, self._tell, self.jobs = Processes(_Process(opening), jobs), tell, jobs

    def run(self, jobs: Iterable[Job]) -> Iterator[Result]:
        """What each job gives, in order, as `Here.run`."""
        ready: dict[int, list[Result] | Exception] = {}
        turn = 0
        for event in self._processes.run(enumerate(jobs), ahead=1):
            if isinstance(event, Failed) and event.died:
                raise event.error
            if isinstance(event, Told):
                self._tell(*event.what)
            else:
                ready[event.job[0]] = event.value if isinstance(event, Done) else event.error
            while turn in ready:
                found = ready.pop(turn)
                turn += 1
                if isinstance(found, Exception):
                    raise found
                yield from found

    def close(self) -> None:
        """Stop what is still at work."""
        self._processes.close()


class _Process:
    """The work of a process: codec and readers are opened once, and go on from chain to chain."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._opened: tuple[VideoCodec, Readers] | None = None

    def __call__(self, numbered: tuple[int, Job], tell: Callable[[VideoProgress], None]) -> list[Result]:
        self._opened = self._opened or self._open()
        return list(work_on(*self._opened, numbered[1], tell))

    def _open(self) -> tuple[VideoCodec, Readers]:
        source, version, max_pixels, codec, options, device, spans = self._opening
        assert source is not None
        media = videos_of(codec)
        video = read_video(source, max_pixels=max_pixels, audio=False, layouts=media.layouts(options))
        if video.version != version:
            raise changed()
        video = only(video, spans)
        return media.encoder(video.info, options, _device(device)), Readers(video)


@contextmanager
def workers(
    codec: VideoCodec, video: Video, opening: Opening, jobs: int, tell: Callable[[VideoProgress], None]
) -> Iterator[Here | Beside]:
    """Here, or Beside where several jobs at once are wanted."""
    if jobs == 1:
        yield Here(codec, video, tell)
        return
    with closing(Beside(opening, jobs, tell)) as beside:
        yield beside


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
