"""Which file goes where, and how it gets there: names, refusals, atomic writes, one-line errors.

Nothing here knows what is in a file. "-" is standard input or output.
"""

from __future__ import annotations

import errno
import io
import os
import secrets
import shutil
import stat
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeAlias, cast

import click

from codec.errors import CodecError

FileId: TypeAlias = tuple[int, int]  # device and inode

STDIO = "-"
_STDOUT = ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")
_STDIN = ("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")

_REMEDIES = {
    errno.ENOENT: "check the name",
    errno.EISDIR: "name the files in it",
    errno.ENOTDIR: "check the name",
    errno.EACCES: "change its permissions, or write elsewhere with -o",
    errno.EPERM: "change its permissions, or write elsewhere with -o",
    errno.EROFS: "write elsewhere with -o",
    errno.ENOSPC: "free some space, or write elsewhere with -o",
    errno.EDQUOT: "free some space, or write elsewhere with -o",
}


@dataclass(frozen=True)
class Job:
    """One input and the output it becomes; either may be "-"."""

    source: str
    target: str


def plan(sources: Sequence[str], output: str | None, name: Callable[[str], str]) -> list[Job]:
    """Pair every source with its target; `name` turns a source into its default target.

    `output` is a file (for one source), a directory (existing, or ending in a slash: then it is made), "-", or
    None: beside the source. UsageError, before any work, for what can't be done as a whole: two sources with
    one target, several sources into one file.
    """
    sources = [STDIO if source in _STDIN else source for source in sources]
    if sources.count(STDIO) > 1:
        raise click.UsageError("standard input can be read only once: '-' is given twice")
    into_folder = output is not None and (output.endswith(("/", os.sep)) or os.path.isdir(output))
    if output is not None and not into_folder and len(sources) > 1:
        raise click.UsageError(
            f"{len(sources)} inputs can't become one output; make {output!r} a directory, or end it with a slash"
        )
    jobs = [Job(source, _target(source, output, into_folder, name)) for source in sources]
    taken: dict[str, str] = {}
    for job in jobs:
        key = os.path.normcase(os.path.realpath(job.target))
        if key in taken:
            raise click.UsageError(
                f"{taken[key]!r} and {job.source!r} would both become {job.target!r}; name their outputs with -o, "
                "one at a time"
            )
        taken[key] = job.source
    if output is not None and into_folder:
        os.makedirs(output, exist_ok=True)
    return jobs


def _target(source: str, output: str | None, into_folder: bool, name: Callable[[str], str]) -> str:
    if output is not None and not into_folder:
        return STDIO if output in _STDOUT else output
    if source == STDIO:
        if into_folder:
            raise click.UsageError("standard input has no name to use in a directory; give a file with -o")
        return STDIO
    target = name(source)
    return os.path.join(output, os.path.basename(target)) if output is not None else target


def check_target(job: Job, inputs: Mapping[FileId, str], force: bool) -> None:
    """Refuse, before any work, an output that is an input (under any name), exists (without `force`), is a
    terminal, or whose directory can't be written to. `inputs` is `file_ids` of all sources."""
    if job.target == STDIO:
        if sys.stdout.isatty():
            raise CodecError("won't write binary data to a terminal; redirect it, or name a file with -o")
        return
    if os.path.isdir(job.target):
        raise CodecError(f"the output {job.target} is a directory; name a file with -o")
    for same in file_ids([job.target]):
        if same in inputs:
            raise CodecError(f"the output {job.target} is the input {inputs[same]}; name another with -o")
        if not force:
            raise CodecError(f"the output {job.target} exists already; use -f to overwrite it")
    folder = os.path.dirname(os.path.realpath(job.target))
    if os.path.isdir(folder) and not os.path.exists(job.target) and not os.access(folder, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), job.target)
    if not os.path.isdir(folder):
        raise CodecError(f"the output {job.target} is in a directory that doesn't exist; make it first")


def file_ids(paths: Sequence[str]) -> dict[FileId, str]:
    """The identity of each path that is a regular file, the same for all its names and links."""
    found = {}
    for path in paths:
        with suppress(OSError, ValueError):
            status = os.stat(path)
            if stat.S_ISREG(status.st_mode):
                found[status.st_dev, status.st_ino] = path
    return found


@contextmanager
def atomic_write(target: str) -> Iterator[IO[bytes]]:
    """A binary file that appears under the name `target` complete, or not at all.

    Until then it is `.NAME.part-XXXX` beside it, which any exception removes. Pipes, devices and standard
    output are written directly.
    """
    if target == STDIO:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        if os.path.exists(target) and not os.path.isfile(target):
            with open(target, "wb") as fp:
                yield fp
            return
        final = Path(os.path.realpath(target))  # through a symlink, not in its place
        # The name is cut because a suffix must not push it over the limit of the file system.
        part = final.with_name(f".{final.name[:48]}.part-{secrets.token_hex(4)}")
        try:
            with open(part, "xb") as fp:
                yield fp
                fp.flush()
                os.fsync(fp.fileno())
            if final.exists():
                shutil.copymode(final, part)
            os.replace(part, final)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    except OSError as error:
        # The user knows the file by the name he gave.
        if error.errno != errno.EPIPE:
            raise OSError(error.errno, error.strerror, target) from error
        raise


def read_stdin() -> bytes:
    """All of standard input; CodecError if that is a terminal."""
    if sys.stdin.isatty():
        raise CodecError("standard input is a terminal; name a file, or redirect one into it")
    # Piece by piece, because read() does not look at signals between the pieces.
    buffer = cast(io.BufferedReader, sys.stdin.buffer)
    return b"".join(iter(lambda: buffer.read1(2**20), b""))


def run_batch(sources: Sequence[str], work: Callable[[str], None]) -> None:
    """Call `work` on each source; a failure is one line on stderr, and the others go on. Exit 1 if any failed."""
    failed = False
    for source in sources:
        try:
            work(source)
        except BrokenPipeError:
            raise
        except (CodecError, OSError, MemoryError, RuntimeError) as error:
            if not isinstance(error, (CodecError, OSError)) and not _out_of_memory(error):
                raise
            failed = True
            status("")
            click.echo(f"codec: {explain(error, source)}", err=True)
    if failed:
        raise click.exceptions.Exit(1)


def explain(error: BaseException, source: str = "") -> str:
    """An expected error as one line: FILE: what; what to do."""
    if isinstance(error, OSError) and not isinstance(error, CodecError):
        what = error.strerror or str(error)
        remedy = _REMEDIES.get(error.errno or 0)
        name = os.fsdecode(error.filename) if isinstance(error.filename, (str, bytes)) else source
        text = what[:1].lower() + what[1:] + (f"; {remedy}" if remedy else "")
    elif _out_of_memory(error):
        name, text = source, "not enough memory; use a smaller image, or --device cpu if it was a GPU's"
    else:
        name, text = source, str(error)
    text = " ".join(text.split())
    return text if not name or text.startswith(f"{name}: ") else f"{name}: {text}"


def _out_of_memory(error: BaseException) -> bool:
    """torch has its own errors for this, and the command line doesn't import torch to know them."""
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "can't allocate memory" in str(error)
    )


def status(text: str) -> None:
    """Show `text` as the passing status line of a terminal ("" removes it); nothing elsewhere."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{text}", err=True, nl=False)
