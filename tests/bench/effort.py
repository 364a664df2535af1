"""What efforts bring: `python tests/bench/effort.py IMAGES... [--efforts 3,5,7] [--q 10,30,50,70,90] [--crop 256]`.

Codes every picture at each effort and quality to real bytes and decodes it again. Prints for each effort the BD-rate
against effort 1 (PSNR of RGB, a curve a picture) as mean, worst and best, and CPU seconds a picture to encode it.
`--crop N` takes the N x N pixels in the middle.
"""

import argparse
import time
from pathlib import Path

import numpy as np

import codec
from codec import media
from codec.metrics import bits_per_pixel, psnr
from codec.metrics.bdrate import bd_rate


def middle(frame: np.ndarray, side: int) -> np.ndarray:
    """The square in the middle; all of it for 0."""
    if not side:
        return frame
    top, left = (max(n - side, 0) // 2 for n in frame.shape[:2])
    return np.ascontiguousarray(frame[top : top + side, left : left + side])


def curve(frame: np.ndarray, qualities: list[float], effort: int) -> tuple[list[float], list[float], float]:
    """bpp, PSNR and mean CPU seconds of one picture."""
    rates, scores, started = [], [], time.process_time()
    files = [codec.encode(frame, quality=q, effort=effort, device="cpu") for q in qualities]
    seconds = (time.process_time() - started) / len(files)
    for data in files:
        rates.append(bits_per_pixel(len(data), frame.shape[0] * frame.shape[1]))
        scores.append(psnr(frame, next(codec.decode(data, device="cpu").frames())))
    return rates, scores, seconds


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("images", nargs="+", type=Path)
    p.add_argument("--efforts", default="2,3,4,5,6")
    p.add_argument("--q", default="10,30,50,70,90")
    p.add_argument("--crop", type=int, default=0)
    a = p.parse_args()
    qualities = [float(q) for q in a.q.split(",")]
    efforts = [int(e) for e in a.efforts.split(",")]
    codec.encode(np.zeros((64, 64, 3), np.uint8), effort=2, device="cpu")  # loads the network
    found: dict[int, list[tuple[float, float]]] = {e: [] for e in efforts}
    for path in a.images:
        _, (frame,) = media.read(path)
        frame = middle(frame, a.crop)
        rates, scores, plain = curve(frame, qualities, 1)
        print(f"{path.name}: effort 1 {plain:.1f} s", end="", flush=True)
        for e in efforts:
            better_rates, better_scores, seconds = curve(frame, qualities, e)
            found[e].append((bd_rate(better_rates, better_scores, rates, scores), seconds))
            print(f"; {e} {found[e][-1][0]:+.2f} % {seconds:.1f} s", end="", flush=True)
        print()
    print("effort  BD-rate    best   worst  CPU s")
    for e in efforts:
        gains, seconds_ = np.array(found[e]).T
        print(f"{e:6}  {gains.mean():+7.2f} {gains.min():+7.2f} {gains.max():+7.2f}  {seconds_.mean():5.1f}")


if __name__ == "__main__":
    main()
