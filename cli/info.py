"""`codec info`: what is in .ncf files, without decoding them (and without torch)."""

from __future__ import annotations

import io
import json
from typing import Any

import click

from codec.cli.batch import run_each
from codec.cli.files import STDIO
from codec.cli.options import FILE
from codec.cli.streams import read_stdin


@click.command(short_help="Show what is in .ncf files.")
@click.argument("sources", metavar="IN...", nargs=-1, required=True, type=FILE)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a file on stdout.")
def info(sources: tuple[str, ...], as_json: bool) -> None:
    """Show what is in .ncf files.

    \b
    codec info photo.ncf
    codec info --json *.ncf
    codec info - < photo.ncf

    The file is read to its end and its checksums are compared, but no pixel is decoded.
    """

    def work(source: str) -> None:
        values = _describe(source)
        click.echo(json.dumps(values) if as_json else _table(values))

    run_each(sources, work)


def _describe(source: str) -> dict[str, Any]:
    from codec import api, container, weights

    with io.BytesIO(read_stdin()) if source == STDIO else open(source, "rb") as fp:
        header, lazy = container.read(fp)
        units = list(lazy)
        size = fp.tell()
    pixels = header.width * header.height * header.frames
    values = {"file": source, **api.describe(header), "units": len(units), "bytes": size}
    if header.codec_name == "circuit":
        from codec.circuit.images import summary

        values |= summary(header, units)
    if pixels:
        values["bpp"] = 8 * size / pixels
    values["installed"] = not values["weights"] or values["weights"] in {
        found.fingerprint for found in weights.available()
    }
    return values


def _table(values: dict[str, Any]) -> str:
    shape = f"{values['width']} x {values['height']}, {values['channels']} channels of {values['depth']} bits"
    kept = ", ".join(f"{name} {size:,} bytes" for name, size in values["metadata"].items())
    rows = {
        "codec": f"{values['codec']}, revision {values['revision']}",
        "size": shape if values["frames"] == 1 else f"{shape}, {values['frames'] or 'open'} frames",
        "rate": values.get("rate"),
        "quality": f"{values['quality']:g}" if "quality" in values else None,
        "metadata": kept or "none",
        "units": values["units"],
        "methods": _methods(values),
        "weights": f"{values['weights']} ({'' if values['installed'] else 'not '}installed)"
        if values["weights"]
        else "none",
        "bytes": f"{values['bytes']:,}" + (f" ({values['bpp']:.3f} bpp)" if "bpp" in values else ""),
    }
    lines = [f"  {name:<9} {value}" for name, value in rows.items() if value is not None]
    return "\n".join([values["file"], *lines])


def _methods(values: dict[str, Any]) -> str | None:
    if "methods" not in values:
        return None
    counts = ", ".join(f"{name} {count:,}" for name, count in values["methods"].items())
    return counts + (", the network tuned to the picture" if values["tuned"] else "")
