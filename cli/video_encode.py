"""Videos on the command line: encoded into a file of their own or for an archive, or kept as they are."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field, replace
from typing import IO, TYPE_CHECKING, Any

from codec import urls
from codec.cli.batch import Result, Tell
from codec.cli.encoding import VideoRequest
from codec.cli.files import STDIO, Job
from codec.cli.progress import EncodingLine, duration
from codec.cli.streams import atomic_write, size_of
from codec.cli.unfinished import resumable
from codec.content import digest
from codec.device import threads
from codec.errors import CodecError

if TYPE_CHECKING:
    from codec.codecs.options import VideoOptions, VideoProgress
    from codec.media.video import Video

_LONG = 2**26  # pixels of all frames for which processes are worth their start: 660 frames of CIF


@dataclass
class Encoding:
    """A video that is about to be encoded: opened, with options that are settled.

    `made_by`: names its content and what would make another file of it; `heard`: to be told of progress.
    """

    codec: str
    opened: Video
    options: VideoOptions
    jobs: int
    made_by: str
    goal: dict[str, float]
    _job: Job
    _seconds: float | None
    _before: int
    _status: EncodingLine | None
    _started: float
    _done: list[VideoProgress] = field(default_factory=list)

    def heard(self, told: VideoProgress) -> None:
        """Remember and show what an encoding tells."""
        if told.stage == "fit":
            self._done.append(told)
        if self._status:
            self._status(told)

    def result(self, header: Any, frames: int, size: int, own: int | None = None) -> Result:
        """What became of it: `size` bytes for so many frames, `own` of which were encoded (all).

        Notes of the reader and a size above the source's become the result's note.
        """
        notes, aspect = list(self.opened.notes), self.opened.info.aspect
        if aspect != 1 and header.stream is None:
            shape = f"{aspect.numerator}:{aspect.denominator}"
            notes.append(f"its pixels are not square ({shape}); they will be shown as if they were")
        if late := sum(told.frames for told in self._done if told.late):
            notes.append(f"the time budget ended before networks for {late:,} frames were found; they are the base's")
        psnr = _mean_psnr(self._done, frames if own is None else own)
        seconds = time.perf_counter() - self._started
        if self._seconds is not None and seconds > 1.2 * self._seconds:
            notes.append(
                f"it took {duration(seconds)}, not {duration(self._seconds)}: the time budget is for the networks, "
                "and the standard stream takes what it takes; a lower --effort is faster"
            )
        return encoded(self._job, header, frames, size, self._before, seconds, notes, self.goal, psnr)


def prepared(
    job: Job, source: str | bytes, tell: Tell | None, request: VideoRequest, max_pixels: int, salt: object = None
) -> Encoding:
    """An encoding of a video as it is asked for; `salt`: what else would make another file of it."""
    from codec import codecs, weights
    from codec.codecs.options import DEFAULT_QUALITY, VIDEO_EFFORT, Target, VideoOptions
    from codec.media.video import read_video

    codec = codecs.chosen(request.codec, "video")
    assert codec.videos is not None
    if request.effort is not None and "effort" not in codec.videos.settings:
        other = codecs.default("video").name
        raise CodecError(f"{codec.name} has no --effort; leave it out, or use --codec {other}")
    if request.resume and (job.target == STDIO or urls.is_url(job.target)):
        where = "standard output" if job.target == STDIO else "behind a URL"
        raise CodecError(f"--resume goes on with a file on a disk, and the output is {where}; name a file with -o")
    started = time.perf_counter()
    goals = {
        "quality": request.quality, "psnr": request.target_psnr, "bpp": request.target_bpp, "size": request.target_size,
    }  # fmt: skip
    given = {name: value for name, value in goals.items() if value is not None} or {"quality": DEFAULT_QUALITY}
    options = VideoOptions(
        Target(**given), request.effort or VIDEO_EFFORT, request.seconds, preset=request.preset, base=request.base,
        weights=weights.named(codec.name, request.weights) if request.weights else None,
    )  # fmt: skip
    layouts = codec.videos.layouts(options)
    opened = read_video(source, max_pixels=max_pixels, audio=request.audio, layouts=layouts, strip=request.strip)
    jobs = request.jobs
    if jobs is None:
        pixels = opened.info.width * opened.info.height * opened.expected
        jobs = threads() if pixels >= _LONG else 1
    options = replace(options, frames=opened.expected, threads=max(threads() // jobs, 1))
    same = (digest(source), replace(request, resume=False, jobs=1), *([] if salt is None else [salt]))
    made_by = hashlib.sha256(repr(same).encode()).hexdigest()[:8]
    stages = codec.videos.stages(options)
    goal = {name if name == "quality" else f"target_{name}": value for name, value in given.items()}
    status = EncodingLine(opened.expected, tell, stages, "quality" not in given) if tell else None
    before = size_of(source)
    return Encoding(codec.name, opened, options, jobs, made_by, goal, job, request.seconds, before, status, started)


def encode_video(
    job: Job, source: str | bytes, tell: Tell | None, request: VideoRequest, device: str, max_pixels: int
) -> Result:
    """Encode one into a file."""
    from codec import video

    if request.keep:
        return _keep(job, source, tell, request, max_pixels)
    made = prepared(job, source, tell, request, max_pixels)
    with resumable(job.target, made.made_by, request.resume, job.replace) as fp:
        header, frames = video.encode(
            made.opened, fp, made.codec, options=made.options, device=device, max_pixels=max_pixels, tell=made.heard,
            resume=request.resume and fp.seekable(), jobs=made.jobs, source=source,
        )  # fmt: skip
        size = fp.tell()
    return made.result(header, frames, size)


def _mean_psnr(done: list[VideoProgress], frames: int) -> float | None:
    """PSNR of the last `frames` frames (a target may take several rounds); None if there are none, or a resumed run
    hasn't made them."""
    total, count = 0.0, 0
    for told in reversed(done):
        if count < frames:
            total, count = total + told.psnr * told.frames, count + told.frames
    return total / count if count == frames > 0 else None


