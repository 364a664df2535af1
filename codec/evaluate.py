"""Evaluate codecs on pictures: every (spec, file) is encoded to real bytes and decoded, and gives one Row.

A row is a flat JSON object: file, codec (the spec as given), bytes, pixels, bpp, encode_s, decode_s, device,
then the metrics (null where one does not apply); or file, codec, error. One bad file never ends a run.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from codec import api, media
from codec.bdrate import bd_rate
from codec.errors import CodecError
from codec.metrics import METRICS, bits_per_pixel, decibels
from codec.peers import PEERS, open_peer
from codec.specs import Spec

Row = dict[str, Any]
KNOWN = {
    "s2lic": "q",
    "circuit": "e",
    **{name: peer.keys for name, peer in PEERS.items()},
}  # as codec.specs.parse takes it
SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".avif", ".tif", ".tiff", ".bmp", ".ppm", ".pgm", ".gif"}


def find_images(paths: Iterable[Path]) -> list[Path]:
    """The given files, and the images below the given folders, sorted within each."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
        else:
            found.append(path)
    if not found:
        raise CodecError("no images there; give image files or folders that hold some")
    return found


def _functions(
    spec: Spec, device: str, path: Path, info: media.Info
) -> tuple[Callable[[np.ndarray], bytes], Callable[[bytes], np.ndarray], str]:
    if spec.codec in PEERS:
        peer = open_peer(spec.codec)
        return (lambda frame: peer.encode(frame, spec.value)), (lambda data: peer.decode(data, info.channels)), "cpu"
    options: dict[str, Any] = {}
    if spec.key:
        options = {"quality": spec.value} if spec.key == "q" else {"effort": int(spec.value)}

    def encode(frame: np.ndarray) -> bytes:
        # An array can't say that its samples have 10 or 12 bits: then reading the file is part of the time.
        source = frame if info.depth in (8, 16) else path
        return api.encode(source, spec.codec, device=device, strip=True, **options)

    return encode, lambda data: next(api.decode(data, device=device).frames()), device


def evaluate_one(spec: Spec, path: Path, device: str = "cpu") -> Row:
    """One row; errors that the file or the codec raise become its `error`."""
    row: Row = {"file": str(path), "codec": str(spec)}
    try:
        info, (frame,) = media.read(path)
        encode, decode, where = _functions(spec, device, path, info)
        start = time.perf_counter()
        data = encode(frame)
        middle = time.perf_counter()
        decoded = decode(data)
        end = time.perf_counter()
        pixels = frame.shape[0] * frame.shape[1]
        row |= {"bytes": len(data), "pixels": pixels, "bpp": round(bits_per_pixel(len(data), pixels), 6)}
        row |= {"encode_s": round(middle - start, 4), "decode_s": round(end - middle, 4), "device": where}
        for name, metric in METRICS.items():
            value = metric(frame, decoded, 2**info.depth - 1)
            row[name] = None if value is None else round(value, 6)
    except (CodecError, OSError) as e:
        row["error"] = " ".join(str(e).split())
    return row


def evaluate(
    specs: Iterable[Spec], paths: Iterable[Path], device: str, done: Collection[tuple[str, str]] = ()
) -> Iterator[Row]:
    """Rows of all specs on all files but those in `done` (file, codec), file by file."""
    specs = list(specs)
    for name in sorted({s.codec for s in specs} & set(PEERS)):
        open_peer(name)  # a peer that is not installed ends the run before any work
    for path in paths:
        for spec in specs:
            if (str(path), str(spec)) not in done:
                yield evaluate_one(spec, path, device)


def summarise(rows: Iterable[Row], anchor: str | None = None) -> list[Row]:
    """Per spec: files, means of bpp, PSNR, MS-SSIM and seconds; and each codec's BD-rates against the anchor's curves.

    Means are over the files that every spec could code, so that all compare the same pictures; those of MS-SSIM
    over the files among them that are large enough for it. `ms-ssim_db` is the mean MS-SSIM in decibels.
    """
    by_spec: dict[str, dict[str, Row]] = defaultdict(dict)
    for r in rows:
        if "error" not in r:
            by_spec[r["codec"]][r["file"]] = r
    common = sorted(set.intersection(*(set(v) for v in by_spec.values()))) if by_spec else []
    if not common:
        return []
    large = [f for f in common if all(v[f].get("ms-ssim") is not None for v in by_spec.values())]
    means = []
    curves: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for spec, files in by_spec.items():
        name = spec.partition(":")[0]
        row: Row = {"codec": spec, "files": len(common)}
        row |= {key: round(_mean(files, common, key), 4) for key in ("bpp", "psnr")}
        curves[name, "psnr"].append((row["psnr"], row["bpp"]))
        if large:
            similarity = _mean(files, large, "ms-ssim")
            row |= {"ms-ssim": round(similarity, 6), "ms-ssim_db": round(decibels(similarity), 4)}
            curves[name, "ms-ssim"].append((row["ms-ssim_db"], _mean(files, large, "bpp")))
        row |= {key: round(_mean(files, common, key), 4) for key in ("encode_s", "decode_s")}
        means.append(row)
    for row in means:
        name = row["codec"].partition(":")[0]
        if anchor and name != anchor and (anchor, "psnr") in curves:
            row[f"bd_rate_{anchor}"] = _bd_rate(curves[name, "psnr"], curves[anchor, "psnr"])
            if large:
                row[f"bd_rate_ms_ssim_{anchor}"] = _bd_rate(curves[name, "ms-ssim"], curves[anchor, "ms-ssim"])
    return means


def _mean(rows: dict[str, Row], files: list[str], key: str) -> float:
    return float(np.mean([rows[f][key] for f in files]))


def _bd_rate(ours: list[tuple[float, float]], anchor: list[tuple[float, float]]) -> float | None:
    """BD-rate of curves of (quality, bpp), without points of no error at all."""
    finite = [sorted(p for p in curve if np.isfinite(p[0])) for curve in (ours, anchor)]
    if not all(finite):
        return None
    (quality, rate), (ref_quality, ref_rate) = (zip(*curve, strict=True) for curve in finite)
    value = bd_rate(rate, quality, ref_rate, ref_quality)
    return None if value is None else round(value, 2)
