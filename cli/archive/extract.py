"""`codec archive extract`: videos out of an archive."""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from functools import partial
from typing import Any

import click

from codec.cli.archive.show import ARCHIVE_FILE, directory, sessions_of, tell_empty, tell_unfinished
from codec.cli.batch import Result, Tell, run_jobs
from codec.cli.existing import Existing
from codec.cli.files import Job, Names, file_ids, is_folder
from codec.cli.made import replaceable
from codec.cli.messages import run_each
from codec.cli.options import FILE, BatchOptions, run_options
from codec.cli.video import check_target, picture_options, write_decoded

_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d) *(\..*)?", re.IGNORECASE)  # what Windows takes for one
_LONGEST = 200  # bytes of a name that a file system takes with what is put behind it


@click.command(short_help="Take videos out of an archive.")
@click.argument("path", metavar="ARCHIVE", type=ARCHIVE_FILE)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option(
    "-o", "--output", metavar="OUT", type=FILE,
    help="A file (mp4 mkv y4m), a directory (of all videos, if none is named), or - for a y4m stream.",
)  # fmt: skip
@click.option("-f", "--force", is_flag=True, help="Overwrite existing files.")
@click.option("--skip-existing", is_flag=True, help="Leave outputs that exist; they are complete.")
@picture_options
@run_options("Where to compute.")
def extract(
    path: str, names: tuple[str, ...], frames: tuple[int, int] | None, base: bool, png: bool, no_audio: bool,
    device: str, max_pixels: int, **rest: Any,
) -> None:  # fmt: skip
    """Take videos out of an archive; no more is read of it than they need.

    \b
    codec archive extract all.ncf clip                    writes clip.mp4
    codec archive extract all.ncf clip -o clip.mkv        every decoded pixel (FFV1)
    codec archive extract all.ncf clip --frames 20..40 --png
    codec archive extract all.ncf -o out/                 all of them
    """
    options = BatchOptions(**rest)
    if options.force and options.skip_existing:
        raise click.UsageError("--force overwrites existing files and --skip-existing leaves them; choose one")
    if not names and options.output is None:
        raise click.UsageError("name a video, or a directory for all of them with -o")
    listed: list[str] = []

    def look(path: str) -> None:
        found = directory(path)
        tell_unfinished(path, len(found.sessions), found.size - found.whole)
        tell_empty(path, len(found.sessions))
        listed.extend(one.entry.name for one in sessions_of(found))

    run_each([path], look)
    jobs = _jobs(path, tuple(dict.fromkeys(names or listed)), options.output, png, bool(names))
    existing = Existing(
        jobs, file_ids([path]), options.output, Names(str, replaceable, "extracted"), options.force,
        options.skip_existing,
    )  # fmt: skip
    work = partial(
        _extract, frames=frames, base=base, png=png, audio=not no_audio, device=device, max_pixels=max_pixels
    )
    run_jobs(("extracting", "extracted"), jobs, options, work=work, settle=existing.settled)


def _jobs(path: str, names: tuple[str, ...], output: str | None, png: bool, named: bool) -> list[Job]:
    into_folder = output is not None and is_folder(output)
    if output is not None and not into_folder:
        if not named or len(names) > 1:
            raise click.UsageError(f"several videos can't become one output; make {output!r} a directory")
        return [Job(path, output, session=names[0])]
    if output is not None:
        os.makedirs(output, exist_ok=True)
    files = [_file_name(name) + ("" if png else ".mp4") for name in names]
    if twice := [name for name, count in Counter(files).items() if count > 1]:
        raise click.UsageError(f"two videos would both become {twice[0]!r}; name their outputs with -o, one at a time")
    return [Job(path, os.path.join(output or "", file), session=name) for name, file in zip(names, files, strict=True)]


def _file_name(name: str) -> str:
    """A session's name as that of a file, in whatever folder it is wanted."""
    plain = "".join("_" if c in '/\\:*?"<>|' or not c.isprintable() else c for c in name)
    plain = "_" + plain[1:] if plain.startswith((".", "-")) else plain
    plain = "_" + plain if _DEVICE.fullmatch(plain) else plain
    return plain.encode()[:_LONGEST].decode(errors="ignore")


def _extract(
    job: Job, tell: Tell | None, *, frames: tuple[int, int] | None, base: bool, png: bool, audio: bool, device: str,
    max_pixels: int,
) -> Result:  # fmt: skip
    from codec import archive

    started = time.perf_counter()
    check_target(job.target, png)
    with archive.opened(job.source, max_pixels=max_pixels) as found:
        number = found.number(job.session)
        session = archive.open_session(found, number, device=device, base=base)
        placed = found.placed(number)
        result = write_decoded(job, session, placed.end - placed.start, tell, frames, png, audio, started)
    line = result.line.replace(job.source, f"{job.source}: {job.session}", 1)
    return Result({**result.row, "session": job.session}, line, result.note, result.bytes_before)
