"""Images in the idx format of MNIST and its kin, plain or gzipped."""

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codec.errors import MediaError

_UINT8_IMAGES = 0x0803


def read_images(path: Path) -> NDArray[np.uint8]:
    """uint8 [N, H * W] of an idx3-ubyte file; MediaError if it is none."""
    try:
        data = path.read_bytes()
        data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except (OSError, EOFError, zlib.error) as error:
        raise MediaError(f"{path}: can't be read ({error}); download it again") from None
    magic, count, height, width = struct.unpack(">4I", data[:16]) if len(data) >= 16 else (0, 0, 0, 0)
    if magic != _UINT8_IMAGES or len(data) != 16 + count * height * width or not count * height * width:
        raise MediaError(f"{path}: not a whole idx file of 8-bit images; download it again")
    return np.frombuffer(bytearray(data), np.uint8, offset=16).reshape(count, height * width)


def find_images(folder: Path, part: str) -> Path:
    """The images of `part` ("train" or "t10k") in a folder, under the names they are published with."""
    for name in (f"{part}-images-idx3-ubyte", f"{part}-images.idx3-ubyte"):
        for suffix in ("", ".gz"):
            if (folder / (name + suffix)).is_file():
                return folder / (name + suffix)
    raise MediaError(f"{folder}: no {part}-images-idx3-ubyte or .gz; give the folder of the data set's idx files")
