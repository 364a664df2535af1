"""Pictures for the page's viewer: matched crops of the originals and of every kept encoded file, within a budget.

A browser can't show .ncf or most peers' files, so decoded pixels are coded once more, nearly without loss; how
near is measured and said on the page. A version is never scaled: where the budget is short, crops get smaller.
"""

from __future__ import annotations

import base64
import io
import math
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from codec.errors import CodecError
from codec.evaluate.plan import ORIGINAL
from codec.media.distortion import decibels
from codec.report.data import Row, Section
from codec.report.stills import numbers, stills

SIDE = 512  # of the largest crops, in pixels
# Side and quality of the crops, from the best to the smallest.
STEPS = ((512, 98), (512, 95), (512, 90), (448, 90), (384, 90), (320, 90), (256, 90), (192, 90))
_THUMB = 160
_SAMPLES = 3  # pictures that the size of all is judged by
# At equal size AVIF loses far less than WebP and JPEG here, and it keeps the colours whole.
_FORMAT: dict[str, Any] = {"format": "AVIF", "speed": 8, "subsampling": "4:4:4"}
_MIME = "image/avif"

Progress = Callable[[int, int], None]  # steps done, of all


@dataclass
class Pictures:
    """`images` as the page's script reads them, of a video one for each shown frame; `side` of the crops; `left_out`
    images that the budget had no room for; `missing`: why others aren't there; `decibels`: PSNR of what is shown over
    what was decoded, mean and least."""

    side: int = 0
    images: list[dict[str, Any]] = field(default_factory=list)
    left_out: int = 0
    missing: list[str] = field(default_factory=list)
    decibels: tuple[float, float] = (math.inf, math.inf)


def collect(section: Section, folder: Path, budget: int, progress: Progress = lambda done, total: None) -> Pictures:
    """The pictures of a section's kept files, in at most `budget` bytes of text.

    `folder` is where evaluation kept the encoded files; originals are found by the names in the rows. A file that
    isn't there or can't be decoded is told of in `missing`. Each coding is a step when it is decoded, and one each
    time that it is coded for the page.
    """
    kept: dict[str, list[Row]] = {}
    for row in section.rows:
        if row.get("kept") and row["codec"] != ORIGINAL:
            kept.setdefault(row["file"], []).append(row)
    result = Pictures()
    files = list(kept)
    if not files:
        return result
    counts = {file: len(numbers(section.media, rows[0])) for file, rows in kept.items()}
    steps = _Steps(progress, sum((1 + counts[file]) * (1 + len(rows)) for file, rows in kept.items()))
    sample = files[:: math.ceil(len(files) / _SAMPLES)]
    loaded = {file: _load(section.media, kept[file], folder, steps) for file in sample}
    tried = [s for sets, _ in loaded.values() for s in sets]
    tried = tried[:: math.ceil(len(tried) / _SAMPLES) or 1]
    result.side, quality = _step(tried, sum(counts.values()), budget, steps)
    errors: list[float] = []
    used, left = 0, sum(counts.values())
    for file in files:
        sets, lost = loaded.pop(file) if file in loaded else _load(section.media, kept[file], folder, steps)
        result.missing += lost
        for one in sets:
            image, near = one.image(result.side, quality, steps)
            used += _length(image)
            if used > budget:
                result.left_out = left
                break
            result.images.append(image)
            errors += near
            left -= 1
        if result.left_out:
            break
        left -= counts[file] - len(sets)
    if errors:
        mse = [10 ** (-e / 10) for e in errors]
        result.decibels = decibels(sum(mse) / len(mse)), min(errors)
    return result


class _Steps:
    """Counts for a Progress, told before each step."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self.total, self._done = progress, total, 0

    def next(self) -> None:
        self._progress(self._done, self.total)
        self._done += 1


@dataclass
class _Set:
    """One picture: its size and thumbnail, where its largest crop lies (x, y), and that crop of every version.
    `frame`: its number in its video. `made`: images by side and quality."""

    file: str
    frame: int | None
    size: tuple[int, int]
    thumb: Image.Image
    corner: tuple[int, int]
    crops: dict[str, np.ndarray]
    made: dict[tuple[int, int], tuple[dict[str, Any], list[float]]] = field(default_factory=dict)

    def image(self, side: int, quality: int, steps: _Steps) -> tuple[dict[str, Any], list[float]]:
        """The page's part of it, with crops of `side`; and how near they are to what was decoded, in dB."""
        if (side, quality) in self.made:
            steps.total -= len(self.crops)
        else:
            self.made[side, quality] = self._image(side, quality, steps)
        return self.made[side, quality]

    def _image(self, side: int, quality: int, steps: _Steps) -> tuple[dict[str, Any], list[float]]:
        height, width, _ = self.crops[ORIGINAL].shape
        w, h = min(side, width), min(side, height)
        dx, dy = (width - w) // 2, (height - h) // 2
        versions, errors = {}, []
        for spec, crop in self.crops.items():
            steps.next()
            versions[spec], error = _uri(crop[dy : dy + h, dx : dx + w], quality)
            errors.append(error)
        image = {
            "file": self.file,
            "frame": self.frame,
            "size": list(self.size),
            "crop": [self.corner[0] + dx, self.corner[1] + dy, w, h],
            "thumb": _uri(np.asarray(self.thumb), 80)[0],
            "versions": versions,
        }
        return image, errors


