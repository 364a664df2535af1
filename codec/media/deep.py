"""Exact samples of more than 8 bits, which Pillow opens as 8-bit RGB without a word.

PNG and TIFF are decoded by FFmpeg (PyAV), PPM here; everything but the samples still comes from Pillow. What
Pillow decodes, the high bytes of the same picture, must agree.
"""

from __future__ import annotations

import io
import re

import numpy as np
from PIL import Image

from codec.errors import MediaError
from codec.media.png import pixels_only

_BITS_PER_SAMPLE, _PHOTOMETRIC, _WHITE_IS_ZERO = 258, 262, 0
_PACKED = {"gray16": 1, "ya16": 2, "rgb48": 3, "rgba64": 4}  # FFmpeg's names, less their byte order


def rawmode(image: Image.Image) -> str:
    """How the samples of an image that isn't loaded yet are stored, in Pillow's words; "" once it is."""
    tiles = getattr(image, "tile", None)
    args = tiles[0].args if tiles else ""
    return str(args[0] if isinstance(args, tuple) else args)


def sample_bits(image: Image.Image) -> int:
    """Bits per sample of an opened image that is no PPM, 8 for all that have 8 or fewer."""
    bits = 16 if ";16" in rawmode(image) or image.mode.startswith("I;16") else 8
    if image.format == "TIFF" and (bits == 16 or rawmode(image)):
        # Not by the raw mode: separate planes of 16 bits have one of 8.
        stated = image.tag_v2.get(_BITS_PER_SAMPLE, 1)  # type: ignore[attr-defined]
        bits = max(8, *(stated if isinstance(stated, tuple) else (stated,)))
    return bits


def check_avif(data: bytes) -> None:
    """Refuse AVIF of 10 or 12 bits: Pillow gives 8 of them."""
    for found in re.finditer(rb"av1C\x81.(.)", data, re.DOTALL):
        if found[1][0] & 0x40:  # high_bitdepth
            raise MediaError("is AVIF with more than 8 bits per sample; convert it to 16-bit PNG first")


def ppm_bits(image: Image.Image) -> int:
    """Bits per sample of a PPM, 8 for all that have 8 or fewer or are loaded already."""
    if not rawmode(image):
        return 8
    args = image.tile[0].args  # type: ignore[attr-defined]
    largest = args[1] if isinstance(args, tuple) and isinstance(args[1], int) else 255
    if args == "I;16B":
        largest = 65535
    if largest > 255 and largest & (largest + 1):
        raise MediaError(f"has samples from 0 to {largest}; scale them to 0 to 2^n - 1, such as 65535, first")
    return max(8, largest.bit_length())


def ppm_samples(image: Image.Image, data: bytes, depth: int) -> np.ndarray:
    """The samples of a PGM or PPM with two bytes a sample, or of a plain one: uint16 [height, width, 1 or 3]."""
    decoder, _, start, _ = image.tile[0]  # type: ignore[attr-defined]
    channels = 3 if image.mode == "RGB" else 1
    count = image.width * image.height * channels
    if decoder == "ppm_plain":
        values = np.array(re.sub(rb"#[^\r\n]*", b"", data[start:]).split()[:count], np.int64)
    else:
        values = np.frombuffer(data, ">u2", min(count, (len(data) - start) // 2), start)
    if len(values) < count:
        raise MediaError("is damaged (samples are missing); get a whole copy of it")
    if values.min() < 0 or values.max() >= 2**depth:
        raise MediaError(f"is damaged (a sample is not within 0 to {2**depth - 1}); get a whole copy of it")
    return values.astype(np.uint16).reshape(image.height, image.width, channels)


def ffmpeg_samples(format: str, data: bytes) -> np.ndarray:
    """The samples of a 16-bit PNG or TIFF as stored: uint16 [height, width, channels]."""
    import av

    if format == "PNG":  # FFmpeg reads all kinds of it, but for a damaged profile
        data = pixels_only(data)
        refused = MediaError("is damaged (its 16-bit samples can't be decoded); get a whole copy of it")
    else:
        refused = MediaError(f"is a kind of 16-bit {format} that can't be read; convert it to 16-bit PNG first")
    try:
        kind, options = f"{format.lower()}_pipe", {"protocol_whitelist": ""}
        with av.open(io.BytesIO(data), format=kind, options=options) as container:
            frame = next(container.decode(video=0))
    except (av.error.FFmpegError, StopIteration) as error:
        raise refused from error
    name, order = frame.format.name[:-2], frame.format.name[-2:]
    if name not in _PACKED:
        raise refused
    channels = _PACKED[name]
    plane = frame.planes[0]
    rows = np.frombuffer(plane, ">u2" if order == "be" else "<u2").reshape(-1, plane.line_size // 2)
    rows = rows[: frame.height, : frame.width * channels]
    return rows.reshape(frame.height, frame.width, channels).astype(np.uint16)


def agreed(exact: np.ndarray, eight_bits: np.ndarray, format: str) -> np.ndarray:
    """The channels of `exact` that Pillow has decoded too, to their high bytes.

    Raises MediaError where these differ: one of the two has misread the file.
    """
    if exact.shape[2] == 2 and eight_bits.shape[2] == 4:  # Pillow opens deep grey and alpha as RGBA
        eight_bits = eight_bits[..., [0, 3]]
    exact = exact[..., : eight_bits.shape[2]]
    if not np.array_equal(exact >> 8, eight_bits):
        raise MediaError(f"is a kind of 16-bit {format} that can't be read exactly; convert it to 16-bit PNG first")
    return exact


def is_negative(image: Image.Image) -> bool:
    """Whether 0 is white in a 16-bit grey TIFF, which Pillow passes over."""
    return (
        image.format == "TIFF" and image.mode.startswith("I;16") and image.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO  # type: ignore[attr-defined]
    )
