"""A folder of PNGs as a video: one picture a frame, in the order of their names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from codec.container import Color
from codec.errors import MediaError
from codec.media import yuv
from codec.media.info import Info
from codec.media.png16 import scaled
from codec.media.read import read
from codec.media.video.picture import Picture

_RATE = Fraction(25)  # frames a second: pictures don't say


def png_files(folder: Path) -> list[Path]:
    """Its PNGs by name; MediaError if there are none."""
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".png" and path.is_file())
    if not files:
        raise MediaError("has no PNGs in it; give a video or a folder of PNGs")
    return files


def describe(files: Sequence[Path], max_pixels: int) -> tuple[Info, list[str]]:
    """What the video of these files is, by the first, and what it can't keep of that."""
    info, _ = read(files[0], max_pixels=max_pixels, strip=True)
    notes = [f"{info.depth}-bit samples are coded at 8 bits"] if info.depth > 8 else []
    notes += ["transparency is left out"] if info.channels in (2, 4) else []
    return Info(info.width, info.height, frames=0, rate=_RATE, color=_planes_color(info)), notes


def folder_pictures(files: Sequence[Path], max_pixels: int) -> Iterator[Picture]:
    """The files as frames of 8-bit RGB. MediaError for a picture of another size than the first."""
    size = None
    for index, path in enumerate(files):
        info, (frame,) = read(path, max_pixels=max_pixels, strip=True)
        size = size or (info.width, info.height)
        if (info.width, info.height) != size:
            raise MediaError(
                f"{path}: is {info.width} x {info.height}, the pictures before it {size[0]} x {size[1]}; "
                "scale them to one size first"
            )
        rgb = (scaled(frame, info.depth, 8) if info.depth > 8 else frame)[..., :3]
        if info.channels <= 2:
            rgb = np.repeat(rgb[..., :1], 3, axis=2)
        yield Picture(yuv.from_rgb(rgb, _planes_color(info)), index / _RATE)


def _planes_color(image: Info) -> Color:
    """The colour of an image once it is planes of BT.709's matrix."""
    return Color(image.color.primaries, image.color.transfer, matrix=1, full_range=False)
