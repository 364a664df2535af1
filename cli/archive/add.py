"""`codec archive create` and `add`: an archive begins, and videos become sessions of it."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import IO, Any

import click

from codec import codecs, urls
from codec.cli.archive.show import OWN_ARCHIVE, directory, sessions_of
from codec.cli.batch import Result, Tell, run_jobs
from codec.cli.encoding import (
    REQUESTED,
    VideoRequest,
    effort_option,
    quality_option,
    request_of,
    video_options,
    weights_option,
)
from codec.cli.files import STDIO, Job, file_ids, stdin_as_dash
from codec.cli.made import is_ncf
from codec.cli.messages import run_each, say
from codec.cli.options import FILE, BatchOptions, run_options
from codec.cli.streams import contents, size_of
from codec.cli.unfinished import resumable
from codec.cli.video_encode import encoded, kept_into, prepared
from codec.cli.walk import Found, find
from codec.errors import CodecError


@click.command(short_help="Begin an archive without videos.")
@click.argument("archives", metavar="ARCHIVE...", nargs=-1, required=True, type=OWN_ARCHIVE)
@click.option("-f", "--force", is_flag=True, help="Overwrite existing .ncf files.")
def create(archives: tuple[str, ...], force: bool) -> None:
    """Begin an archive without videos.

    \b
    codec archive create all.ncf
    """
    run_each(archives, lambda path: begin(path, force))


def begin(path: str, force: bool) -> None:
    """Make an archive; with `force` in place of another .ncf file."""
    from codec import archive

    _check_free(path, force)
    archive.create(path, replace=force)


def _check_free(path: str, force: bool) -> None:
    """CodecError if a file of this name stays."""
    if os.path.lexists(path) and not (force and is_ncf(path)):
        other = ", or overwrite it with -f" if is_ncf(path) else ": this one stays, since it is none of codec's"
        raise CodecError(f"{path}: there is such a file already; name another{other}")


@click.command(short_help="Add videos to an archive.")
@click.argument("target", metavar="ARCHIVE", type=OWN_ARCHIVE)
@click.argument("sources", metavar="IN...", nargs=-1, required=True, type=FILE)
@click.option("--name", metavar="NAME", help="The session's name, of one video.  [default: the file's, without suffix]")
@click.option("--skip-existing", is_flag=True, help="Leave out videos whose names are in the archive already.")
@click.option("-r", "--recursive", is_flag=True, help="Take the files in folders, and in folders in them.")
@quality_option
@effort_option("3")
@click.option(
    "--codec", type=click.Choice(list(codecs.of_kind("video"))),
    help=f"The codec of the session.  [default: {codecs.default('video').name}]",
)  # fmt: skip
@video_options
@weights_option
@click.option("--strip", is_flag=True, help="Drop the video's tags.")
@run_options("Where to compute; a file decodes on any device.", "Parts of a video to work on at once; 0: one per core.")
def add(
    target: str, sources: tuple[str, ...], name: str | None, device: str, max_pixels: int, jobs: int | None,
    **rest: Any,
) -> None:  # fmt: skip
    """Add videos to an archive, one after the other.

    \b
    codec archive add all.ncf clip.mp4
    codec archive add all.ncf clip.mp4 clips/a.mp4 -q 40 -e 1
    codec archive add all.ncf clip.mp4 --name evening
    codec archive add all.ncf -r clips/ --skip-existing

    Runs of frames that are in it already, in the quality that is asked for, are not stored again: a copy takes a
    hundred bytes. The options of encoding are those of `codec encode`. A video that fails leaves the archive as it
    was, and the others go on.
    """
    request = request_of({key: rest.pop(key) for key in REQUESTED}, jobs)
    _add_all(target, *_planned(target, sources, name, rest["recursive"]), request, device, max_pixels, rest)


def new_archive(
    sources: Sequence[str], said: dict[str, Any], device: str, max_pixels: int, rest: dict[str, Any]
) -> None:
    """`codec encode --codec C` of a codec that makes archives: create, and add. With a preset videos are coded by its
    network, without as `codec archive add` does it; `said`: REQUESTED options, `rest`: what BatchOptions has."""
    target = rest["output"]
    if rest["dry_run"]:
        raise click.UsageError("of an archive nothing is known before it is made; leave out --dry-run")
    if target is None or target == STDIO or target.endswith(("/", os.sep)) or os.path.isdir(target):
        raise click.UsageError(f"--codec {said['codec']} makes one archive of all videos; name its file with -o")
    request = request_of({**said, "codec": said["codec"] if said["preset"] else None}, rest["jobs"])
    jobs, found = _planned(target, sources, None, rest["recursive"])
    if file_ids([target]).keys() & file_ids([job.source for job in jobs]).keys():
        raise click.UsageError(f"the output {target} is an input; name another")
    there = any(urls.is_url(job.source) or os.path.exists(job.source) for job in jobs)
    with ExitStack() as aside:
        new: list[str] = []
        if there and not (rest["skip_existing"] and os.path.exists(target)):
            run_each([target], lambda path: new.extend(_begin_beside(path, rest["force"], aside)))
        _add_all(target, jobs, found, request, device, max_pixels, rest, *new)


def _begin_beside(path: str, force: bool, aside: ExitStack) -> list[str]:
    """Begin an archive; where another one goes, which stays until the new one has a session, in a folder of `aside`:
    its path then."""
    if not os.path.lexists(path):
        begin(path, force)
        return []
    _check_free(path, force)
    where = os.path.dirname(os.path.realpath(path))
    new = os.path.join(aside.enter_context(tempfile.TemporaryDirectory(prefix=".codec-archive-", dir=where)), "new.ncf")
    begin(new, force=False)
    return [new]


def _planned(target: str, sources: Sequence[str], name: str | None, recursive: bool) -> tuple[list[Job], Found]:
    """The videos to add, each with its session's name, and what is to be said of the others."""
    from codec.media.formats import VIDEO_SUFFIXES

    found = find(stdin_as_dash(sources), recursive=recursive, suffixes=VIDEO_SUFFIXES, output=None)
    if name is not None and len(found.inputs) != 1:
        raise click.UsageError("--name is of one video; add them one at a time")
    first: dict[str, str] = {}
    for one in found.inputs:
        session = default_name(one.path) if name is None else name
        if session in first:
            raise click.UsageError(
                f"{first[session]} and {one.path} would both become session {session!r}; add one of them with --name"
            )
        first[session] = one.path
    jobs = [Job(path, target, replace=True, session=session) for session, path in first.items()]
    return jobs, Found([], found.problems, found.notes)


