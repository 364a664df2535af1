"""One process of the videos' determinism: `video_worker.py encode|decode THREADS FOLDER NAME...`.

NAME is a base and a setting, as "x265 a". `encode` writes NAME.ncf, of a clip of two chains; `decode` prints a checksum
of all samples of each, with the networks and of the stream alone.
"""

import sys
import zlib
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from helpers.video_clips import BT601, RATE, moving, pictures

from codec import video
from codec.codecs.nirvana import hybrid
from codec.codecs.options import Target, VideoOptions
from codec.media import Info
from codec.media.video import Video


def main() -> None:
    mode, threads, folder, *names = sys.argv[1:]
    hybrid.GROUP = 8
    frames = [(y // 4 + np.uint8(160 * (n >= 13)), u, v) for n, (y, u, v) in enumerate(moving(72, 104, 26))]
    info = Info(104, 72, frames=0, rate=RATE, color=BT601)
    for name in names:
        path = Path(folder) / f"{name}.ncf"
        if mode == "encode":
            clip = Video(info, [], len(frames), lambda: iter(pictures(frames)))
            options = VideoOptions(Target(quality=50), 2, threads=int(threads), base=name.split()[0])
            with path.open("w+b") as fp:
                video.encode(clip, fp, options=options)
            continue
        for base in (False, True):
            with path.open("rb") as fp:
                shown = list(video.open_file(fp, base=base).pictures())
            assert len(shown) == len(frames)
            print(name, base, zlib.crc32(b"".join(p.tobytes() for picture in shown for p in picture.planes)))


if __name__ == "__main__":
    main()
