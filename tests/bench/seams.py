"""Whether tiles show: error along their borders against elsewhere. `seams.py IMAGE... [--quality 20 50] [--crop OUT]`.

`tiled`: mean absolute error within 4 pixels of the borders between tiles over that of all other pixels. Content differs
there, so `one_tile` is the same ratio, at the same places, of the picture coded as a single tile; `quotient` is the one
over the other, and should be below 1.05. JSON lines, then the means. Pictures need more than 1536 x 1024 pixels.
"""

import argparse
import json
import statistics
from pathlib import Path

import numpy as np
from PIL import Image

import codec
from codec import media, tiling

REACH = 4  # pixels on each side of a border
ZOOM, PART = 4, 160  # of the picture written by --crop


def coded(frame: np.ndarray, quality: float) -> np.ndarray:
    return next(codec.decode(codec.encode(frame, quality=quality)).frames())


def coded_as_one_tile(frame: np.ndarray, quality: float) -> np.ndarray:
    limit = tiling.SINGLE
    tiling.SINGLE = tiling.padded(frame.shape[0]) * tiling.padded(frame.shape[1])
    try:
        return coded(frame, quality)
    finally:
        tiling.SINGLE = limit


def near_borders(height: int, width: int) -> np.ndarray:
    """[height, width] bool: pixels within REACH of a border between two tiles."""
    tiles = tiling.tiles(height, width)
    near = np.zeros((height, width), bool)
    for top in {t.top for t in tiles} - {0}:
        near[top - REACH : top + REACH] = True
    for left in {t.left for t in tiles} - {0}:
        near[:, left - REACH : left + REACH] = True
    return near


def ratio(frame: np.ndarray, decoded: np.ndarray, near: np.ndarray) -> float:
    """Mean absolute error of the pixels `near` over that of the others."""
    error = np.abs(frame.astype(float) - decoded).mean(-1)
    return float(error[near].mean() / error[~near].mean())


def corner(frame: np.ndarray, decoded: np.ndarray, one: np.ndarray) -> Image.Image:
    """Original, tiled and one tile side by side, around the first corner where four tiles meet, enlarged."""
    tiles = tiling.tiles(*frame.shape[:2])
    top = min(({t.top for t in tiles} - {0}) or {frame.shape[0] // 2})
    left = min(({t.left for t in tiles} - {0}) or {frame.shape[1] // 2})
    half = PART // 2
    parts = [v[max(0, top - half) : top + half, max(0, left - half) : left + half] for v in (frame, decoded, one)]
    sheet = Image.fromarray(np.concatenate(parts, 1).squeeze())
    return sheet.resize((sheet.width * ZOOM, sheet.height * ZOOM), Image.Resampling.NEAREST)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("images", nargs="+", type=Path)
    p.add_argument("--quality", nargs="+", type=float, default=[20, 50])
    p.add_argument("--crop", type=Path, help="write a corner of the first picture at the first quality, enlarged")
    a = p.parse_args()
    rows = []
    for path in a.images:
        frame = next(media.read(path)[1])
        near = near_borders(*frame.shape[:2])
        if not near.any():
            p.error(f"{path.name} is coded as one tile; give pictures of more than 1536 x 1024 pixels")
        for quality in a.quality:
            tiled, one = coded(frame, quality), coded_as_one_tile(frame, quality)
            row = {"tiled": ratio(frame, tiled, near), "one_tile": ratio(frame, one, near)}
            row["quotient"] = row["tiled"] / row["one_tile"]
            rows.append(row)
            print(json.dumps({"file": path.name, "q": quality, **{k: round(v, 4) for k, v in row.items()}}), flush=True)
            if a.crop and len(rows) == 1:
                corner(frame, tiled, one).save(a.crop)
    print(json.dumps({f"mean_{k}": round(statistics.mean(r[k] for r in rows), 4) for k in rows[0]}))


if __name__ == "__main__":
    main()