def _keep(job: Job, source: str | bytes, tell: Tell | None, request: VideoRequest, max_pixels: int) -> Result:
    """Wrap one whose stream stays as it is."""
    started = time.perf_counter()
    with atomic_write(job.target, job.replace) as fp:
        header, frames, notes = kept_into(fp, source, tell, request, max_pixels)
        size = fp.tell()
    return encoded(job, header, frames, size, size_of(source), time.perf_counter() - started, notes, {})


def kept_into(
    fp: IO[bytes], source: str | bytes, tell: Tell | None, request: VideoRequest, max_pixels: int
) -> tuple[Any, int, list[str]]:
    """Write a file of a source's own stream; its header, how many frames it has, and what the user must be told."""
    from codec import codecs
    from codec.standard.keep import keep

    media = codecs.default("video").videos
    assert media is not None and media.keep is not None
    kept = keep(source, max_pixels=max_pixels, audio=request.audio, strip=request.strip)
    line = EncodingLine(kept.expected, tell, {"base": 1.0}) if tell else None
    header, frames = media.keep(kept, fp, max_pixels, line)
    return header, frames, kept.notes


def encoded(
    job: Job, header: Any, frames: int, size: int, before: int, seconds: float, notes: list[str], goal: dict[str, Any],
    psnr: float | None = None,
) -> Result:  # fmt: skip
    """The result of an encoding."""
    from codec import codecs

    pixels = header.width * header.height * frames
    bpp = 8 * size / pixels if pixels else 0.0
    row: dict[str, Any] = {
        "file": job.source, "output": job.target, "codec": codecs.of(header).name, **goal,
        "frames": frames, "bytes": size, "pixels": pixels, "bpp": bpp, "encode_s": round(seconds, 3),
    }  # fmt: skip
    found = ""
    if psnr is not None:
        row["psnr"], found = round(psnr, 3), f"{psnr:.2f} dB  "
    shape = f"{header.width} x {header.height}, {frames} frames"
    text = f"{shape}  {size:,} bytes  {bpp:.4f} bpp  {found}({seconds:.1f} s)"
    notes = list(notes)
    if size > before > 0 and goal:
        notes.append(f"the output is larger than the input: {size:,} bytes, {before:,} before")
    target = f"{job.target}: {job.session}" if job.session else job.target
    return Result(row, f"{job.source} -> {target}  {text}", "; ".join(notes), before)
