"""`codec archive list`, `info` and `stats`: what is in an archive, without decoding it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import click

from codec import urls
from codec.cli.messages import run_each, say, shown

if TYPE_CHECKING:
    from codec.archive import Archive
    from codec.container import Directory, Placed


class _ArchiveFile(click.Path):
    """The name of an archive. It is read at any place, and changed where it stands, so it can't come through a pipe."""

    def __init__(self, changed: bool = False) -> None:
        super().__init__(readable=False)
        self._changed = changed

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "-":
            self.fail("an archive can't come through standard input; name its file", param, ctx)
        path = urls.plain(str(super().convert(value, param, ctx)))
        if self._changed and urls.is_url(path):
            self.fail("an archive grows where it stands, on a disk; name a file, and copy it there", param, ctx)
        return path


ARCHIVE_FILE = _ArchiveFile()
OWN_ARCHIVE = _ArchiveFile(changed=True)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")


def directory(path: str) -> Directory:
    """The sessions of an archive, read from its entries alone."""
    from codec.container import read_directory

    with urls.opened(path, buffering=0) as fp:
        return read_directory(fp)


def sessions_of(found: Directory) -> list[Placed]:
    """Those whose entries are whole."""
    from codec.container import Placed

    return [one for one in found.sessions if isinstance(one, Placed)]


@contextmanager
def looked_at(path: str) -> Iterator[Archive]:
    """An archive to read; of an append that didn't finish a line is told."""
    from codec import archive

    with archive.opened(path) as found:
        tell_unfinished(path, len(found.sessions), found.unfinished)
        yield found


def tell_unfinished(path: str, sessions: int, left: int) -> None:
    """A line about bytes behind the last session, if there are some."""
    if left:
        whole = f"{sessions} session{' is' if sessions == 1 else 's are'} whole"
        say(
            f"codec: {path}: it is truncated, or an append did not finish: {whole}, and {left:,} bytes behind them are "
            f"none; get a whole copy, or cut them off by `codec archive repair {path}`"
        )


def tell_empty(path: str, sessions: int) -> None:
    """A line where there is nothing to tell of."""
    if not sessions:
        say(f"codec: {path}: there are no videos in it; add some by `codec archive add {path} clip.mp4`")


@click.command("list", short_help="List the videos in archives.")
@click.argument("archives", metavar="ARCHIVE...", nargs=-1, required=True, type=ARCHIVE_FILE)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a session on stdout.")
def list_(archives: tuple[str, ...], as_json: bool) -> None:
    """List the videos in archives; nothing but the index is read.

    \b
    codec archive list all.ncf
    codec archive list --json all.ncf
    """
    run_each(archives, lambda path: print_list(path, as_json))


def print_list(path: str, as_json: bool) -> None:
    """Print a line for each session of an archive. Exit 1 if an entry is damaged."""
    from codec.container import Placed

    found = directory(path)
    rows = _rows(found)
    if as_json:
        for one in rows:
            click.echo(json.dumps({"file": path, **one}))
    else:
        frames, size = sum(one["frames"] for one in rows), found.size
        click.echo(f"{shown(path)}  archive of {len(found.sessions)} videos, {frames:,} frames, {size:,} bytes")
        width = max(len(shown(name)) for name in ["name", *(one["name"] for one in rows)])
        if rows:
            click.echo(f"  {'name':<{width}}  {'added (UTC)':<16} {'frames':>9} {'own':>9} {'bytes':>13}  needs")
        for one in rows:
            date = one["date"][:16].replace("T", " ")
            line = (
                f"  {shown(one['name']):<{width}}  {date:<16} {one['frames']:>9,} {one['own']:>9,} {one['bytes']:>13,}"
            )
            click.echo(line + (f"  {', '.join(map(shown, one['depends']))}" if one["depends"] else ""))
    tell_unfinished(path, len(found.sessions), found.size - found.whole)
    wrong = [one for one in found.sessions if not isinstance(one, Placed)]
    for error in wrong:
        say(f"codec: {path}: {error}")
    if wrong:
        raise click.exceptions.Exit(1)


