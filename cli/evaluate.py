"""`codec evaluate`: rate, distortion and what machines still see, from real files of pictures, sound or video."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from codec import urls
from codec.cli.made import is_ncf
from codec.cli.messages import explain, is_expected, say, status
from codec.cli.options import OnDisk, engine_options, where
from codec.cli.progress import PartsLine
from codec.errors import CodecError

if TYPE_CHECKING:
    from codec.engines import Failed, Where
    from codec.evaluate import Plan
    from codec.evaluate.run import Job, Work
    from codec.urls import Place

Row = dict[str, Any]


class _Place(click.Path):
    """A path that is there, or a URL."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        place = urls.plain(str(value))
        return place if urls.is_url(place) else Path(str(super().convert(place, param, ctx)))


@click.command(short_help="Measure codecs on files: rate, distortion, machine perception.")
@click.argument("paths", nargs=-1, required=True, type=_Place(exists=True))
@click.option(
    "--codec", "specs", multiple=True, required=True, help="As s2lic:q=10..90:20 or x264:crf=24,32; repeatable."
)
@click.option("-o", "--output", type=OnDisk(path_type=Path), help="Rows as JSON lines; what is there is not redone.")
@click.option(
    "--metric", "metrics", multiple=True, help="As psnr, ssim, deep.efflite0; without any, the usual ones; repeatable."
)
@click.option("--task", "tasks", multiple=True, help="As classify; `codec tasks` lists all; repeatable.")
@click.option("--weights", multiple=True, metavar="NAME=FILE", help="A file that a task or metric needs; repeatable.")
@click.option("--anchor", help="Codec that BD-rates are against, e.g. jpeg.")
@click.option(
    "-j", "--jobs", type=click.IntRange(min=0), metavar="N",
    help="Files to work on at once, each in a process; 0: one per core.  [default: 1; with ray, of all cores]",
)  # fmt: skip
@engine_options
@click.option(
    "--shard", default="1/1", show_default=True, metavar="I/N", help="Only every N-th file, from the I-th on."
)
@click.option(
    "--keep",
    type=OnDisk(file_okay=False, path_type=Path),
    help="Folder to keep encoded files in, for the report's viewer.",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON lines.")
@click.option(
    "--compressai", type=OnDisk(path_type=Path), help="Folder to write each codec's curve to, in CompressAI's JSON."
)
def evaluate(
    paths: tuple[Place, ...],
    specs: tuple[str, ...],
    output: Path | None,
    metrics: tuple[str, ...],
    tasks: tuple[str, ...],
    weights: tuple[str, ...],
    anchor: str | None,
    jobs: int | None,
    engine: str,
    address: str | None,
    shard: str,
    keep: Path | None,
    device: str,
    as_json: bool,
    compressai: Path | None,
) -> None:
    """Encode and decode files with several codecs; print mean rates, metrics, scores, times and BD-rates.

    \b
    codec evaluate kodak/ --codec s2lic:q=10..90:20 --codec webp:q=20..90:10 --anchor webp -o rows.jsonl
    codec evaluate photos/ --codec jpeg:q=5,10,20 --codec png --task classify -o rows.jsonl
    codec evaluate speech/ --codec opus:kbps=6,12 --codec mp3:kbps=8,16 --task speech -o rows.jsonl
    codec evaluate clips/ --codec nirvana:q=20,50,80 --codec x264:crf=24,32,40 --anchor x264 -o rows.jsonl
    codec report rows.jsonl -o report.html

    Other people's codecs: jpeg, webp, avif, jpeg2000, png, with their packages jxl, heic and CompressAI's models;
    for sound mp3, opus, aac, flac; for video x264, x265, svt-av1, vp9 (and x264-intra and so on) and ffv1. Of videos
    also the streams that nirvana is over, alone: base-svt-av1, base-x265 and so on. With archive- before a codec of
    ours (archive-nirvana:q=50) all videos, in their order, are sessions of one archive, and those before each are
    decoded again.

    The usual metrics are psnr and ms-ssim; of videos psnr-ycbcr (of the planes, 6:1:1), psnr-y, psnr-u, psnr-v and
    ssim, with ms-ssim and psnr (RGB) at hand; of sound si-sdr.

    A run that was stopped goes on where it was, files that have changed are done again, and shards are merged by
    `codec report`.
    """
    from codec import evaluate as library
    from codec.device import resolve
    from codec.evaluate.log import dumps
    from codec.evaluate.specs import parse

    kind = _kind(paths)
    plan = library.Plan(
        specs=tuple(dict.fromkeys(s for text in specs for s in parse(text, library.known(kind)))),
        metrics=metrics or library.METRICS[kind],
        tasks=tuple(dict.fromkeys(tasks)),
        weights=tuple(_weight(text) for text in weights),
        device=resolve(device),
        keep=keep,
    )
    files = library.shard(library.find_items(paths, kind), shard)
    if plan.archives and shard.partition("/")[2] != "1":
        raise click.UsageError(f"--shard would part the videos of {plan.archives[0]}; leave one of the two out")
    if output and output.exists() and not output.is_file():
        raise CodecError(f"{output} is not a regular file; name another for the rows with -o")
    names = {spec.codec for spec in plan.specs}
    if anchor and anchor not in names:
        some = ", ".join(sorted(names))
        raise CodecError(f"no codec {anchor!r} to be the anchor; choose one of {some}, or name it by --codec too")
    with _alone(output) if output else nullcontext():
        rows = _run(plan, kind, files, output, partial(_place, engine, address, jobs, plan.device))
    status("")
    summary = library.summarise(rows, anchor)
    if compressai:
        from codec.evaluate.compressai import write

        write(compressai, summary)
    if as_json:
        for row in summary:
            click.echo(dumps(row))
    else:
        _print_table(summary)
        for name, lines in library.sessions(rows).items():
            click.echo(f"\n{name}: sessions of one archive")
            _print_table(lines)
    if any("error" in r for r in rows):
        raise SystemExit(1)


def _run(plan: Plan, kind: str, files: list[Place], output: Path | None, place: Callable[[int], Where]) -> list[Row]:
    """All rows of the plan: those that the file has, of files as they are now, and the others, which it gets.

    `place`: where so many jobs are worked on.
    """
    from codec import engines
    from codec.evaluate import run
    from codec.evaluate.again import again
    from codec.evaluate.log import append, read, resume

    fields = run.evaluator(plan, kind).fields()  # now, before any work, what is missing is named
    asked = {(str(f), codec) for f in files for codec in plan.codecs()}
    before = read([output]) if output and output.exists() else []
    if before:
        status(f"looking which of {len(before):,} rows still hold ...")
    found = again(before, plan, files, fields)
    for name in found.archives:
        if any(row["codec"] == name for row in before):
            say(f"codec: {name}: not all of its rows hold, so that its archive is made again from the first video on")
    rows = [row for row in (resume(output, found.whole) if output else []) if (row["file"], row["codec"]) in asked]
    line, total = PartsLine("rows", len(rows)), len(files) * len(plan.codecs())

    def add(job: Job, row: Row) -> None:
        rows.append(row)
        if output:
            append(output, row)
        if "error" in row:
            say(f"codec: {row['codec']}: {row['error']}")
        line.show(len(rows), total)

    work = run.Work(plan, kind, run.done(rows))
    todo = run.jobs(plan, files, work.done)
    with closing(engines.run(work, todo, place(len(todo)), add, threads=1)) as running:
        for event in running:
            if isinstance(event, engines.Failed):
                for row in _lost(event, work, {(row["file"], row["codec"]) for row in rows}):
                    add(event.job, row)
    return rows


def _place(engine: str, address: str | None, jobs: int | None, device: str, count: int) -> Where:
    """Where so many jobs are worked on."""
    return where(engine, address, jobs, count, device.startswith("cuda"))


@contextmanager
def _alone(output: Path) -> Iterator[None]:
    """Only one process adds rows to a file."""
    from codec.output import alone

    output.parent.mkdir(parents=True, exist_ok=True)
    with alone(output):
        yield


def _lost(event: Failed[Job], work: Work, made: set[tuple[str, str]]) -> list[Row]:
    """The rows of a job that failed, but for those that are made."""
    if not is_expected(event.error):
        raise event.error
    error = explain(event.error)
    return [
        {"file": file, "codec": name, "error": error.removeprefix(f"{file}: ")}
        for file, name in event.job.rows(work.plan)
        if (file, name) not in work.done | made
    ]


def _kind(paths: tuple[Place, ...]) -> str:
    """What the files are; of folders, what they hold: as the files beside them, or else images, sound or videos."""
    from codec.evaluate import KINDS, find_items, is_folder, media_of

    if coded := [p for p in paths if not is_folder(p) and is_ncf(str(p))]:
        raise CodecError(f"{coded[0]}: it is an .ncf file already, and evaluation encodes; give what it was made of")
    kinds = {media_of(p) for p in paths if not is_folder(p)}
    folders = [p for p in paths if is_folder(p)]
    if folders:
        for kind in (*kinds, *KINDS):
            try:
                find_items(folders, kind)
            except CodecError:
                continue
            kinds.add(kind)
            break
    if len(kinds) > 1:
        raise click.UsageError("images, sound and videos are in one run; give files of one kind")
    return kinds.pop() if kinds else "image"


def _weight(text: str) -> tuple[str, Path]:
    name, equals, file = text.partition("=")
    if not equals or not Path(file).is_file():
        raise click.UsageError(f"--weights {text}: give NAME=FILE, FILE being there")
    return name, Path(file)


def _print_table(summary: list[Row]) -> None:
    """Rows in columns; what none of them has is left out."""
    if not summary:
        return
    names = [n for n in dict.fromkeys(k for row in summary for k in row) if any(r.get(n) is not None for r in summary)]
    cells = [names, *([_cell(row.get(k)) for k in names] for row in summary)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(names))]
    for row in cells:
        click.echo(
            "  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
        )


def _cell(value: object) -> str:
    return "-" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
