"""A TIFF writer for 16 bits per sample, which Pillow can't write in colour: one strip, not compressed."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import IO

import numpy as np
from PIL import TiffImagePlugin

from codec.errors import LimitError
from codec.media.metadata import save_options
from codec.media.png16 import scaled

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _STRIP, _CHANNELS, _ROWS, _BYTES = (
    256, 257, 258, 259, 262, 273, 277, 278, 279,
)  # fmt: skip
_X, _Y, _PLANAR, _UNIT, _EXTRA, _ICC = 282, 283, 284, 296, 338, 34675
_INCH, _NOT_PREMULTIPLIED = 2, 2
_SUB_IFDS = (34665, 34853)
_LARGEST = 2**32 - 2**24  # places in the file have 32 bits


def write_tiff16(frame: np.ndarray, depth: int, metadata: Mapping[str, bytes], fp: IO[bytes]) -> None:
    """Write samples of `depth` bits, uint16 [height, width, 1 to 4], scaled to 0..65535 and rounded.

    Grey with alpha becomes RGBA, since few programs read it in 16 bits. LimitError for more than 4 GB.
    """
    if frame.shape[2] == 2:
        frame = frame[..., [0, 0, 0, 1]]
    height, width, channels = frame.shape
    samples = scaled(frame, depth, 16).astype("<u2")
    if samples.nbytes > _LARGEST:
        raise LimitError("is larger than a TIFF can be (4 GB); write PNG instead")
    options = save_options(metadata, "tiff")
    tags = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II")
    for tag in options["exif"]:
        tags[tag] = options["exif"].get_ifd(tag) if tag in _SUB_IFDS else options["exif"][tag]
    if "dpi" in options:
        tags[_UNIT] = _INCH
        tags[_X], tags[_Y] = options["dpi"]
    if "icc_profile" in options:
        tags.tagtype[_ICC] = 7
        tags[_ICC] = options["icc_profile"]
    tags[_WIDTH], tags[_HEIGHT], tags[_ROWS] = width, height, height
    tags[_BITS] = (16,) * channels
    tags[_COMPRESSION], tags[_PLANAR], tags[_CHANNELS] = 1, 1, channels
    tags[_PHOTOMETRIC] = 1 if channels == 1 else 2
    if channels == 4:
        tags[_EXTRA] = _NOT_PREMULTIPLIED
    tags.tagtype[_BYTES] = tags.tagtype[_STRIP] = 4  # 32 bits
    tags[_BYTES] = samples.nbytes
    tags[_STRIP] = 0  # Pillow adds the length of what stands before the samples
    fp.write(b"II*\0" + struct.pack("<I", 8))
    fp.write(tags.tobytes(8))
    fp.write(samples.tobytes())
