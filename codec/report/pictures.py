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

from codec import api, media
from codec.errors import CodecError
from codec.evaluate.plan import ORIGINAL
from codec.peers import PEERS
from codec.report.curves import family
from codec.report.data import Row, Section

SIDE = 512  # of the largest crops, in pixels
# Side and quality of the crops, from the best to the smallest.
STEPS = ((512, 98), (512, 95), (512, 90), (448, 90), (384, 90), (320, 90), (256, 90), (192, 90))
_THUMB = 160
_SAMPLES = 3  # files that the size of all is judged by
# At equal size AVIF loses far less than WebP and JPEG here, and it keeps the colours whole.
_FORMAT: dict[str, Any] = {"format": "AVIF", "speed": 8, "subsampling": "4:4:4"}
_MIME = "image/avif"

Progress = Callable[[int, int], None]  # files done, of all


@dataclass
class Pictures:
    """`images` as the page's script reads them; `side` of the crops; `left_out` files that the budget had no room
    for; `missing`: why others aren't there; `decibels`: PSNR of what is shown over what was decoded, mean and least."""

    side: int = 0
    images: list[dict[str, Any]] = field(default_factory=list)
    left_out: int = 0
    missing: list[str] = field(default_factory=list)
    decibels: tuple[float, float] = (math.inf, math.inf)


def collect(section: Section, folder: Path, budget: int, progress: Progress = lambda done, total: None) -> Pictures:
    """The pictures of a section's kept files, in at most `budget` bytes of text.

    `folder` is where evaluation kept the encoded files; originals are found by the names in the rows. A file that
    isn't there or can't be decoded is told of in `missing`.
    """
    kept: dict[str, list[Row]] = {}
    for row in section.rows:
        if row.get("kept") and row["codec"] != ORIGINAL:
            kept.setdefault(row["file"], []).append(row)
    result = Pictures()
    files = list(kept)
    if not files:
        return result
    sample = files[:: math.ceil(len(files) / _SAMPLES)]
    progress(0, len(files))
    loaded = {file: _load(file, kept[file], folder) for file in sample}
    result.side, quality = _step([s for s, _ in loaded.values() if s], len(files), budget)
    errors: list[float] = []
    used = 0
    for number, file in enumerate(files):
        progress(number, len(files))
        found, lost = loaded.pop(file) if file in loaded else _load(file, kept[file], folder)
        result.missing += lost
        if found is None:
            continue
        image = found.image(result.side, quality, errors)
        used += _length(image)
        if used > budget:
            result.left_out = len(files) - number
            break
        result.images.append(image)
    if errors:
        mse = [10 ** (-e / 10) for e in errors]
        result.decibels = -10 * math.log10(sum(mse) / len(mse) or 1e-10), min(errors)
    return result


@dataclass
class _Set:
    """One file: its size and thumbnail, where its largest crop lies (x, y), and that crop of every version."""

    file: str
    size: tuple[int, int]
    thumb: Image.Image
    corner: tuple[int, int]
    crops: dict[str, np.ndarray]

    def image(self, side: int, quality: int, errors: list[float]) -> dict[str, Any]:
        """The page's part of it, with crops of `side`; how near they are to the decoded, in dB, goes to `errors`."""
        height, width, _ = self.crops[ORIGINAL].shape
        w, h = min(side, width), min(side, height)
        dx, dy = (width - w) // 2, (height - h) // 2
        return {
            "file": self.file,
            "size": list(self.size),
            "crop": [self.corner[0] + dx, self.corner[1] + dy, w, h],
            "thumb": _uri(np.asarray(self.thumb), 80, []),
            "versions": {spec: _uri(c[dy : dy + h, dx : dx + w], quality, errors) for spec, c in self.crops.items()},
        }


def _load(file: str, rows: list[Row], folder: Path) -> tuple[_Set | None, list[str]]:
    """A file with its versions, None if the original can't be had; and what couldn't."""
    try:
        original = _pixels(media.read(file))
    except (CodecError, OSError) as error:
        return None, [f"{file}: {_line(error)}"]
    lost = []
    x, y = _busiest(original, SIDE)
    thumb = Image.fromarray(original)
    thumb.thumbnail((_THUMB, _THUMB))
    crops = {ORIGINAL: original[y : y + SIDE, x : x + SIDE].copy()}
    for row in rows:
        try:
            decoded = _decoded(row, folder)
            if decoded.shape != original.shape:
                raise CodecError("its size isn't the original's; evaluate again")
            crops[row["codec"]] = decoded[y : y + SIDE, x : x + SIDE].copy()
        except (CodecError, OSError) as error:
            lost.append(f"{file}, {row['codec']}: {_line(error)}")
    return _Set(file, (original.shape[1], original.shape[0]), thumb, (x, y), crops), lost


def _step(sets: list[_Set], files: int, budget: int) -> tuple[int, int]:
    """The best side and quality with which, by the samples, all files fit."""

    def fits(step: tuple[int, int]) -> bool:
        sizes = [_length(s.image(*step, [])) for s in sets]
        # A tenth more: the samples are few, and going over the budget costs whole files.
        return 1.1 * files * sum(sizes) <= budget * len(sizes)

    # The last step is taken without asking.
    return STEPS[bisect_left(STEPS[:-1], True, key=fits)]


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


def _decoded(row: Row, folder: Path) -> np.ndarray:
    # Only the name: a row can't lead out of the folder.
    data = (folder / Path(str(row["kept"])).name).read_bytes()
    if data.startswith(api.container.MAGIC):
        decoded = api.decode(data)
        return _rgb8(next(iter(decoded.frames())), decoded.info.depth)
    if family(row["codec"]) in PEERS:
        return _rgb8(PEERS[family(row["codec"])].decode(data, 3), 8)
    return _pixels(media.read(data))


def _pixels(read: tuple[media.Info, Iterator[np.ndarray]]) -> np.ndarray:
    return _rgb8(next(read[1]), read[0].depth)


def _rgb8(frame: np.ndarray, depth: int) -> np.ndarray:
    """[H, W, 3] uint8 of a frame of any kind; alpha is left out."""
    colour = frame[..., :1] if frame.shape[2] < 3 else frame[..., :3]
    eight = colour if depth == 8 else np.rint(colour * (255 / (2**depth - 1))).astype(np.uint8)
    return np.repeat(eight, 3, 2) if eight.shape[2] == 1 else eight


def _uri(pixels: np.ndarray, quality: int, errors: list[float]) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, quality=quality, **_FORMAT)
    shown = np.asarray(Image.open(buffer).convert("RGB"))
    mse = float(np.mean((pixels.astype(np.float64) - shown) ** 2))
    errors.append(10 * math.log10(255**2 / max(mse, 1e-5)))
    return f"data:{_MIME};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())
