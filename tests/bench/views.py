"""What a part of a picture, or a smaller one, takes of the time and the bytes of the whole, each in a process.

    python tests/bench/views.py large.ncf [--side 512]

Processor time of decoding on one thread, without the start of torch and without writing a file; rectangles at a quarter
of the picture and around its middle.
"""

import argparse
import io
import json
import os
import resource
import subprocess
import sys
import time

import codec


class Counted(io.FileIO):
    """A file that counts what is read."""

    count = 0

    def read(self, size: int | None = -1) -> bytes:
        found = super().read(size)
        self.count += len(found or b"")
        return found or b""


def measure(path: str, view: dict) -> None:
    """Print what decoding a view takes."""
    with Counted(path) as warm:  # networks are loaded
        codec.decode(warm, region=(0, 0, 1, 1), scale=16).image()
    with Counted(path) as file:
        started = time.process_time()
        next(codec.decode(file, **view).frames())
        seconds = time.process_time() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(json.dumps({"seconds": seconds, "bytes": file.count, "peak": peak}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--view", type=json.loads, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.view is not None:
        measure(given.file, given.view)
        return
    header, side = codec.info(given.file), given.side
    middle = header.width // 2 - side // 2, header.height // 2 - side // 2
    quarter = header.width // 4 - side // 2, header.height // 4 - side // 2
    views = {
        "all of it": {},
        "region, middle": {"region": (*middle, side, side)},
        "region, at a quarter": {"region": (*quarter, side, side)},
        **{f"scale 1/{scale}": {"scale": scale} for scale in (2, 4, 8, 16)},
        "region, 1/8": {"region": (*middle, side, side), "scale": 8},
    }
    whole: dict[str, float] = {}
    for name, view in views.items():
        command = [sys.executable, __file__, given.file, "--view", json.dumps(view)]
        single = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, env=single).stdout)
        whole = whole or found
        share = ", ".join(f"{100 * found[key] / whole[key]:.2f} % of the {key}" for key in ("seconds", "bytes"))
        print(
            f"{name:22} {found['seconds']:8.2f} s {found['bytes']:12,} bytes {found['peak']:6.2f} GiB: {share}",
            flush=True,
        )


if __name__ == "__main__":
    main()
