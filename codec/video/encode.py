"""Videos to .ncf files, front to back, chain by chain; interrupted, they go on from there.

source -> media.video.read_video -> (Info, pictures) -> chains -> VideoCodec.encode -> Units -> container
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import cache
from statistics import fmean
from typing import IO, cast

from codec import container, goals
from codec.codecs import default
from codec.codecs.base import Chain, Earlier, SearchableCodec, VideoCodec
from codec.codecs.options import Target, VideoOptions, VideoProgress
from codec.container import Header, Limits, Unit
from codec.errors import CodecError, FormatError
from codec.media.distortion import errors, psnr_611
from codec.media.info import MAX_PIXELS
from codec.media.video import Video
from codec.media.video.opening import VideoSource
from codec.output import seekable
from codec.surroundings import on_our_own
from codec.video.chains import Beside, Chains, Here, Job, Opening, Spans, only, videos_of, workers
from codec.video.file import open_file

_OTHER = "the partial file is of another video or was made with other options; remove it"


@on_our_own
def encode(
    video: Video,
    fp: IO[bytes],
    codec: str | None = None,
    *,
    options: VideoOptions | None = None,
    device: str = "auto",
    max_pixels: int = MAX_PIXELS,
    tell: Callable[[VideoProgress], None] | None = None,
    resume: bool = False,
    jobs: int = 1,
    source: VideoSource | None = None,
    spans: Spans = (),
) -> tuple[Header, int]:
    """Compress a video, opened by `codec.media.video.read_video` with the codec's layouts, into a binary file.

    Returns the file's header, and how many frames it has.

    `codec`: by name, None for the default. `tell` is called as work goes on. `resume`: `fp` is open for update and
    holds what an interrupted run of the same call had written, and this one goes on from there. `jobs`: processes that
    work on chains at once, each reading `source`, the same that `read_video` was given. `spans`: runs of frames to
    encode alone, each from a first one to before another; none: all. CodecError for wrong arguments and targets that
    can't be had, MediaError for a video that can't be read to its end.
    """
    video = only(video, spans)
    options = options or VideoOptions(frames=video.expected)
    name = codec or default("video").name
    opened = videos_of(name).encoder(video.info, options, device)
    limits = Limits(pixels=max_pixels)
    if options.target.quality is None and not opened.steps:
        what = options.preset or name
        raise CodecError(f"{what} looks for no target; give --quality, or leave --codec and --preset out")
    target = options.target
    chains = Chains(video, opened.length)
    opening = Opening(source, video.version, max_pixels, name, options, device, spans)
    reached: list[float] = []

    def heard(told: VideoProgress) -> None:
        reached.extend([told.psnr] * told.frames * (told.stage == "fit"))
        if tell:
            tell(told)

    # With a target it may have to be written again.
    writing = seekable(fp) if target.quality is None else nullcontext(fp)
    with workers(opened, video, opening, jobs if jobs > 1 and chains.several() else 1, heard) as pool, writing as file:
        begun = _begun(fp, limits) if resume else None
        if target.quality is None and begun:
            options = replace(options, target=Target(quality=cast(SearchableCodec, opened).quality(begun)))
        elif target.quality is None:
            options = _settled(opened, video, options, chains, pool)
        header = opened.header(video.info, options)
        if begun and begun != header:
            raise CodecError(_OTHER)
        writer = _Writer(file, header, limits)
        done = writer.whole() if begun else []
        frames = writer.write(done, _rest(header, options, chains, pool, done))
        area = header.width * header.height
        if target.psnr is not None and done:  # of what an interrupted run has made the quality isn't known
            reached[:] = _measured(file, video, device, options.earlier)
        while step := goals.missed(target, writer.size, reached, frames, area):
            # What the networks bring, or take, was another than where the search ended.
            quality = (options.target.quality or 0.0) + step * 100 / opened.steps
            if not 0 <= quality <= 100:
                goals.check(target, min(max(quality, 0.0), 100.0), writer.size, fmean(reached), frames * area)
                raise CodecError("the target can't be had; ask for a little less")
            options = replace(options, target=Target(quality=quality))
            header = opened.header(video.info, options)
            reached.clear()
            frames = writer.write([], _rest(header, options, chains, pool, []), header)
    return header, frames


def _measured(fp: IO[bytes], video: Video, device: str, earlier: Earlier | None) -> list[float]:
    """The PSNR of every frame of a file that was written, against the video."""
    fp.seek(0)
    found = open_file(fp, device=device, earlier=earlier)
    depth = found.header.depth
    pairs = zip(found.pictures(), video.pictures(), strict=False)
    reached = [psnr_611(errors(shown.planes, given.planes, depth)) for shown, given in pairs]
    fp.seek(0, io.SEEK_END)
    return reached


def _settled(
    opened: VideoCodec, video: Video, options: VideoOptions, chains: Chains, pool: Here | Beside
) -> VideoOptions:
    """The options with the quality that reaches their target."""
    frames = sum(chain.count for chain in chains)
    pixels = video.info.width * video.info.height * frames
    beside = sum(map(len, video.info.metadata.values())) + 128

    def trial(quality: float, kind: str = "trial") -> tuple[float, float]:
        wanted = replace(options, target=Target(quality=quality))
        header = opened.header(video.info, wanted)
        results = pool.run(_job(header, wanted, chain, [], pool.jobs, kind) for chain in chains)
        found = [cast(tuple[int, float], result) for result in results]
        return beside + sum(size for size, _ in found), sum(psnr for _, psnr in found) / max(frames, 1)

    alone = cache(trial)
    pace = goals.video_pace(opened.steps)
    quality = goals.search(options.target, alone, pixels, opened.steps, pace)
    if quality == 0:
        goals.check(options.target, quality, *alone(quality), pixels)  # networks make no file smaller
    fitted = trial(quality, "fitted trial")
    goals.check(options.target, quality, *fitted, pixels)
    nearer = goals.corrected(options.target, alone(quality), fitted, pixels)
    nearest = goals.search(nearer, alone, pixels, opened.steps, pace, quality)
    return replace(options, target=Target(quality=nearest))


def _rest(
    header: Header, options: VideoOptions, chains: Chains, pool: Here | Beside, done: list[Unit]
) -> Iterator[Unit]:
    """The units that follow those that are done."""
    jobs = (
        _job(header, options, chain, found, pool.jobs)
        for chain, found in _shared_out(chains, done)
        if found is not None
    )
    for number, result in enumerate(pool.run(jobs), len(done)):
        yield cast(Unit, result)._replace(index=number)


def _job(header: Header, options: VideoOptions, chain: Chain, done: list[Unit], jobs: int, kind: str = "encode") -> Job:
    seconds = options.seconds
    if seconds is not None:
        seconds *= min(jobs * chain.count / max(options.frames, chain.count), 1.0)
    # What goes to other processes has no need of the sound, or of an archive that the codec was opened with.
    bare = replace(header, metadata={k: v for k, v in header.metadata.items() if k != "audio"})
    return Job(kind, bare, chain, replace(options, seconds=seconds, frames=chain.count, earlier=None), done)


def _shared_out(chains: Chains, done: list[Unit]) -> Iterator[tuple[Chain, list[Unit] | None]]:
    """Each chain with its units that are done; None for those of which all are, which shows in the next one's."""
    at = 0
    for chain in chains:
        first, frames = at, 0
        while at < len(done) and frames + done[at].frames <= chain.count:
            frames += done[at].frames
            at += 1
        if at < len(done) and frames < chain.count:
            raise CodecError(_OTHER)
        yield chain, None if at < len(done) else done[first:at]
    if at < len(done):
        raise CodecError(_OTHER)


