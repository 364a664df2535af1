"""`codec archive verify` and `repair`: whether an archive is as it was written, and what to do if it isn't."""

from __future__ import annotations

import json
from itertools import count

import click

from codec.cli.archive.show import ARCHIVE_FILE, OWN_ARCHIVE, looked_at, tell_empty
from codec.cli.messages import run_each, say, shown, status
from codec.cli.options import Device


@click.command(short_help="Decode the videos in an archive and compare them with what was added.")
@click.argument("path", metavar="ARCHIVE", type=ARCHIVE_FILE)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--device", type=Device(), metavar="auto|cpu|cuda|cuda:N", default="auto", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a session on stdout.")
def verify(path: str, names: tuple[str, ...], device: str, as_json: bool) -> None:
    """Decode the videos in an archive, all or those that are named, and compare them with what was added.

    \b
    codec archive verify all.ncf

    Of each the SHA-256 of all pictures is in the archive. A video that doesn't depend on a damaged one is whole.
    """
    run_each([path], lambda path: _verify(path, names, device, as_json))


def _verify(path: str, names: tuple[str, ...], device: str, as_json: bool) -> None:
    from codec import archive

    failed = 0
    with looked_at(path) as found:
        failed += bool(found.unfinished)
        tell_empty(path, len(found.sessions))
        numbers = [found.number(name) for name in names] or None
        total, begun = len(numbers or found.sessions), count(1)

        def tell(number: int) -> None:
            status(f"verifying session {next(begun)} of {total}")

        for verdict in archive.verify(found, numbers, device=device, tell=tell):
            status("")
            if verdict.error:
                failed += 1
                say(f"codec: {path}: {verdict.error}")
            if as_json:
                error = {"error": str(verdict.error)} if verdict.error else {}
                values = {"file": path, "name": verdict.name, "number": verdict.number, "frames": verdict.frames}
                click.echo(json.dumps({**values, "whole": not verdict.error, **error}))
            elif not verdict.error:
                click.echo(f"{shown(verdict.name)}: {verdict.frames:,} frames are as they were added")
    if failed:
        raise click.exceptions.Exit(1)


@click.command(short_help="Cut off what an append that did not finish left.")
@click.argument("archives", metavar="ARCHIVE...", nargs=-1, required=True, type=OWN_ARCHIVE)
def repair(archives: tuple[str, ...]) -> None:
    """Cut off what an append that did not finish left behind the last video of an archive.

    \b
    codec archive repair all.ncf

    Nothing else is touched, and `codec archive add` does the same before it adds.
    """
    from codec import archive

    def work(path: str) -> None:
        with archive.writing(path) as writer:
            count = len(writer.archive.sessions)
            what = f"cut off {writer.cut:,} bytes" if writer.cut else "nothing to cut off"
            click.echo(f"{shown(path)}: {what}; {count} session{'' if count == 1 else 's'}")

    run_each(archives, work)
