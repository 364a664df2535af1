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
@click.option("-v", "--verbose", is_flag=True, help="List the units too, and where every byte of the file goes.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a file on stdout.")
def info(sources: tuple[str, ...], verbose: bool, as_json: bool) -> None:
    """Show what is in .ncf files.

    \b
    codec info photo.ncf
    codec info -v clip.ncf
    codec info --json *.ncf
    codec info - < photo.ncf

    The file is read to its end and its checksums are compared, but no pixel is decoded.
    """

    def work(source: str) -> None:
        values = _describe(source, verbose)
        click.echo(json.dumps(values) if as_json else _table(values))

    run_each(sources, work)


def _describe(source: str, verbose: bool) -> dict[str, Any]:
    from codec import api, container, weights

    with io.BytesIO(read_stdin()) if source == STDIO else open(source, "rb") as fp:
        whole = io.BytesIO(fp.read()) if not fp.seekable() else fp
        header, lazy = container.read(whole)
        units = list(lazy)
        size = whole.tell()
        index = container.read_index(whole)
    pixels = header.width * header.height * index.frame_count
    values = {"file": source, **api.describe(header), "frames": index.frame_count, "units": len(units), "bytes": size}
    if header.codec_name == "circuit":
        from codec.codecs.circuit.image import summary

        values |= summary(header, units)
    if header.codec_name == "nirvana":
        from codec.codecs.nirvana.describe import summary as told

        values |= told(header, units)
    keys = _keys(header, units) if header.rate is not None else [False] * len(units)
    if header.rate is not None:
        values |= {"seconds": float(index.frame_count / header.rate), "chains": sum(keys)}
    if pixels:
        values["bpp"] = 8 * size / pixels
    values["installed"] = not values["weights"] or values["weights"] in {
        found.fingerprint for found in weights.available()
    }
    if verbose:
        values |= _bytes(index, [len(unit.payload) + len(unit.packets) for unit in units], keys, size)
    return values


def _keys(header: Any, units: list[Any]) -> list[bool]:
    """Which units of a video start a chain."""
    from codec.codecs.nirvana.describe import starts_chain

    if header.codec_name == "nirvana":
        return [starts_chain(header, unit) for unit in units]
    return [unit.frames > 0 for unit in units]  # of pictures that stand alone, each begins in its first unit


def _bytes(index: Any, payloads: list[int], keys: list[bool], size: int) -> dict[str, Any]:
    """Where all bytes go: head, metadata, units (what the codec wrote, and the frame around it) and end sections."""
    from codec.container.header import pack_header
    from codec.container.limits import LIMITS
    from codec.container.sections import MAGIC, section
    from codec.container.standard import pack_stream

    head = len(MAGIC) + 1 + len(section(b"H", pack_header(index.header, LIMITS)))
    area = index.header.width * index.header.height
    units, first = [], 0
    for number, (length, frames, payload, key) in enumerate(
        zip(index.lengths, index.frames, payloads, keys, strict=True)
    ):
        unit: dict[str, Any] = {"unit": number, "bytes": length, "framing": length - payload}
        if index.header.rate is not None:
            unit |= {"first": first, "frames": frames, "key": key}
            unit |= {"bpp": 8 * length / (area * frames)} if frames else {}
        units.append(unit)
        first += frames
    stream = index.header.stream
    said = len(section(b"S", pack_stream(stream, LIMITS))) if stream else 0
    metadata = index.offsets[0] - head - said
    rest = size - index.offsets[0] - sum(index.lengths)
    return {"head_bytes": head, "metadata_bytes": metadata, "stream_bytes": said, "end_bytes": rest, "unit_list": units}


def _table(values: dict[str, Any]) -> str:
    shape = f"{values['width']} x {values['height']}, {values['channels']} channels of {values['depth']} bits"
    kept = ", ".join(f"{name} {size:,} bytes" for name, size in values["metadata"].items())
    if "rate" in values:
        shape = f"{values['width']} x {values['height']}, {values['frames']:,} frames, {values['seconds']:.1f} s"
    elif values["frames"] != 1:
        shape += f", {values['frames']:,} frames"
    rows = {
        "codec": f"{values['codec']}, revision {values['revision']}",
        "size": shape,
        "rate": values.get("rate"),
        "quality": f"{values['quality']:g}" if "quality" in values else None,
        "metadata": kept or "none",
        "units": values["units"],
        "chains": values.get("chains"),
        "methods": _methods(values),
        "base": _base(values),
        "networks": _networks(values),
        "weights": f"{values['weights']} ({'' if values['installed'] else 'not '}installed)"
        if values["weights"]
        else "none",
        "bytes": f"{values['bytes']:,}" + (f" ({values['bpp']:.3f} bpp)" if "bpp" in values else ""),
    }
    lines = [f"  {name:<9} {value}" for name, value in rows.items() if value is not None]
    return "\n".join([values["file"], *lines, *(_listing(values) if "unit_list" in values else [])])


def _listing(values: dict[str, Any]) -> list[str]:
    """A line for each part of the file; the bytes add up to the file's."""
    video = "rate" in values
    columns = f"{'first':>8} {'frames':>7} {'key':>4} " if video else ""
    lines = ["", f"  {'part':<10} {columns}{'bytes':>12} {'framing':>8}" + f" {'bpp':>8}" * video]
    blank = " " * len(columns)
    for name in ("head", "metadata", *(("stream",) if values["stream_bytes"] else ())):
        lines.append(f"  {name:<10} {blank}{values[f'{name}_bytes']:>12,}")
    for unit in values["unit_list"]:
        line = f"  unit {unit['unit']:<5} "
        if video:
            line += f"{unit['first']:>8} {unit['frames']:>7} {'key' if unit['key'] else '':>4} "
        line += f"{unit['bytes']:>12,} {unit['framing']:>8}"
        line += f" {unit['bpp']:8.4f}" if "bpp" in unit else ""
        group = values["groups"][unit["unit"]] if "groups" in values else {}
        if group.get("network_bytes"):
            y, u, v = group["gain"]
            uses = ", ".join(f"{name} {what}" for name, what in group["uses"].items())
            line += f"  network {group['network_bytes']:,}: Y +{y:.2f} U +{u:.2f} V +{v:.2f} dB ({uses})"
        lines.append(line)
    lines.append(f"  {'end':<10} {blank}{values['end_bytes']:>12,}")
    lines.append(f"  {'all':<10} {blank}{values['bytes']:>12,}")
    return lines


def _base(values: dict[str, Any]) -> str | None:
    if "base" not in values:
        return None
    how = "as the source had it" if values["base"] == "kept" else ""
    how = how or f"{values['base']}, crf {values['crf']:g}, preset {values['preset']}"
    return f"{values['standard']}, {values['base_bytes']:,} bytes ({how})"


def _networks(values: dict[str, Any]) -> str | None:
    if "base" not in values:
        return None
    y, u, v = values["gain"]
    gain = f", Y +{y:.2f} dB, U +{u:.2f}, V +{v:.2f}" if values["network_bytes"] else ""
    return f"{values['network_bytes']:,} bytes{gain}"


def _methods(values: dict[str, Any]) -> str | None:
    if "methods" not in values:
        return None
    counts = ", ".join(f"{name} {count:,}" for name, count in values["methods"].items())
    return counts + (", the network tuned to the picture" if values["tuned"] else "")
