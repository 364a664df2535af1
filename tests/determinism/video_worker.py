"""One process of the videos' determinism: `video_worker.py encode|decode THREADS FOLDER OUT NAME...`.

NAME is a codec, a base ("-" for none) and a setting, as "nirvana x265 sse". `encode` writes FOLDER/NAME.ncf, of a clip
of two chains; `decode` all samples of each to the file OUT, and where there is a standard stream those of it alone.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from helpers.video_clips import BT601, RATE, moving, pictures

from codec import video
from codec.codecs.nirvana import head
from codec.codecs.options import Target, VideoOptions
from codec.media import Info
from codec.media.video import Video


def main() -> None:
    mode, threads, folder, out, *names = sys.argv[1:]
    head.GROUP = 8
    frames = [(y // 4 + np.uint8(160 * (n >= 13)), u, v) for n, (y, u, v) in enumerate(moving(72, 104, 26))]
    info = Info(104, 72, frames=0, rate=RATE, color=BT601)
    found = {}
    for name in names:
        path = Path(folder) / f"{name}.ncf"
        if mode == "encode":
            codec, base, _ = name.split()
            clip = Video(info, [], len(frames), lambda: iter(pictures(frames)))
            options = VideoOptions(Target(quality=50), 2, threads=int(threads), base=None if base == "-" else base)
            with path.open("w+b") as fp:
                video.encode(clip, fp, codec, options=options, device="cpu")
            continue
        with path.open("rb") as fp:
            stream = video.open_file(fp, device="cpu").header.stream is not None
            for alone in (False, True)[: 1 + stream]:
                shown = list(video.open_file(fp, device="cpu", base=alone).pictures())
                assert len(shown) == len(frames)
                key = f"{name} {'stream' if alone else 'networks' if stream else 'pictures'}"
                found[key] = np.concatenate([plane.ravel() for picture in shown for plane in picture.planes])
    if mode == "decode":
        np.savez(out, **found)


if __name__ == "__main__":
    main()
