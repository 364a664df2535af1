"""Evaluate codecs on pictures: every (spec, file) is encoded to real bytes and decoded, and gives one Row.

A row is a flat JSON object: file, codec (the spec as given), bytes, pixels, bpp, encode_s, decode_s, device,
then the metrics; or file, codec, error. One bad file never ends a run.
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
from codec.metrics import METRICS, bits_per_pixel
from codec.peers import PEERS, open_peer
from codec.specs import Spec

Row = dict[str, Any]
KNOWN = [*api.CODECS, *PEERS]
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


def _functions(spec: Spec, device: str) -> tuple[Callable[[np.ndarray], bytes], Callable[[bytes], np.ndarray], str]:
    if spec.codec in PEERS:
        peer = open_peer(spec.codec)
        return (lambda frame: peer.encode(frame, spec.quality)), peer.decode, "cpu"
    return (
        lambda frame: api.encode(frame, spec.codec, quality=spec.quality, device=device),
        lambda data: next(api.decode(data, device=device).frames()),
        device,
    )


def evaluate_one(spec: Spec, path: Path, device: str = "cpu") -> Row:
    """One row; errors that the file or the codec raise become its `error`."""
    row: Row = {"file": str(path), "codec": str(spec)}
    try:
        _, frames = media.read(path)
        (frame,) = frames
        encode, decode, where = _functions(spec, device)
        start = time.perf_counter()
        data = encode(frame)
        middle = time.perf_counter()
        decoded = decode(data)
        end = time.perf_counter()
        pixels = frame.shape[0] * frame.shape[1]
        row |= {"bytes": len(data), "pixels": pixels, "bpp": round(bits_per_pixel(len(data), pixels), 6)}
        row |= {"encode_s": round(middle - start, 4), "decode_s": round(end - middle, 4), "device": where}
        row |= {name: round(metric(frame, decoded), 4) for name, metric in METRICS.items()}
    except (CodecError, OSError) as e:
        row["error"] = " ".join(str(e).split())
    return row


def evaluate(
    specs: Iterable[Spec], paths: Iterable[Path], device: str, done: Collection[tuple[str, str]] = ()
) -> Iterator[Row]:
    """Rows of all specs on all files but those in `done` (file, codec), file by file."""
    specs = list(specs)
    for path in paths:
        for spec in specs:
            if (str(path), str(spec)) not in done:
                yield evaluate_one(spec, path, device)


def summarise(rows: Iterable[Row], anchor: str | None = None) -> list[Row]:
    """Per spec: files, mean bpp and PSNR, mean seconds; and each codec's BD-rate against the anchor's curve.

    Curves are means over the files that every spec could code, so that all compare the same pictures.
    """
    good = [r for r in rows if "error" not in r]
    by_spec: dict[str, dict[str, Row]] = defaultdict(dict)
    for r in good:
        by_spec[r["codec"]][r["file"]] = r
    common = set.intersection(*(set(v) for v in by_spec.values())) if by_spec else set()
    if not common:
        return []
    means = []
    curves: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for spec, files in by_spec.items():
        row: Row = {"codec": spec, "files": len(common)}
        for key in ("bpp", "psnr", "encode_s", "decode_s"):
            row[key] = round(float(np.mean([files[f][key] for f in sorted(common)])), 4)
        means.append(row)
        curves[spec.partition(":")[0]].append((row["psnr"], row["bpp"]))
    for row in means:
        name = row["codec"].partition(":")[0]
        if anchor and anchor in curves and name != anchor:
            (ours_q, ours_r), (ref_q, ref_r) = (zip(*sorted(curves[c]), strict=True) for c in (name, anchor))
            value = bd_rate(ours_r, ours_q, ref_r, ref_q)
            row[f"bd_rate_{anchor}"] = round(value, 2) if value is not None else None
    return means
