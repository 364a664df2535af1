"""HEIC and HEIF, through pillow-heif: an optional package, imported only when such a file shows up."""

from __future__ import annotations

from typing import IO

import numpy as np

from codec.container import SRGB
from codec.errors import MediaError
from codec.media.boxes import from_code_points
from codec.media.guard import reading
from codec.media.info import Picture, check_size
from codec.media.metadata import collect
from codec.media.pixels import unpremultiplied


def read_heif(fp: IO[bytes], max_pixels: int) -> Picture:
    """The primary image.

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
    nclx = info.get("nclx_profile")
    color = from_code_points(nclx["color_primaries"], nclx["transfer_characteristics"]) if nclx else SRGB
    notes = (f"it holds {len(file):,} pictures; the primary one is kept",) if len(file) > 1 else ()
    return Picture(frame, depth, metadata, color, notes)