def _load(kind: str, rows: list[Row], folder: Path, steps: _Steps) -> tuple[list[_Set], list[str]]:
    """The shown pictures of a file with their versions, none if the original can't be had; and what couldn't."""
    file = rows[0]["file"]
    steps.next()
    try:
        original = stills(kind, rows[0])
    except (CodecError, OSError) as error:
        return [], [f"{file}: {_line(error)}"]
    sets = []
    for number, pixels in zip(numbers(kind, rows[0]), original.pixels, strict=True):
        thumb = Image.fromarray(pixels)
        thumb.thumbnail((_THUMB, _THUMB))
        one = _Set(file, number, (pixels.shape[1], pixels.shape[0]), thumb, _busiest(pixels, SIDE), {})
        one.crops[ORIGINAL] = _crop(pixels, one.corner)
        sets.append(one)
    lost = []
    for row in rows:
        steps.next()
        try:
            decoded = original.decoded(row, folder)
            if any(d.shape != p.shape for d, p in zip(decoded, original.pixels, strict=True)):
                raise CodecError("its size isn't the original's; evaluate again")
        except (CodecError, OSError) as error:
            lost.append(f"{file}, {row['codec']}: {_line(error)}")
        else:
            for one, pixels in zip(sets, decoded, strict=True):
                one.crops[row["codec"]] = _crop(pixels, one.corner)
    return sets, lost


def _crop(pixels: np.ndarray, corner: tuple[int, int]) -> np.ndarray:
    x, y = corner
    return pixels[y : y + SIDE, x : x + SIDE].copy()


def _step(sets: list[_Set], count: int, budget: int, steps: _Steps) -> tuple[int, int]:
    """The best side and quality with which, by the samples, all `count` pictures fit."""

    def fits(step: tuple[int, int]) -> bool:
        steps.total += sum(len(s.crops) for s in sets)
        sizes = [_length(s.image(*step, steps)[0]) for s in sets]
        # A tenth more: the samples are few, and going over the budget costs whole files.
        return 1.1 * count * sum(sizes) <= budget * len(sizes)

    # Most often the best one fits. The last step is taken without asking.
    return STEPS[0] if fits(STEPS[0]) else STEPS[bisect_left(STEPS[:-1], True, lo=1, key=fits)]


def _length(image: dict[str, Any]) -> int:
    return sum(map(len, image["versions"].values())) + len(image["thumb"]) + 200


def _busiest(frame: np.ndarray, side: int) -> tuple[int, int]:
    """The corner (x, y) of the window with most detail, which is where codecs differ."""
    height, width, _ = frame.shape
    grey = frame.astype(np.float32).mean(2)
    detail = np.zeros((height + 1, width + 1))
    steps = np.zeros((height, width), np.float32)
    steps[:, 1:] += np.abs(np.diff(grey, axis=1))
    steps[1:] += np.abs(np.diff(grey, axis=0))
    detail[1:, 1:] = steps.cumsum(0).cumsum(1)
    h, w = min(side, height), min(side, width)
    places = [(x, y) for y in _places(height - h) for x in _places(width - w)]
    return max(places, key=lambda p: _window(detail, p[0], p[1], w, h))


def _places(room: int) -> Iterator[int]:
    yield from {round(room * i / 8) for i in range(9)}


def _window(sums: np.ndarray, x: int, y: int, w: int, h: int) -> float:
    return float(sums[y + h, x + w] - sums[y, x + w] - sums[y + h, x] + sums[y, x])


def _uri(pixels: np.ndarray, quality: int) -> tuple[str, float]:
    """And how near it is to the pixels, in dB."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, quality=quality, **_FORMAT)
    shown = np.asarray(Image.open(buffer).convert("RGB"))
    mse = float(np.mean((pixels.astype(np.float64) - shown) ** 2))
    near = decibels(max(mse, 1e-5) / 255**2)
    return f"data:{_MIME};base64,{base64.b64encode(buffer.getvalue()).decode()}", near


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())
