"""What filters bring over standard encoders: `filters.py CLIP... [--codec svt-av1 x265 x264] [--frames 96]`.

BD-rate of each clip against the encoder alone at the same preset, from real bytes: the Matroska file, and with it the
payloads of all groups, which are decoded and compared plane by plane. Clips that come compressed are first reduced by a
whole factor to about `--width`, which leaves little of their own artefacts (0: as they are). JSON lines, a point each,
then a table: BD-rate over PSNR at 6:1:1, of Y, of U and of V in per cent, below zero is smaller.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np

from codec.bdrate import bd_rate
from codec.container import Color
from codec.media.video import Planes, read_video
from codec.nirvana import filters
from codec.peers.video import VIDEO

POINTS = {"svt-av1": (28, 39, 50, 61), "x265": (20, 26, 32, 38), "x264": (20, 26, 32, 38)}
WEIGHTS = np.array([6, 1, 1]) / 8
MEASURES = ("6:1:1", "Y", "U", "V")
COLOR = Color(1, 1, 1, False)


def read(path: Path, frames: int, width: int) -> tuple[list[Planes], object]:
    """The first frames as 8-bit 4:2:0 of even size, reduced by a whole factor, and the rate."""
    video = read_video(path, audio=False)
    found: list[Planes] = []
    for picture in video.pictures():
        factor = max(1, round(picture.planes[0].shape[1] / width)) if width else 1
        found.append(_even(tuple(_reduced(plane, factor) for plane in picture.planes)))
        if len(found) == frames:
            break
    return found, video.info.rate


def _reduced(plane: np.ndarray, factor: int) -> np.ndarray:
    rows, columns = (size // factor for size in plane.shape)
    blocks = plane[: rows * factor, : columns * factor].reshape(rows, factor, columns, factor)
    return np.rint(blocks.mean((1, 3))).astype(np.uint8)


def _even(planes: Planes) -> Planes:
    rows, columns = (min(a // 2, b) for a, b in zip(planes[0].shape, planes[1].shape, strict=True))
    return (
        planes[0][: 2 * rows, : 2 * columns].copy(),
        planes[1][:rows, :columns].copy(),
        planes[2][:rows, :columns].copy(),
    )


def errors(made: list[Planes], wanted: list[Planes]) -> np.ndarray:
    """Mean squared errors of Y, U and V over the clip."""
    return np.array(
        [
            np.mean([np.square(a[p].astype(float) - b[p]).mean() for a, b in zip(made, wanted, strict=True)])
            for p in range(3)
        ]
    )


def measured(error: np.ndarray) -> list[float]:
    """PSNR of each of MEASURES."""
    planes = 10 * np.log10(255**2 / np.maximum(error, 1e-6))
    return [float(planes @ WEIGHTS), *planes.tolist()]


def point(source: list[Planes], rate: object, codec: str, crf: int, options: argparse.Namespace) -> dict[str, object]:
    """One quality of a clip, without filters and with them."""
    began = time.perf_counter()
    stream = VIDEO[codec].encode_planes(source, COLOR, rate, crf)  # type: ignore[arg-type]
    encoded = time.perf_counter()
    height, width = source[0][0].shape
    base = list(VIDEO[codec].decode_planes(stream, height, width, COLOR))
    decoded = time.perf_counter()
    payloads, made, ours, theirs = [], [], None, None
    fit = apply = 0.0
    for start in range(0, len(base), options.group):
        group = slice(start, start + options.group)
        start_s = time.perf_counter()
        size = len(stream) * len(base[group]) // len(base)
        fitted = filters.fit(base[group], source[group], 8, ours, stream_bytes=size, effort=options.effort)
        payload, ours = fitted.payload, fitted.state
        middle_s = time.perf_counter()
        frames, theirs = filters.apply(base[group], payload, 8, theirs)
        fit, apply = fit + middle_s - start_s, apply + time.perf_counter() - middle_s
        payloads.append(payload)
        made += frames
    count = len(source)
    return {
        "codec": codec, "crf": crf, "frames": count, "bytes": len(stream), "filters": sum(map(len, payloads)),
        "psnr": measured(errors(base, source)), "improved": measured(errors(made, source)),
        "encode_ms": 1e3 * (encoded - began) / count, "decode_ms": 1e3 * (decoded - encoded) / count,
        "fit_ms": 1e3 * fit / count, "apply_ms": 1e3 * apply / count, "used": filters.describe(payloads[0]),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--codec", nargs="+", choices=POINTS, default=list(POINTS))
    parser.add_argument("--frames", type=int, default=96)
    parser.add_argument("--group", type=int, default=128, help="frames of a group")
    parser.add_argument("--width", type=int, default=352)
    parser.add_argument("--effort", type=int, default=5)
    options = parser.parse_args()
    table: dict[str, list[tuple[str, list[float | None]]]] = {codec: [] for codec in options.codec}
    for path in options.clips:
        source, rate = read(path, options.frames, options.width)
        for codec in options.codec:
            rows = [point(source, rate, codec, crf, options) for crf in POINTS[codec]]
            for row in rows:
                print(json.dumps({"clip": path.name, "size": source[0][0].shape[::-1]} | row), flush=True)
            before, after = ([row["bytes"] for row in rows], [row["bytes"] + row["filters"] for row in rows])
            values = [
                bd_rate(after, [r["improved"][i] for r in rows], before, [r["psnr"][i] for r in rows])
                for i in range(len(MEASURES))
            ]
            table[codec].append((path.stem, values))
    for codec, found in table.items():
        print(f"\n| {codec} | " + " | ".join(MEASURES) + " |\n|---|" + "---|" * len(MEASURES))
        for name, values in found:
            print(f"| {name} | " + " | ".join("-" if v is None else f"{v:+.1f} %" for v in values) + " |")
        means = [
            statistics.mean(v for v in column if v is not None) for column in zip(*(v for _, v in found), strict=True)
        ]
        print("| mean | " + " | ".join(f"{mean:+.1f} %" for mean in means) + " |")


if __name__ == "__main__":
    main()
