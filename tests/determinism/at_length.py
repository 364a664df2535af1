"""The determinism matrix at length: `python tests/determinism/at_length.py --count 100`, or `--images FOLDER`.

Prints what was compared and what differed; the exit code is 1 if any symbol did, or a pixel by more than a level.
"""

import argparse
import itertools
import sys
import tempfile
import time
from pathlib import Path

from matrix import ALONE, DECODERS, ENCODERS, Summary, decode, draw_sources, encode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="drawn pictures of mixed sizes")
    parser.add_argument("--first", type=int, default=0, help="number of the first of them")
    parser.add_argument("--images", type=Path, help="a folder of pictures to take instead")
    parser.add_argument("--alone", type=int, default=3, help="files that are also decoded in a process each")
    options = parser.parse_args()
    start, summary = time.perf_counter(), Summary()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.images:
            (folder / "sources").symlink_to(options.images.resolve())
        else:
            draw_sources(folder, range(options.first, options.first + options.count))
        files = [encode(folder, setting) for setting in ENCODERS]
        names = list(itertools.chain(*files))
        summary.files = len(names)
        for setting in DECODERS:
            decode(folder, setting, names, summary)
            print(f"{time.perf_counter() - start:6.0f} s  {setting}", flush=True)
        for setting in ALONE:
            decode(folder, setting, [names[i * len(names) // options.alone] for i in range(options.alone)], summary)
    print(f"{len(files[0])} pictures, encoded in {len(files)} settings, decoded in {len(DECODERS) + len(ALONE)}:")
    for setting in ENCODERS:
        print(f"  encoded: {setting}")
    for setting in (*DECODERS, *ALONE):
        print(f"  decoded: {setting}")
    print(f"{summary.files} files, {summary.decodes} decodings, {summary.units} units, {summary.symbols} symbols")
    print(f"mismatches of symbols or tables: {len(summary.mismatches)}")
    for mismatch in summary.mismatches:
        print(f"  {mismatch}")
    print(f"samples that differ: {summary.differing} of {summary.pixels}, by at most {summary.largest} level(s)")
    print(f"{time.perf_counter() - start:.0f} s")
    return 1 if summary.mismatches or summary.largest > 1 else 0


if __name__ == "__main__":
    sys.exit(main())
