"""Seconds of encoding and decoding, where they go, and CompressAI's models beside: `speed.py IMAGE... [--threads 2]`.

JSON lines, networks loaded: ours a picture, the median over the pictures with the share of each part in per cent, and
CompressAI's mbt2018_mean (quality 4) and cheng2020_anchor (quality 3) with `ours_over_theirs` on the same pixels.
Theirs have random weights, whose latents are cheap to code: that favours them. cheng2020 decodes pixel after pixel,
minutes for a photo on a CPU, so it codes 256 x 256 of the first picture and its seconds are scaled by area.
"""

import argparse
import json
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import codec
from codec import media
from codec.codecs.s2lic import image as s2lic
from codec.codecs.s2lic import latents
from codec.entropy import Decoder, Encoder
from codec.peers.zoo import import_compressai

CROP = 256


class Clock:
    """Self time of parts: what a part spends inside another one counts for the inner one only."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self._inner = [0.0]

    def wrap(self, owner: Any, name: str, part: str) -> None:
        inner = getattr(owner, name)
        setattr(owner, name, lambda *args, **options: self.run(part, lambda: inner(*args, **options)))

    def run(self, part: str, call: Callable[[], Any]) -> Any:
        self._inner.append(0.0)
        start = time.perf_counter()
        result = call()
        total = time.perf_counter() - start
        self.spent[part] += total - self._inner.pop()
        self._inner[-1] += total
        return result


def watch() -> Clock:
    """A clock on the parts of the codecs that `codec.encode` and `codec.decode` open."""
    clock, encoding = Clock(), s2lic.open_codec(None, "cpu")
    for opened in {encoding, s2lic.open_codec(encoding.fingerprint, "cpu")}:
        for name, part in (("analyse", "g_a"), ("synthesise", "g_s"), ("hyper_analysis", "hyper")):
            clock.wrap(opened.model, name, part)
        clock.wrap(opened.entropy, "hyper", "hyper")
        clock.wrap(opened.entropy, "decode", "entropy networks")
    clock.wrap(latents, "scale_index", "table index")
    for coder in (Encoder, Decoder):
        clock.wrap(coder, "code", "coder")
        clock.wrap(coder, "finish", "coder")
    return clock


def ours(frame: np.ndarray, quality: float, clock: Clock, runs: int) -> dict[str, float]:
    """Medians of a picture: seconds, and seconds of each part as `encode.part`."""
    rows: list[dict[str, float]] = []
    data = b""

    def encode() -> None:
        nonlocal data
        data = codec.encode(frame, quality=quality, device="cpu")

    for _ in range(runs + 1):
        rows.append({})
        for name, call in (("encode", encode), ("decode", lambda: next(codec.decode(data, device="cpu").frames()))):
            clock.spent.clear()
            clock.run("rest", call)
            rows[-1] |= {name: sum(clock.spent.values())} | {f"{name}.{k}": v for k, v in clock.spent.items()}
    return medians(rows[1:])  # the first one warms up


def theirs(model: Any, frame: np.ndarray) -> dict[str, float]:
    """Seconds of compress and decompress, on a picture padded to their grid."""
    x = torch.from_numpy(frame).permute(2, 0, 1)[None].float() / 255
    x = s2lic.pad_to(x, *(-(-n // 64) * 64 for n in frame.shape[:2]))
    start = time.perf_counter()
    out = model.compress(x)
    middle = time.perf_counter()
    model.decompress(out["strings"], out["shape"])
    return {"encode": middle - start, "decode": time.perf_counter() - middle}


def medians(rows: list[dict[str, float]]) -> dict[str, float]:
    return {key: statistics.median(r[key] for r in rows) for key in rows[0]}


def show(codec: str, seconds: dict[str, float], reference: dict[str, float], **more: Any) -> None:
    ratios = {f"{k}_ours_over_theirs": round(reference[k] / v, 3) for k, v in seconds.items()}
    print(json.dumps({"codec": codec, **{k: round(v, 4) for k, v in seconds.items()}, **ratios, **more}))


@torch.inference_mode()
def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("images", nargs="+", type=Path)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--quality", type=float, default=50)
    p.add_argument("--runs", type=int, default=3, help="of each picture; the median counts")
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    zoo, clock = import_compressai().zoo, watch()
    mean, anchor = (f(q, pretrained=False).eval() for f, q in ((zoo.mbt2018_mean, 4), (zoo.cheng2020_anchor, 3)))
    mean.update(), anchor.update()
    rows, peers = [], []
    for path in a.images:
        frame = next(media.read(path)[1])
        rows.append(ours(frame, a.quality, clock, a.runs))
        peers.append(medians([theirs(mean, frame) for _ in range(a.runs + 1)][1:]))  # turn about: load drifts
        print(json.dumps({"file": path.name, **{k: round(rows[-1][k], 3) for k in ("encode", "decode")}}), flush=True)
    median = medians(rows)
    for name in ("encode", "decode"):
        parts = {k[7:]: round(100 * v / median[name]) for k, v in median.items() if k.startswith(f"{name}.")}
        print(json.dumps({"codec": "s2lic", "threads": a.threads, name: round(median[name], 4), "per_cent": parts}))
    show("mbt2018_mean", medians(peers), median)
    first = next(media.read(a.images[0])[1])
    scale = first.size / first[:CROP, :CROP].size
    seconds = {k: v * scale for k, v in theirs(anchor, first[:CROP, :CROP]).items()}
    show("cheng2020_anchor", seconds, rows[0], measured_on="256 x 256 of the first picture, scaled by area")


if __name__ == "__main__":
    main()
