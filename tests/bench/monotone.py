"""Whether more quality always means more bits and less error: `monotone.py IMAGE... [--step 5]`.

Codes every picture at q = 0, 5, ..., 100 to real bytes. Prints the mean table and every pair of neighbouring qualities
where bits per pixel or PSNR do not rise; exits with 1 if there is one.
"""

import argparse
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np

import codec
from codec import media
from codec.metrics import bits_per_pixel, psnr


def measure(path: Path, quality: float) -> tuple[float, float]:
    """bpp and PSNR of one picture."""
    info, (frame,) = media.read(path)
    data = codec.encode(frame, quality=quality)
    decoded = next(codec.decode(data).frames())
    return bits_per_pixel(len(data), info.width * info.height), psnr(frame, decoded, 2**info.depth - 1)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("images", nargs="+", type=Path)
    p.add_argument("--step", type=int, default=5)
    a = p.parse_args()
    qualities = range(0, 101, a.step)
    points = {path: [measure(path, q) for q in qualities] for path in a.images}
    print(f"{'q':>3}  {'bpp':>8}  {'PSNR':>7}")
    for q, (bpp, quality) in zip(qualities, np.mean(list(points.values()), 0), strict=True):
        print(f"{q:3}  {bpp:8.4f}  {quality:7.3f}")
    violations = 0
    for path, curve in points.items():
        for (q0, low), (q1, high) in pairwise(zip(qualities, curve, strict=True)):
            for name, before, after in zip(("bpp", "PSNR"), low, high, strict=True):
                if after <= before:
                    violations += 1
                    print(f"{path.name}: {name} does not rise from q={q0} to q={q1}: {before:.4f}, {after:.4f}")
    print(f"{violations} violations in {len(points)} pictures")
    sys.exit(violations > 0)


if __name__ == "__main__":
    main()
