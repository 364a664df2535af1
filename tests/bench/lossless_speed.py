"""What lossless photos take, beside another revision: `python tests/bench/lossless_speed.py --old PYTHON IMAGES...`.

PYTHON: the interpreter of an environment with the other revision. The commands are run in turn, on one thread, with
their start and with verification; CPU seconds of the processor, the median of `--times` runs, and ratios.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ONE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
WAYS = {"default": (), "-e 1": ("-e", "1")}


def seconds(folder: str, python: str, *arguments: object) -> float:
    """CPU seconds of one command, in a folder that has no package which would be taken for the environment's."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [python, "-m", "codec.cli.main", *map(str, arguments)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    environment = os.environ | ONE
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed is compiled
    subprocess.run(command, check=True, cwd=folder, env=environment, **quiet)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", nargs="+", type=Path)
    parser.add_argument("--old", required=True, help="the interpreter of an environment with the other revision")
    parser.add_argument("--times", type=int, default=1)
    a = parser.parse_args()
    taken: dict[tuple[str, str, str], list[float]] = {}
    sizes: dict[tuple[str, str], int] = {}
    with tempfile.TemporaryDirectory() as name:
        file, back = Path(name, "x.ncf"), Path(name, "x.png")
        for image in map(Path.absolute, a.images):
            for which, python in (("old", a.old), ("new", sys.executable)):
                for way, options in WAYS.items():
                    runs = []
                    for _ in range(a.times):
                        encoding = seconds(name, python, "encode", "--lossless", *options, image, "-o", file, "-f")
                        runs.append((encoding, seconds(name, python, "decode", file, "-o", back, "-f")))
                    for what, values in zip(("encode", "decode"), zip(*runs, strict=True), strict=True):
                        taken.setdefault((what, way, which), []).append(statistics.median(values))
                    sizes[way, which] = sizes.get((way, which), 0) + file.stat().st_size
    base = {what: sum(taken[what, "default", "old"]) for what in ("encode", "decode")}
    for what in ("encode", "decode"):
        for way in WAYS:
            old, new = (sum(taken[what, way, which]) for which in ("old", "new"))
            print(
                f"{what} {way}: {old / len(a.images):.2f} -> {new / len(a.images):.2f} CPU s a picture, "
                f"{100 * new / old:.0f} %; of the old default {100 * new / base[what]:.0f} %"
            )
    for way in WAYS:
        print(f"bytes {way}: {sizes[way, 'old']:,} -> {sizes[way, 'new']:,}")


if __name__ == "__main__":
    main()
