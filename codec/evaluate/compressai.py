"""Curves in CompressAI's JSON: {"name", "description", "results": {"bpp": [...], "psnr-rgb": [...]}}."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from codec.errors import CodecError
from codec.output import write_whole

# Our names of metrics and theirs; others are the same.
_THEIRS = {"psnr": "psnr-rgb", "ms-ssim": "ms-ssim-rgb", "encode_s": "encoding_time", "decode_s": "decoding_time"}


def write(folder: Path, summary: Iterable[dict[str, Any]]) -> list[Path]:
    """A file for each codec with the points of a summary, by rising rate: metrics and seconds. Returns the files.

    CodecError for a summary without bits per pixel, which is of sound.
    """
    points: dict[str, list[dict[str, Any]]] = {}
    for row in summary:
        if "bpp" in row and "encode_s" in row:
            points.setdefault(row["codec"].partition(":")[0], []).append(row)
    written = []
    for name, rows in points.items():
        rows.sort(key=lambda row: row["bpp"])
        shared = [k for k in rows[0] if _is_told(k) and all(_is_finite(row.get(k)) for row in rows)]
        results = {_THEIRS.get(k, k): [row[k] for row in rows] for k in shared}
        files = rows[0]["files"]
        text = {"name": name, "description": f"neural-codec, mean of {files} files", "results": results}
        written.append(folder / f"{name}.json")
        write_whole(written[-1], (json.dumps(text, indent=2) + "\n").encode())
    if not written:
        raise CodecError("there are no bits per pixel to write for CompressAI; leave out --compressai")
    return written


def _is_told(name: str) -> bool:
    """Whether a field of a summary is a rate, a time or a metric; scores and BD-rates stand in the report."""
    return not name.startswith(("bd.", "task.")) and name not in ("ms-ssim_db", "file_percent", "kbps")


def _is_finite(value: object) -> bool:
    return isinstance(value, float) and math.isfinite(value)
