"""Published rate-distortion curves, in the JSON that CompressAI's own tools write and its repository collects."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from codec.errors import CodecError

_NAMES = {"psnr-rgb": "psnr", "ms-ssim-rgb": "ms-ssim"}
_DECIBELS = "ms-ssim-db-rgb"


@dataclass(frozen=True)
class Published:
    """`curves`: by the metric's name in rows, points (bits per pixel, value) in order of rate."""

    name: str
    file: str
    curves: dict[str, list[tuple[float, float]]]


def read_published(paths: Iterable[Path]) -> list[Published]:
    """The results in these files. CodecError for what is none."""
    return [_read(path) for path in paths]


def told_apart(published: Sequence[Published], names: Collection[str]) -> list[Published]:
    """The same, those of one name with each other or with one of `names` by their files' names too."""
    count = Counter([*names, *(p.name for p in published)])
    found: list[Published] = []
    for p in published:
        if count[p.name] > 1:
            path = Path(p.file)
            name = f"{p.name} ({path.stem})"
            taken = {*names, *(other.name for other in found)}
            p = replace(p, name=name if name not in taken else f"{p.name} ({path.parent.name}/{path.stem})")
        found.append(p)
    return found


def _read(path: Path) -> Published:
    try:
        content = json.loads(path.read_text())
        results = content["results"]
        rates = _numbers(results["bpp"])
    except (ValueError, KeyError, TypeError):
        raise CodecError(
            f"{path}: not a result of CompressAI; give JSON with name and results of bpp and psnr-rgb"
        ) from None
    if not rates or min(rates) <= 0:
        raise CodecError(f"{path}: the rates must be above 0; correct its bpp")
    curves = {}
    for key, value in results.items():
        if key == "bpp" or not isinstance(value, list) or "time" in key:
            continue
        try:
            values = _numbers(value)
        except (TypeError, ValueError):
            continue
        if len(values) != len(rates):
            raise CodecError(f"{path}: {len(rates)} values of bpp and {len(values)} of {key}; they must be as many")
        if key == _DECIBELS:
            values = [1 - 10 ** (-v / 10) for v in values]
        curves[_NAMES.get(key, "ms-ssim" if key == _DECIBELS else key)] = sorted(zip(rates, values, strict=True))
    return Published(str(content.get("name") or path.stem), str(path), curves)


def _numbers(values: list[float]) -> list[float]:
    numbers = [float(v) for v in values]
    if not all(math.isfinite(v) for v in numbers):
        raise ValueError("not finite")
    return numbers