def _rows(found: Directory) -> list[dict[str, Any]]:
    """What the entries say, as plain values."""
    placed = sessions_of(found)
    names = {one.entry.number: one.entry.name for one in placed}
    return [
        {
            "name": one.entry.name, "number": one.entry.number, "date": date_of(one.entry.date),
            "frames": one.entry.frames, "own": one.entry.own, "bytes": one.end - one.start,
            "depends": [names.get(n, f"session {n}") for n in (one.entry.number - d for d in one.entry.depends)],
            "sha256": one.entry.digest.hex(),
        }
        for one in placed
    ]  # fmt: skip


def date_of(seconds: int) -> str:
    """ISO 8601, UTC; "" for what no calendar has."""
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).isoformat().replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return ""


@click.command(short_help="Show what an archive, or a video in it, is.")
@click.argument("path", metavar="ARCHIVE", type=ARCHIVE_FILE)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@_JSON
def info(path: str, names: tuple[str, ...], as_json: bool) -> None:
    """Show what the videos in an archive are: all of them, or those that are named.

    \b
    codec archive info all.ncf
    codec archive info all.ncf clip
    """
    run_each([path], lambda path: _print_info(path, names, as_json))


def _print_info(path: str, names: tuple[str, ...], as_json: bool) -> None:
    from codec.archive.describe import describe

    with looked_at(path) as found:
        numbers = [found.number(name) for name in names] or range(len(found.sessions))
        tell_empty(path, len(found.sessions))

        def work(number: str) -> None:
            values = describe(found, int(number))
            values["date"] = date_of(values["date"])
            click.echo(json.dumps({"file": path, **values}) if as_json else _table(values))

        run_each(list(map(str, numbers)), work, path)


def _table(values: dict[str, Any]) -> str:
    kept = ", ".join(f"{name} {size:,} bytes" for name, size in values["metadata"].items())
    rows = {
        "added": values["date"],
        "codec": values["codec"] or "none: all frames are those of others",
        "size": f"{values['width']} x {values['height']}, {values['frames']:,} frames, {values['seconds']:.1f} s",
        "rate": values["rate"],
        "quality": f"{values['quality']:g}" if values["quality"] is not None else None,
        "metadata": kept or "none",
        "own": f"{values['own']:,} frames",
        "needs": ", ".join(map(shown, values["depends"])) or "no other",
        "bytes": f"{values['bytes']:,} ({values['bpp']:.3f} bpp)",
    }
    lines = [f"  {name:<9} {value}" for name, value in rows.items() if value is not None]
    lines += [f"  {'frames':<9} {first} to {last}: {what}" for first, last, what in values["segments"]]
    lines += [f"  {'networks':<9} {_begun(one)}" for one in values["begins"]]
    return "\n".join([shown(values["name"]), *lines])


_LABELS = {
    "segments": "runs of frames",
    "dependent_sessions": "sessions that need others",
    "saved_bytes": "saved bytes, about",
}


def _begun(one: dict[str, Any]) -> str:
    """What networks begin from, as a line."""
    which = f"{one['networks']} of unit" if one["networks"] else "unit"
    return f"{which} {one['unit']} from unit {one['from']} of {shown(one['session'])}"


@click.command(short_help="Say where the bytes of an archive go, and what sharing saves.")
@click.argument("path", metavar="ARCHIVE", type=ARCHIVE_FILE)
@_JSON
def stats(path: str, as_json: bool) -> None:
    """Say where the bytes of an archive go, and what sharing saves.

    \b
    codec archive stats all.ncf
    """
    run_each([path], lambda path: _print_stats(path, as_json))


def _print_stats(path: str, as_json: bool) -> None:
    from codec.archive.describe import totals

    with looked_at(path) as found:
        values = totals(found)
    if as_json:
        click.echo(json.dumps({"file": path, **values}))
        return
    click.echo(shown(path))
    for name, value in values.items():
        click.echo(f"  {_LABELS.get(name, name.replace('_', ' ')):<27} {value:>15,}")
