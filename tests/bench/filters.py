"""How fast 1080p decodes with networks in all three planes, beside its base alone: `filters.py [--frames 40]`.

JSON lines of a drawn clip: over each base what networks its file has, frames a second of decoding it and of its base
alone (`codec decode` without writing), with `of_base` the one over the other and CPU seconds a frame; then the
filters of that file by themselves, of all planes, of luma and of U and V. Each is the best of some runs.
"""

import argparse
import io
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from codec import container, video
from codec.codecs.nirvana.filters.payload import State, describe, unpack
from codec.codecs.nirvana.filters.run import run
from codec.codecs.nirvana.references import split
from codec.codecs.options import Target, VideoOptions
from codec.media import Info
from codec.media.video import Picture, Video
from codec.standard.encoders import ENCODERS

sys.path.insert(0, str(Path(__file__).parents[1]))
from helpers.filter_clips import drawn
from helpers.video_clips import BT601, RATE, pictures

DEPTH = 8


def speed(made: Callable[[], Iterable[object]], runs: int) -> dict[str, float]:
    """Frames a second and CPU seconds a frame, the best of some runs."""
    walls, cpus = [], []
    for _ in range(runs):
        wall, cpu = time.perf_counter(), time.process_time()
        count = sum(1 for _ in made())
        walls.append((time.perf_counter() - wall) / count)
        cpus.append((time.process_time() - cpu) / count)
    return {"fps": round(1 / min(walls), 2), "cpu": round(min(cpus), 3)}


def decoded(file: io.BytesIO, alone: bool) -> Iterator[Picture]:
    """The pictures of a file, or those of its base alone."""
    file.seek(0)
    return video.open_file(file, base=alone).pictures()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", nargs="+", default=["svt-av1", "x264"], choices=list(ENCODERS))
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--size", type=int, nargs=2, default=(1080, 1920), metavar=("ROWS", "COLUMNS"))
    parser.add_argument("--quality", type=float, default=15.0)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    rows, columns = options.size
    source = pictures(drawn(options.frames, (rows, columns)))
    clip = Video(Info(columns, rows, frames=0, rate=RATE, color=BT601), [], len(source), lambda: iter(source))
    for base in options.base:
        file = io.BytesIO()
        video.encode(clip, file, options=VideoOptions(Target(quality=options.quality), 2, base=base))
        _, payload = split(next(container.read(file.getvalue())[1]).payload)

        ours, theirs = (speed(partial(decoded, file, alone), options.runs) for alone in (False, True))
        line = {"base": base, "networks": describe(payload), "decode": ours, "base_alone": theirs}
        print(json.dumps(line | {"of_base": round(ours["fps"] / theirs["fps"], 3)}), flush=True)
        group = [picture.planes for picture in decoded(file, True)][:8]
        for planes in ((0, 1, 2), (0,), (1, 2)):
            filters = [one if plane in planes else None for plane, one in enumerate(unpack(payload, State())[0])]
            if any(filters):
                found = speed(partial(run, group, DEPTH, filters), options.runs)
                print(json.dumps({"filters": [one.plane for one in filters if one]} | found), flush=True)


if __name__ == "__main__":
    main()
