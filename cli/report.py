"""`codec report`: rows of evaluations as one page, and as tables."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from codec.cli.files import STDIO, Job, check, file_ids
from codec.cli.messages import say, status
from codec.cli.options import FILE
from codec.cli.progress import PartsLine
from codec.cli.streams import atomic_write
from codec.errors import CodecError

if TYPE_CHECKING:
    from codec.report import Pictures, Report


@click.command(short_help="Make a page of an evaluation's rows.")
@click.argument("rows", metavar="ROWS...", nargs=-1, type=FILE)
@click.option("-o", "--output", metavar="OUT", default="report.html", show_default=True, type=FILE, help="The page.")
@click.option("-f", "--force", is_flag=True, help="Overwrite existing files.")
@click.option(
    "--anchor",
    metavar="NAME",
    default="",
    help="What BD-rates are against at first.  [default: jpeg, mp3, x264, or the first]",
)
@click.option("--published", metavar="FILE", multiple=True, type=FILE, help="A result of CompressAI, drawn along.")
@click.option("--pictures", metavar="FOLDER", type=FILE, help="Where `evaluate --keep` kept the files, for a viewer.")
@click.option("--csv", "csv_file", metavar="FILE", type=FILE, help="Write the means as CSV too.")
@click.option("--markdown", "markdown_file", metavar="FILE", type=FILE, help="Write the tables as Markdown too.")
@click.option("--gate", "gates", metavar="EXPR", multiple=True, help="Fail where no point is as good; repeatable.")
@click.option("--title", metavar="TEXT", default="", help="The page's title.")
def report(
    rows: tuple[str, ...], output: str, force: bool, anchor: str, published: tuple[str, ...], pictures: str | None,
    csv_file: str | None, markdown_file: str | None, gates: tuple[str, ...], title: str,
) -> None:  # fmt: skip
    """Make one page of an evaluation's rows: curves, intervals, BD-rates, every file, and the pictures themselves,
    of videos some frames.

    \b
    codec report rows.jsonl                         writes report.html
    codec report shard-*.jsonl --anchor webp        several files are one run
    codec report rows.jsonl --pictures kept/        with a viewer of what was decoded
    codec report rows.jsonl --published vtm.json    with a published curve
    codec report rows.jsonl --gate "s2lic:task.classify.agree>=0.9@bpp<=0.3"

    The page is one file that loads nothing: it can be opened from disk, sent and printed. In it any codec can be
    chosen as the anchor of BD-rates, and every table can be saved as CSV or JSON. With a gate the exit
    code is 1 if no point of the codec (of any, if none is named) is as good at such a rate.
    """
    from codec import report as reports
    from codec.evaluate import log

    if not rows and not published:
        raise click.UsageError("give files of rows, as `codec evaluate -o rows.jsonl` writes them, or --published")
    bars = [reports.parse_gate(text) for text in gates]
    # The page first: an order that errors and the reader can count on.
    targets = [t for t in (output, csv_file, markdown_file) if t is not None]
    _check_targets(targets, [*rows, *published], force)
    status("working out curves and BD-rates ...")
    found = reports.build(log.read(map(Path, rows)), reports.read_published(map(Path, published)), anchor, title)
    texts = {output: _page(found, pictures)}
    status("")
    if csv_file is not None:
        texts[csv_file] = reports.csv_table(found)
    if markdown_file is not None:
        texts[markdown_file] = reports.markdown_table(found)
    for target, text in texts.items():
        with atomic_write(target) as fp:
            fp.write(text.encode())
        if target != STDIO:
            say(f"wrote {target}, {len(text.encode()):,} bytes")
    if found.errors:
        count = "1 row is an error" if len(found.errors) == 1 else f"{len(found.errors)} rows are errors"
        say(f"codec: {count}; the report lists them")
    curves = [(s.rate, c) for s in found.sections for c in s.curves]
    failed = [(bar.text, why) for bar in bars if (why := bar.failed(curves))]
    for text, why in failed:
        say(f"codec: gate {text}: failed, {why}")
    if failed:
        raise SystemExit(1)


def _check_targets(targets: Sequence[str], inputs: Sequence[str], force: bool) -> None:
    if len(set(targets)) < len(targets):
        raise click.UsageError("two of the outputs have one name; give each its own")
    for target in targets:
        check(Job(inputs[0], target), file_ids(inputs))
        if os.path.isfile(target) and not force:
            raise CodecError(f"the output {target} exists already; name another with -o, or overwrite it with -f")


def _page(found: Report, folder: str | None) -> str:
    from codec import report as reports

    plain = reports.page(found)
    sections = [s for s in found.sections if s.media != "audio"]
    if folder is None:
        return plain
    if not sections:
        say("codec: --pictures is of pictures and videos, and these rows are of neither; leave it out")
    room = reports.PAGE_BYTES - len(plain.encode()) - 100_000  # for what is said of the pictures
    pictures: dict[str, Pictures] = {}
    for number, section in enumerate(sections):
        share = room // (len(sections) - number)
        what = "frames" if section.media == "video" else "pictures"
        line = PartsLine(f"{what} for the viewer")
        pictures[section.media] = reports.collect(section, Path(folder), share, line.show)
        status("")
        _tell(pictures[section.media], what)
        room -= sum(len(v) for i in pictures[section.media].images for v in (i["thumb"], *i["versions"].values()))
    return reports.page(found, pictures)


def _tell(pictures: Pictures, what: str) -> None:
    if pictures.missing:
        more = f", and {len(pictures.missing) - 1} more" if len(pictures.missing) > 1 else ""
        say(f"codec: not in the viewer: {pictures.missing[0]}{more}")
    elif not pictures.images:
        say("codec: no row names a kept file; evaluate with --keep FOLDER to have pictures in the report")
    if pictures.left_out:
        say(f"codec: the page has room for {len(pictures.images)} {what}; {pictures.left_out} are left out")
