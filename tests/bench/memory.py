"""Wall time and peak memory of the command on a large picture: `memory.py [WIDTH HEIGHT] [--quality 50]`.

The picture (6000 x 4000 by default) is the shipped photo enlarged four times, with mirrored copies as far as it must
reach. Encoding and decoding run as processes of their own; one JSON line each.
"""

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
from importlib.resources import files
from pathlib import Path

import numpy as np
from PIL import Image

ENLARGED = 4


def draw(width: int, height: int, target: str) -> None:
    """Mirrored copies of the enlarged photo, without seams."""
    with Image.open(str(files("codec.assets") / "kodim23.png")) as photo:
        large = photo.resize((photo.width * ENLARGED, photo.height * ENLARGED), Image.Resampling.BICUBIC)
    pixels = np.asarray(large)
    pad = max(0, height - pixels.shape[0]), max(0, width - pixels.shape[1])
    pixels = np.pad(pixels, ((0, pad[0]), (0, pad[1]), (0, 0)), "symmetric")[:height, :width]
    Image.fromarray(pixels).save(target, compress_level=1)


def measured(*arguments: str) -> dict[str, float]:
    """Seconds and peak resident memory in MB of one process; its failure is ours."""
    start = time.perf_counter()
    pid = os.posix_spawn(arguments[0], arguments, dict(os.environ))
    _, status, usage = os.wait4(pid, 0)
    if status:
        sys.exit(f"failed: {' '.join(arguments)}")
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss
    return {"seconds": round(time.perf_counter() - start, 2), "peak_mb": round(usage.ru_maxrss * unit / 2**20)}


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("size", nargs="*", type=int, default=[6000, 4000], metavar="WIDTH HEIGHT")
    p.add_argument("--quality", default="50")
    a = p.parse_args()
    width, height = a.size
    command = str(Path(sys.executable).with_name("codec"))
    with tempfile.TemporaryDirectory() as folder:
        source, coded, decoded = (str(Path(folder) / name) for name in ("a.png", "a.ncf", "b.png"))
        # In a process of its own: Linux counts the memory of the one that starts a command as the command's.
        drawing = multiprocessing.get_context("spawn").Process(target=draw, args=(width, height, source))
        drawing.start()
        drawing.join()
        common = {"width": width, "height": height}
        row = measured(command, "encode", source, "-q", a.quality, "-o", coded)
        print(json.dumps({"step": "encode", **common, **row, "bytes": os.path.getsize(coded)}), flush=True)
        row = measured(command, "decode", coded, "-o", decoded)
        print(json.dumps({"step": "decode", **common, **row}))


if __name__ == "__main__":
    main()
