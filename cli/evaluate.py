"""`codec evaluate`: rate and distortion of codecs on pictures, from real files."""

import json
import sys
from pathlib import Path

import click


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--codec", "specs", multiple=True, required=True, help="As s2lic:q=10..90:20 or jpeg:q=30,50; repeatable."
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Rows as JSON lines; what is there is not redone."
)
@click.option("--anchor", help="Codec that BD-rates are against, e.g. jpeg.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON lines.")
def evaluate(
    paths: tuple[Path, ...],
    specs: tuple[str, ...],
    output: Path | None,
    anchor: str | None,
    device: str,
    as_json: bool,
) -> None:
    """Encode and decode pictures with several codecs; print mean bits per pixel, PSNR, MS-SSIM, times and BD-rates.

    \b
    codec evaluate kodak/ --codec s2lic:q=10..90:20 --codec webp:q=20..90:10 --anchor webp -o rows.jsonl

    Other people's codecs: jpeg, webp, avif, and jxl where pillow-jxl-plugin is installed. MS-SSIM needs sides of 161
    pixels at least.
    """
    from codec.device import resolve
    from codec.evaluate import KNOWN, find_images, summarise
    from codec.evaluate import evaluate as run
    from codec.specs import parse

    wanted = [s for text in specs for s in parse(text, KNOWN)]
    files = find_images(paths)
    rows = [json.loads(line) for line in output.read_text().splitlines()] if output and output.exists() else []
    asked = {str(f) for f in files}, {str(s) for s in wanted}
    rows = [r for r in rows if "error" not in r and r["file"] in asked[0] and r["codec"] in asked[1]]
    total = len(files) * len(wanted)
    done = {(r["file"], r["codec"]) for r in rows}
    for row in run(wanted, files, resolve(device), done):
        rows.append(row)
        if output:
            with output.open("a") as f:
                f.write(json.dumps(row) + "\n")
        if "error" in row:
            click.echo(f"codec: {row['codec']}: {row['error']}", err=True)
        if sys.stderr.isatty():
            click.echo(f"\r{len(rows)}/{total}", err=True, nl=False)
    if sys.stderr.isatty():
        click.echo("\r", err=True, nl=False)
    summary = summarise(rows, anchor)
    if as_json:
        for row in summary:
            click.echo(json.dumps(row))
    else:
        _print_table(summary)
    if any("error" in r for r in rows):
        raise SystemExit(1)


def _print_table(summary: list[dict[str, object]]) -> None:
    if not summary:
        return
    names = list(dict.fromkeys(k for row in summary for k in row))
    cells = [names, *([_cell(row.get(k)) for k in names] for row in summary)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(names))]
    for row in cells:
        click.echo(
            "  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
        )


def _cell(value: object) -> str:
    return "-" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