def _add_all(
    target: str, jobs: list[Job], found: Found, request: VideoRequest, device: str, max_pixels: int,
    rest: dict[str, Any], new: str | None = None,
) -> None:  # fmt: skip
    """Add files to an archive that is there, or to one at `new` that takes its place with the first of them; `rest`:
    what BatchOptions has."""
    options = BatchOptions(**{**rest, "jobs": 1})
    taken: set[str] = set()
    if jobs and new is None:
        run_each([target], lambda path: taken.update(_names(path)))

    def settle(job: Job) -> Job | None:
        if job.session in taken:
            if options.skip_existing:
                return None
            raise CodecError(
                f"there is a session {job.session!r} in {target}; add this one by `codec archive add --name`, or leave "
                "it out by --skip-existing"
            )
        return job

    work = partial(_add, request=request, device=device, max_pixels=max_pixels, new=new)
    run_jobs(("adding", "added"), jobs, options, work=work, settle=settle, found=found)


def _names(path: str) -> list[str]:
    """Of the sessions that an archive has."""
    if not os.path.lexists(path):
        raise CodecError(f"there is no such archive; begin it with `codec archive create {path}`")
    return [placed.entry.name for placed in sessions_of(directory(path))]


def default_name(source: str) -> str:
    """Of a file its name without suffix; CodecError for standard input, which has none."""
    if source == STDIO:
        raise click.UsageError("standard input has no name; give one with --name")
    return os.path.splitext(os.path.basename(os.path.abspath(source)))[0]


def _add(
    job: Job, tell: Tell | None, *, request: VideoRequest, device: str, max_pixels: int, new: str | None
) -> Result:
    if new is None or not os.path.exists(new):
        return _add_to(job.target, job, tell, request, device, max_pixels)
    result = _add_to(new, job, tell, request, device, max_pixels)
    os.replace(new, os.path.realpath(job.target))
    return result


def _add_to(path: str, job: Job, tell: Tell | None, request: VideoRequest, device: str, max_pixels: int) -> Result:
    from codec import archive
    from codec.media.formats import check_head, is_video

    source = contents(job.source, check_head)
    if is_ncf(job.source):
        raise CodecError("it is an .ncf file already; add the video that it was made of")
    if not is_video(source):
        raise CodecError("it is no video, and an archive holds videos; encode it by `codec encode`")
    with archive.writing(path, max_pixels=max_pixels, device=device) as writer:
        if writer.cut:
            say(f"codec: {job.target}: cut off {writer.cut:,} bytes of an append that did not finish")
        writer.check_name(job.session)
        # What is there already has a say in what is encoded.
        salt = job.session, writer.archive.whole
        if request.keep:
            return _keep(job, source, tell, request, max_pixels, writer)
        made = prepared(job, source, tell, request, max_pixels, salt)

        def adding(part: IO[bytes], resume: bool) -> archive.Added:
            return writer.add(
                job.session, made.opened, part, made.codec, options=made.options, tell=made.heard, resume=resume,
                jobs=made.jobs, source=source,
            )  # fmt: skip

        added = _made(job, made.made_by, request.resume, adding)
    result = made.result(added.header, added.entry.frames, added.size, added.entry.own)
    return _told(result, job, added.entry.frames, added.taken)


def _made(job: Job, made_by: str, resume: bool, work: Callable[[IO[bytes], bool], Any]) -> Any:
    """What `work` makes of an unfinished file beside the archive."""
    # Those before it are in the archive by then.
    with resumable(job.target, made_by, resume, named=False, again="--skip-existing --resume") as part:
        return work(part, resume)


def _keep(
    job: Job, source: str | bytes, tell: Tell | None, request: VideoRequest, max_pixels: int, writer: Any
) -> Result:
    """Add one whose stream stays as it is."""
    started = time.perf_counter()
    with tempfile.TemporaryFile(dir=os.path.dirname(os.path.realpath(job.target))) as part:
        header, frames, notes = kept_into(part, source, tell, request, max_pixels)
        added = writer.add_file(job.session, part)
    seconds = time.perf_counter() - started
    result = encoded(job, header, frames, added.size, size_of(source), seconds, notes, {})
    return _told(result, job, frames, 0)


def _told(result: Result, job: Job, frames: int, taken: int) -> Result:
    """With the session's name, and how many of its frames were there."""
    row = {**result.row, "session": job.session, "taken": taken}
    what = f"{taken:,} frame{' is' if taken == 1 else 's are'}" if taken < frames else "all frames are"
    line = f"{result.line}; {what} those of earlier sessions" if taken else result.line
    return Result(row, line, result.note, result.bytes_before)
