"""HEIC and HEIF, through pillow-heif: an optional package, imported only when such a file shows up."""

from __future__ import annotations

from typing import IO

import numpy as np

from codec.container import SRGB, Color
from codec.errors import MediaError
from codec.media.guard import reading
from codec.media.info import check_size
from codec.media.metadata import collect
from codec.media.pixels import unpremultiplied

_UNSPECIFIED = 2
# BT.709 and BT.601 say how cameras encode, and a file that states them is meant to be seen as sRGB.
_AS_SRGB = (1, 6, 13)


def read_heif(fp: IO[bytes], max_pixels: int) -> tuple[np.ndarray, int, dict[str, bytes], Color]:
    """The primary image: samples [height, width, channels], depth, metadata and colour.

    The file's own rotation and mirroring are applied by libheif; its Exif orientation counts for nothing.
    """
    try:
        import pillow_heif
    except ImportError as error:
        raise MediaError("is HEIC; install pillow-heif (pip install 'neural-codec[heif]')") from error
    with reading():
        file = pillow_heif.open_heif(fp, convert_hdr_to_8bit=False, hdr_to_16bit=False)
        image = file[file.primary_index]
        width, height = image.size
        check_size(width, height, max_pixels)
        frame = np.array(image)  # decoded here
        mode = image.mode.partition(";")[0]
        depth = image.info["bit_depth"] if frame.dtype == np.uint16 else 8
        info = dict(image.info)
        pillow_heif.set_orientation(info)  # to 1, in the XMP as well
        metadata = collect(info.get("icc_profile"), info.get("exif"), info.get("xmp"))
    frame = frame[..., None] if frame.ndim == 2 else frame
    if mode.endswith("a"):
        frame = unpremultiplied(frame, depth)
    return frame, depth, metadata, _color(info.get("nclx_profile"))


def _color(nclx: dict[str, int] | None) -> Color:
    if not nclx:
        return SRGB
    primaries, transfer = nclx["color_primaries"], nclx["transfer_characteristics"]
    if primaries in (1, _UNSPECIFIED) and transfer in (*_AS_SRGB, _UNSPECIFIED):
        return SRGB
    # The samples are RGB of full range by now.
    return Color(
        SRGB.primaries if primaries == _UNSPECIFIED else primaries,
        SRGB.transfer if transfer == _UNSPECIFIED else transfer,
    )
