"""Makes golden archives: `python tests/golden/make_archive.py`. Never make one again once a release has shipped it.

all.ncf: six sessions of every kind that there is: networks over SVT-AV1, a stream with sound, a copy, runs of both and
new frames, frames of another at other times, and 10 bits. growing.ncf: networks that begin from those of earlier
sessions, in both chains of a video.
"""

import sys
from fractions import Fraction
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # where a script doesn't look

from helpers.archived import add, options
from helpers.coded_videos import scenes, video_of
from helpers.filter_clips import drawn
from helpers.video_clips import RATE, moving, pictures

from codec import archive
from codec.codecs.options import Target, VideoOptions
from codec.media import Info
from codec.media.video import Picture, Planes, Video

PATH = Path(__file__).parent / "archives" / "all.ncf"
GROWING = PATH.with_name("growing.ncf")


def deep(planes: Planes) -> Planes:
    """Of 10 bits."""
    y, u, v = (plane.astype(np.uint16) * 4 + 1 for plane in planes)
    return y, u, v


def main() -> None:
    made = [(path, make) for path, make in ((PATH, every_kind), (GROWING, growing)) if not path.exists()]
    for path, make in made:
        archive.create(path)
        make()
        path.with_name("part").unlink()
    if not made:
        sys.exit("they are there")


def growing() -> None:
    clip: list[Planes] = drawn(40, (48, 64))
    for name, half in (("first", clip[:20]), ("second", clip[20:])):
        cut = [*half[:12], *[(255 - y, v, u) for y, u, v in half[12:]]]
        add(GROWING, name, cut, how=VideoOptions(Target(quality=30), 1, base="x264"))


def every_kind() -> None:
    clip, new = scenes(lengths=(12, 9)), moving(32, 48, 8)
    add(PATH, "networks", clip, how=VideoOptions(Target(quality=30), 2))
    add(PATH, "stream", new, how=options(60), metadata={"audio": b"no sound"})
    add(PATH, "copy", new, how=options(60), metadata={"audio": b"no sound"})
    flat = [(255 - y, u, v) for y, u, v in new[:3]]
    add(PATH, "mixed", [*flat, *clip[5:17], *flat, *new[2:8]], how=options(30))
    uneven = [Picture(planes, Fraction(i * i, 90)) for i, planes in enumerate(clip[:9])]
    add(PATH, "uneven", clip[:9], uneven, how=options(30))
    shown = pictures([deep(planes) for planes in new[:6]])
    info = Info(48, 32, depth=10, frames=0, rate=RATE, color=video_of(shown).info.color)
    with archive.writing(PATH, device="cpu") as writer, open(PATH.with_name("part"), "w+b") as part:
        opened = Video(info, [], len(shown), lambda: iter(shown))
        writer.add("deep", opened, part, options=VideoOptions(Target(quality=50), 1, seconds=0.0), date=1764460800)


if __name__ == "__main__":
    main()
