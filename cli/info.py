"""`codec info`: what is in .ncf files, without decoding them (and without torch)."""

from __future__ import annotations

import json
import os
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from codec import urls
from codec.cli.archive.show import print_list
from codec.cli.files import STDIO, file_ids
from codec.cli.messages import shown
from codec.cli.ncf_files import files_of, work_on
from codec.cli.options import FILE
from codec.cli.streams import an_ncf, atomic_write, contents, is_archive
from codec.errors import CodecError

if TYPE_CHECKING:
    from codec.codecs.base import UnitsDescription


@click.command(short_help="Show what is in .ncf files.")
@click.argument("sources", metavar="IN...", nargs=-1, required=True, type=FILE)
@click.option("-r", "--recursive", is_flag=True, help="Take the .ncf files in folders, and in folders in them.")
@click.option("-v", "--verbose", is_flag=True, help="List the units too, and where every byte of the file goes.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a file on stdout.")
@click.option("--preview", metavar="OUT", type=FILE, help="Write the small JPEG that is in the file to OUT, or - .")
@click.option("-f", "--force", is_flag=True, help="Overwrite OUT.")
def info(
    sources: tuple[str, ...], recursive: bool, verbose: bool, as_json: bool, preview: str | None, force: bool
) -> None:
    """Show what is in .ncf files.

    \b
    codec info photo.ncf
    codec info -v clip.ncf
    codec info --json *.ncf
    codec info -r photos/
    codec info - < photo.ncf
    codec info --preview small.jpg photo.ncf

    The file is read to its end and its checksums are compared, but no pixel is decoded. Of an archive the videos
    are listed; `codec archive info` tells more of each.
    """

    if preview is not None:
        if len(sources) != 1 or recursive:
            raise click.UsageError("--preview OUT is of one file; name just that")
        work_on(files_of(sources, recursive), partial(_write_preview, target=preview, replace=force))
        return
    if force:
        raise click.UsageError("--force overwrites what --preview writes; leave it out")

    def work(source: str, tell: Any) -> str | None:
        if is_archive(source):
            print_list(source, as_json)
            return None
        values, told = _describe(source, verbose)
        return json.dumps(values) if as_json else _table(values, told)

    work_on(files_of(sources, recursive), work, as_json=as_json)


def _write_preview(source: str, tell: Any, *, target: str, replace: bool) -> None:
    """The JPEG that is in a file, as it is."""
    from codec import container
    from codec.media import previews

    given = contents(source, an_ncf)
    with urls.stream(given) as fp:
        data = container.read_header(fp, container.ANY_SIZE).metadata.get("preview")
    if data is None:
        raise CodecError("there is no preview in it; codec decode --thumbnail 256 makes a small picture")
    previews.read(data)  # a JPEG, and a small one
    if STDIO not in (source, target) and file_ids([source]).keys() & file_ids([target]).keys():
        raise CodecError(f"the output {target} is the input {source}; name another")
    if target != STDIO and not replace and os.path.lexists(target):
        raise CodecError(f"the output {target} exists already; name another, or overwrite it with -f")
    with atomic_write(target, replace) as out:
        out.write(data)


def _describe(source: str, verbose: bool) -> tuple[dict[str, Any], UnitsDescription]:
    from codec import api, codecs, container
    from codec.weights import installed

    given = contents(source, an_ncf)
    with urls.stream(given) as whole:
        header, lazy = container.read(whole, container.ANY_SIZE)
        units = list(lazy)
        size = whole.tell()
        index = container.read_index(whole, container.ANY_SIZE)
    pixels = header.width * header.height * index.frame_count
    values = {"file": source, **api.describe(header), "frames": index.frame_count, "units": len(units), "bytes": size}
    codec = codecs.of(header)
    codec.check(header, units)
    told = codec.describe(header, units)
    values |= told.values
    keys = [False] * len(units)
    if header.rate is not None and codec.videos is not None:
        from codec.standard.packets import seconds

        keys = [codec.videos.starts_chain(header, unit) for unit in units]
        values |= {"seconds": float(seconds(header, units, index.frame_count)), "chains": sum(keys)}
    if pixels:
        values["bpp"] = 8 * size / pixels
    values["installed"] = installed(codec.name, header.fingerprint)
    if verbose:
        values |= _bytes(index, [len(unit.payload) + len(unit.packets) for unit in units], keys, size)
    return values, told


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


def _table(values: dict[str, Any], told: UnitsDescription) -> str:
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
        "colour": "primaries {}, transfer {} (CICP)".format(*values["color"]) if "color" in values else None,
        "metadata": kept or "none",
        "units": values["units"],
        "chains": values.get("chains"),
        **told.rows,
        "weights": f"{values['weights']} ({'' if values['installed'] else 'not '}installed)"
        if values["weights"]
        else "none",
        "bytes": f"{values['bytes']:,}" + (f" ({values['bpp']:.3f} bpp)" if "bpp" in values else ""),
    }
    lines = [f"  {name:<9} {value}" for name, value in rows.items() if value is not None]
    return "\n".join(
        [shown(values["file"]), *lines, *(_listing(values, told.remarks) if "unit_list" in values else [])]
    )


def _listing(values: dict[str, Any], remarks: list[str]) -> list[str]:
    """A line for each part of the file; the bytes add up to the file's."""
    video = "rate" in values
    columns = f"{'first':>8} {'frames':>7} {'key':>4} " if video else ""
    lines = ["", f"  {'part':<10} {columns}{'bytes':>12} {'framing':>8}" + f" {'bpp':>8}" * video]
    blank = " " * len(columns)
    for name in ("head", "metadata", *(("stream",) if values["stream_bytes"] else ())):
        lines.append(f"  {name:<10} {blank}{values[f'{name}_bytes']:>12,}")
    for unit, remark in zip(values["unit_list"], remarks, strict=True):
        line = f"  unit {unit['unit']:<5} "
        if video:
            line += f"{unit['first']:>8} {unit['frames']:>7} {'key' if unit['key'] else '':>4} "
        line += f"{unit['bytes']:>12,} {unit['framing']:>8}"
        line += f" {unit['bpp']:8.4f}" if "bpp" in unit else ""
        lines.append(f"{line}  {remark}".rstrip())
    lines.append(f"  {'end':<10} {blank}{values['end_bytes']:>12,}")
    lines.append(f"  {'all':<10} {blank}{values['bytes']:>12,}")
    return lines
