"""Targets of pictures: how near they are reached, in how many encodings, and what that takes.

    python tests/bench/targets.py PICTURE... [--sizes 15000,25000,40000] [--psnr 30,33,36] [--ssim 0.95,0.97,0.99]
    python tests/bench/targets.py PICTURE... --typical    # s2lic's TYPICAL, and what equal slopes would bring

CPU seconds are in plain encodings of the same picture in the same run, at a quality of 50. One thread.
"""

import argparse
import math
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch

import codec
from codec import media
from codec.metrics.samples import psnr
from codec.metrics.structure import decibels, ms_ssim

QUALITIES = (0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)


def cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def targets(paths: list[str], wanted: list[codec.Target]) -> None:
    found: dict[codec.Target, list[tuple[float, int, float]]] = {target: [] for target in wanted}
    for path in paths:
        frame = next(media.read(path)[1])
        plain = min(cpu(lambda: codec.encode(path, device="cpu")) for _ in range(2))  # noqa: B023
        for target in wanted:
            reached: dict[str, float] = {}
            data: list[bytes] = []
            try:
                took = cpu(lambda: data.append(codec.encode(path, target=target, reached=reached, device="cpu")))  # noqa: B023
            except codec.CodecError as error:
                print(f"{path}: {error}")
                continue
            shown = next(codec.decode(data[0], device="cpu").frames())
            if target.psnr is not None:
                off = psnr(frame, shown) - target.psnr
            elif target.ssim is not None:
                off = decibels(ms_ssim(frame, shown) or 0.0) - decibels(target.ssim)
            else:
                allowed = target.size or (target.bpp or 0) * frame.shape[0] * frame.shape[1] / 8
                off = 100 * (len(data[0]) / allowed - 1)
            found[target].append((off, int(reached["encodings"]), took / plain))
    for target, rows in found.items():
        name = next(f"{name} {value:g}" for name, value in vars(target).items() if value is not None)
        off, count, ratio = (np.array(column) for column in zip(*rows, strict=True))
        unit = "%" if target.size or target.bpp else "dB"
        print(
            f"{name:>12}: {len(rows)} pictures, off by {off.min():+.2f} to {off.max():+.2f} {unit}, "
            f"encodings {count.mean():.2f} (at most {count.max()}), CPU {ratio.mean():.2f} (at most {ratio.max():.2f})"
        )


def typical(paths: list[str]) -> None:
    rows = []
    for path in paths:
        frame = next(media.read(path)[1])
        row = []
        for quality in QUALITIES:
            data = codec.encode(path, quality=quality, device="cpu")
            shown = next(codec.decode(data, device="cpu").frames())
            likeness = psnr(frame, shown), decibels(ms_ssim(frame, shown) or 0.0)
            row.append((8 * len(data), frame.shape[0] * frame.shape[1], *likeness))
        rows.append(row)
    bits, pixels, decibel, similar = np.moveaxis(np.array(rows), 2, 0)
    print(QUALITIES)
    for values in (np.exp(np.log(bits / pixels).mean(0)), decibel.mean(0), similar.mean(0)):
        print(tuple(round(float(value), 3) for value in values))
    errors = 10 ** (-decibel / 10) * pixels  # squared, of a picture
    fine = np.linspace(0, 100, 2001)
    some = partial(np.interp, fine, QUALITIES)
    all_bits = np.exp([some(row) for row in np.log(bits)])
    all_errors = np.exp([some(row) for row in np.log(errors)])
    each = np.arange(len(paths))
    for quality in (10, 25, 50, 75, 90):
        at = int(np.argmin(abs(fine - quality)))
        total, error = all_bits[:, at].sum(), all_errors[:, at].sum()
        low, high = 1e-12, 1e3
        for _ in range(80):  # the multiplier at which equal slopes take the same bits
            middle = math.sqrt(low * high)
            best = np.argmin(all_errors + middle * all_bits, 1)
            low, high = (middle, high) if all_bits[each, best].sum() > total else (low, middle)
        same = np.argmin(abs(all_bits - total / len(paths)), 1)
        gain, loss = (10 * math.log10(error / all_errors[each, which].sum()) for which in (best, same))
        print(f"-q {quality}: equal slopes {gain:+.3f} dB, equal sizes {loss:+.2f} dB")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("pictures", nargs="+")
    parser.add_argument("--sizes", default="15000,25000,40000")
    parser.add_argument("--psnr", default="30,33,36")
    parser.add_argument("--ssim", default="0.95,0.97,0.99")
    parser.add_argument("--typical", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.typical:
        typical(given.pictures)
        return
    wanted = [codec.Target(size=float(size)) for size in given.sizes.split(",") if size]
    wanted += [codec.Target(psnr=float(value)) for value in given.psnr.split(",") if value]
    wanted += [codec.Target(ssim=float(value)) for value in given.ssim.split(",") if value]
    targets(given.pictures, wanted)


if __name__ == "__main__":
    main()
