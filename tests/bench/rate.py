"""Estimated bits against the bytes of real files: `python tests/bench/rate.py IMAGES... [--q 10,50,90]`.

One JSON line per picture and quality, then the totals. `excess` is (real - header - estimate) / estimate.
"""

import argparse
import json
from pathlib import Path

import torch

import codec
from codec import media
from codec.codecs.s2lic import image as s2lic


def main() -> None:
    p = argparse.ArgumentParser()
    p.add_argument("images", nargs="+", type=Path)
    p.add_argument("--q", default="10,30,50,70,90")
    a = p.parse_args()
    opened = s2lic.open_codec(None, "cpu")
    totals: dict[float, list[float]] = {}
    for path in a.images:
        _, (frame,) = media.read(path)
        for q in map(float, a.q.split(",")):
            data = codec.encode(frame, quality=q, device="cpu")
            payload = sum(len(u.payload) for u in codec.container.read(data)[1])
            x = torch.from_numpy(frame).permute(2, 0, 1)[None].float() / 255
            size = [-(-n // 64) * 64 for n in frame.shape[:2]]
            with torch.inference_mode():
                out = opened.model(s2lic.pad_to(x, *size), torch.tensor([q / 100]))
            estimate = sum(-v.log2().sum().item() for v in out["likelihoods"].values()) / 8
            row = {"file": path.name, "q": q, "bytes": len(data), "payload": payload, "estimate": round(estimate, 1)}
            print(json.dumps(row | {"excess": round(payload / estimate - 1, 5)}))
            total = totals.setdefault(q, [0.0, 0.0, 0.0])
            for i, v in enumerate((len(data), payload, estimate)):
                total[i] += v
    for q, (size_, payload_, estimate_) in totals.items():
        print(json.dumps({"q": q, "bytes": size_, "overhead": size_ - payload_, "excess": payload_ / estimate_ - 1}))


if __name__ == "__main__":
    main()
