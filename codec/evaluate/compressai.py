"""Curves in CompressAI's JSON: {"name", "description", "results": {"bpp": [...], "psnr-rgb": [...]}}."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from codec.errors import CodecError
from codec.output import write_whole

# Our names of metrics and theirs; others are the same.
_THEIRS = {"psnr": "psnr-rgb", "ms-ssim": "ms-ssim-rgb", "encode_s": "encoding_time", "decode_s": "decoding_time"}
_OURS = {theirs: ours for ours, theirs in _THEIRS.items()} | {"ms-ssim": "ms-ssim"}


class Curve(NamedTuple):
    """A codec's points, in the order of the file: values by our names of metrics, all of one length."""

    name: str
    description: str
    results: dict[str, list[float]]


def read(path: Path) -> Curve:
    """A curve from a file. CodecError if it is none."""
    try:
        found = json.loads(path.read_text())
        results = {_OURS.get(k, k): [float(x) for x in v] for k, v in found["results"].items() if isinstance(v, list)}
        if "bpp" not in results or len({len(v) for v in results.values()}) != 1:
            raise ValueError("no points")
        return Curve(str(found["name"]), str(found.get("description", "")), results)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise CodecError(f"{path}: not a result in CompressAI's JSON ({error})") from None


def write(folder: Path, summary: Iterable[dict[str, Any]]) -> list[Path]:
    """A file for each codec with the points of a summary, by rising rate. Returns the files."""
    points: dict[str, list[dict[str, Any]]] = {}
    for row in summary:
        if "bpp" in row and "encode_s" in row:
            points.setdefault(row["codec"].partition(":")[0], []).append(row)
    written = []
    for name, rows in points.items():
        rows.sort(key=lambda row: row["bpp"])
        shared = [k for k in rows[0] if all(isinstance(row.get(k), float) for row in rows) and not k.startswith("bd.")]
        results = {_THEIRS.get(k, k): [row[k] for row in rows] for k in shared}
        files = rows[0]["files"]
        text = {"name": name, "description": f"neural-codec, mean of {files} files", "results": results}
        written.append(folder / f"{name}.json")
        write_whole(written[-1], (json.dumps(text, indent=2) + "\n").encode())
    return written