class _Writer:
    """Writes a file from its start, and knows what is there of one that was begun."""

    def __init__(self, fp: IO[bytes], header: Header, limits: Limits) -> None:
        self._fp, self._header, self._limits = fp, header, limits
        self._seekable = fp.seekable()
        self.size = 0

    def whole(self) -> list[Unit]:
        """The whole units of what an interrupted run left."""
        units: list[Unit] = []
        self._fp.seek(0)
        with suppress(FormatError):  # it breaks off where the run was interrupted; what came before is in the list
            units.extend(container.read(self._fp, self._limits)[1])
        return units

    def write(self, done: list[Unit], rest: Iterator[Unit], header: Header | None = None) -> int:
        """Write all units and return how many frames they have. Each is in the file before the next is worked on, so
        that an interrupted run can go on from there; those that are done are written over with what they are."""
        frames = 0

        def flushed() -> Iterator[Unit]:
            nonlocal frames
            for unit in done:
                frames += unit.frames
                yield unit
            self._cut()
            for unit in rest:
                frames += unit.frames
                yield unit
                self._fp.flush()

        if self._seekable:
            self._fp.seek(0)
        container.write(self._fp, header or self._header, flushed(), self._limits)
        self._cut()
        self.size = self._fp.tell() if self._seekable else 0
        return frames

    def _cut(self) -> None:
        if self._seekable:
            self._fp.truncate()


def _begun(fp: IO[bytes], limits: Limits) -> Header | None:
    """The header of what an interrupted run left, if it came so far."""
    fp.seek(0)
    with suppress(FormatError):
        return container.read(fp, limits)[0]
    return None
