"""Which file goes where, and what is refused. Nothing here knows what is in a file. "-" is standard input or output."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeAlias

import click

from codec import urls
from codec.errors import CodecError

FileId: TypeAlias = tuple[int, int] | str  # device and inode; of what is behind a URL, that

STDIO = "-"
_STDOUT = ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")
_NAMELESS = ("/dev/fd/", "/proc/self/fd/")  # what a shell makes of <(command)
_STDIN = ("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")


@dataclass(frozen=True)
class Input:
    """A file to read; `inside` is its path below the folder it was found in, "" if it was named itself."""

    path: str
    inside: str = ""


@dataclass(frozen=True)
class Job:
    """One input and the output it becomes; either may be "-". `mirrored`: the folders of the output are made.
    `replace`: what has the output's name may be replaced; `taken`: the name that it would have, were that free.
    `session`: of an archive, which is the source, or the target."""

    source: str
    target: str
    mirrored: bool = False
    replace: bool = False
    taken: str = ""
    session: str = ""


@dataclass(frozen=True)
class Names:
    """The outputs of a command that it names itself: `name` turns a source into one. `replaceable`: whether -f may
    replace a file of that name, given it and the source. `apart`: put into the name where what has it may not be
    replaced ("a.decoded.png"); without one that is refused. `leave`: whether an input that was found in a folder is
    left out."""

    name: Callable[[str], str]
    replaceable: Callable[[str, str], bool]
    apart: str = ""
    leave: Callable[[str], bool] = lambda source: False


def stdin_as_dash(sources: Sequence[str]) -> list[str]:
    """The sources with every name of standard input as "-"; UsageError if it is there twice."""
    found = [STDIO if source in _STDIN else source for source in sources]
    if found.count(STDIO) > 1:
        raise click.UsageError("standard input can be read only once: '-' is given twice")
    return found


def plan(inputs: Sequence[Input], output: str | None, name: Callable[[str], str], make: bool = True) -> list[Job]:
    """Pair every input with its target; `name` turns a source into its default target.

    `output` is a file (for one source), a directory (existing, or ending in a slash: then it is made; always,
    if an input was found in a folder), "-", or None: beside the source. UsageError, before any work, for what
    can't be done as a whole: two inputs with one target, several inputs into one file. `make`: the directory, now.
    """
    if output == "":
        raise click.UsageError("-o is empty; give the name of a file or folder")
    walked = any(i.inside for i in inputs)
    into_folder = output is not None and (walked or is_folder(output))
    if output is not None and walked and (output in _STDOUT or os.path.isfile(output)):
        raise click.UsageError(f"a folder can't become the one file {output!r}; name a directory with -o")
    if output is not None and not into_folder and len(inputs) > 1:
        raise click.UsageError(
            f"{len(inputs)} inputs can't become one output; make {output!r} a directory, or end it with a slash"
        )
    jobs = [_job(i, output, into_folder, name) for i in inputs]
    taken: dict[str, str] = {}
    for job in jobs:
        if job.target == STDIO:
            continue
        key = place(job.target)
        if key in taken:
            raise click.UsageError(
                f"{taken[key]!r} and {job.source!r} would both become {job.target!r}; name their outputs with -o, "
                "one at a time"
                if taken[key] != job.source
                else f"{job.source!r} is given twice; leave one out"
            )
        taken[key] = job.source
    if output is not None and into_folder and not urls.is_url(output):
        if not make:
            return [replace(job, mirrored=True) for job in jobs]
        os.makedirs(output, exist_ok=True)
    return jobs


def is_folder(path: str) -> bool:
    """Whether a path or URL names a folder: it is there, or it ends as one does."""
    if path.endswith(("/", os.sep)):
        return True
    if urls.is_url(path):
        return not os.path.splitext(urls.named(path))[1] and urls.is_folder(path)
    return os.path.isdir(path)


def place(path: str) -> str:
    """What is the same for all names of a file."""
    return path if urls.is_url(path) else os.path.normcase(os.path.realpath(path))


def _job(source: Input, output: str | None, into_folder: bool, name: Callable[[str], str]) -> Job:
    if output is not None and not into_folder:
        return Job(source.path, STDIO if output in _STDOUT else output)
    if source.path == STDIO or source.path.startswith(_NAMELESS):
        if into_folder:
            what = "standard input" if source.path == STDIO else source.path
            raise click.UsageError(f"{what} has no name to use in a directory; give a file with -o")
        return Job(source.path, STDIO)
    if output is None:
        if urls.is_url(source.path) and "::" in source.path:
            raise click.UsageError(f"{source.path} is inside of another file; name the output with -o")
        return Job(source.path, name(source.path))
    mirrored = os.path.join(output, os.path.dirname(source.inside))
    # By the whole path: a name may ask what is in the file.
    return Job(source.path, os.path.join(mirrored, os.path.basename(name(source.path))), bool(source.inside))


def check(job: Job, inputs: Mapping[FileId, str], make: bool = True) -> None:
    """Refuse an output that is an input (under any name), is a terminal, or whose directory can't be written to.

    `inputs` is `file_ids` of all sources. A folder that is `mirrored` is made, unless `make` is False.
    """
    if job.target == STDIO:
        if sys.stdout.isatty():
            raise CodecError("won't write binary data to a terminal; redirect it, or name a file with -o")
        return
    remote = urls.is_url(job.target)
    if remote:
        urls.check_writable(job.target)
    elif os.path.islink(os.path.realpath(job.target)):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), job.target)
    elif os.path.isdir(job.target):
        raise CodecError(f"the output {job.target} is a folder that is there already; name another with -o")
    for same in file_ids([job.target]):
        if same in inputs:
            raise CodecError(f"the output {job.target} is the input {inputs[same]}; name another with -o")
    if remote:  # folders are made, where there are any
        return
    folder = os.path.dirname(os.path.realpath(job.target))
    if job.mirrored and not os.path.isdir(folder):
        if not make:
            return
        os.makedirs(folder, exist_ok=True)
    if not os.path.isdir(folder):
        raise CodecError(f"the output {job.target} is in a directory that doesn't exist; make it first")
    if not os.path.exists(job.target) and not os.access(folder, os.W_OK):
        reason = errno.EROFS if os.statvfs(folder).f_flag & os.ST_RDONLY else errno.EACCES
        raise OSError(reason, os.strerror(reason), job.target)


def file_ids(paths: Sequence[str]) -> dict[FileId, str]:
    """The identity of each path that is a regular file, the same for all its names and links; and of each URL."""
    found: dict[FileId, str] = {urls.identity(path): path for path in paths if urls.is_url(path)}
    for path in paths:
        with suppress(OSError, ValueError):
            status = os.stat(path)
            if stat.S_ISREG(status.st_mode):
                found[status.st_dev, status.st_ino] = path
    return found
