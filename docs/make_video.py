"""Draws docs/video.jpg: a frame of each clip as it is, by our codec, by its base alone and by x264 at the same size.

python docs/make_video.py docs/video.jpg CLIP [CLIP...]
"""

import argparse
import io
from itertools import islice
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from codec import video
from codec.codecs.options import Target, VideoOptions
from codec.media import yuv
from codec.media.distortion import errors, psnr
from codec.media.video import Picture, Video, read_video
from codec.peers.video import VIDEO
from codec.standard.export import export

LABEL, GAP, WIDE, HIGH = 46, 10, 400, 260  # pixels

Coded = tuple[int, list[Picture]]


def by_x264(clip: Video, shown: list[Picture], size: int) -> Coded:
    """x264's file nearest to `size` bytes."""
    info, peer = clip.info, VIDEO["x264"]
    assert info.rate is not None
    low, high = 10, 51
    files = {}
    while low < high:
        crf = (low + high) // 2
        files[crf] = peer.encode((p.planes for p in shown), info.color, info.rate, crf)
        low, high = (crf + 1, high) if len(files[crf]) > size else (low, crf)
    data = min(files.values(), key=lambda file: abs(len(file) - size))
    found = peer.decode(data, info.height, info.width, info.color)
    return len(data), [Picture(planes, p.time) for planes, p in zip(found, shown, strict=True)]


def coded(path: Path, frames: int, bpp: float) -> tuple[Video, list[Picture], dict[str, Coded]]:
    """The first frames of a clip, and what came of them."""
    read = read_video(path, audio=False)  # of 8 bits, which x264 gets too
    shown = list(islice(read.pictures(), frames))
    clip = Video(read.info, [], len(shown), lambda: iter(shown))
    file, mp4 = io.BytesIO(), io.BytesIO()
    video.encode(clip, file, options=VideoOptions(Target(bpp=bpp), frames=len(shown)))
    opened, base = video.open_file(file), video.open_file(file, base=True)
    export(opened.header, opened.packets, mp4, "mp4")
    size = len(file.getvalue())
    return clip, shown, {
        "neural-codec": (size, list(opened.pictures())),
        "SVT-AV1, its base, alone": (len(mp4.getvalue()), list(base.pictures())),
        "x264": by_x264(clip, shown, size),
    }  # fmt: skip


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out", type=Path)
    p.add_argument("clips", type=Path, nargs="+")
    p.add_argument("--frames", type=int, default=32)
    p.add_argument("--bpp", type=float, default=0.07)
    a = p.parse_args()
    sheet = Image.new("RGB", (4 * (WIDE + GAP) - GAP, len(a.clips) * (HIGH + LABEL + GAP)), "white")
    draw = ImageDraw.Draw(sheet)
    for row, path in enumerate(a.clips):
        clip, shown, found = coded(path, a.frames, a.bpp)
        info, number = clip.info, len(shown) // 2
        pixels = info.width * info.height * len(shown)
        for column, (title, (size, pictures)) in enumerate([("Source", (0, shown)), *found.items()]):
            planes = pictures[number].planes
            line = f"{path.stem[:24]}, frame {number}"
            if size:
                each = [psnr(e) for e in errors(planes, shown[number].planes)]
                line = f"{8 * size / pixels:.3f} bpp  " + "  ".join(
                    f"{n} {v:.1f}" for n, v in zip("YUV", each, strict=True)
                )
            left, top = column * (WIDE + GAP), row * (HIGH + LABEL + GAP)
            draw.text((left, top), title, "black", ImageFont.load_default(19))
            draw.text((left, top + 24), line, "#444444", ImageFont.load_default(15))
            picture = Image.fromarray(yuv.to_rgb(planes, info.color))
            x, y = max((info.width - WIDE) // 2, 0), max((info.height - HIGH) // 2, 0)
            sheet.paste(
                picture.crop((x, y, min(x + WIDE, info.width), min(y + HIGH, info.height))), (left, top + LABEL)
            )
    sheet.save(a.out, quality=90, subsampling=0, optimize=True)


if __name__ == "__main__":
    main()
