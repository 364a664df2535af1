"""Samples out of Pillow images: which modes are taken, where alpha comes from, how samples are turned."""

from __future__ import annotations

import numpy as np
from PIL import Image

from codec.errors import MediaError

_TAKEN = {
    "1": "L", "L": "L", "LA": "LA", "La": "LA", "PA": "RGBA", "RGB": "RGB", "RGBA": "RGBA", "RGBa": "RGBA",
    "RGBX": "RGB", "YCbCr": "RGB", "I;16": "I;16", "I;16L": "I;16L", "I;16B": "I;16B", "I;16N": "I;16N",
}  # fmt: skip


def check_mode(image: Image.Image) -> None:
    """Raise MediaError for samples that the codecs don't take."""
    if image.mode == "F":
        raise MediaError("has floating-point samples; convert it to 8 or 16 bits first")
    if image.mode == "I":
        raise MediaError("has signed or 32-bit samples; convert it to 8 or 16 bits first")
    if image.mode not in _TAKEN and image.mode != "P":
        raise MediaError(f"is {image.mode}; convert it to RGB first")


def samples(image: Image.Image) -> np.ndarray:
    """The samples of a loaded image: [height, width, channels], uint8, or uint16 for the modes I;16."""
    if image.mode == "P":
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    elif image.mode != _TAKEN[image.mode]:
        image = image.convert(_TAKEN[image.mode])
    array = np.array(image)
    array = array.astype(np.uint16) if array.dtype.itemsize == 2 else array
    return array[..., None] if array.ndim == 2 else array


def color_key(image: Image.Image, rawmode: str) -> np.ndarray | None:
    """The one colour that PNG's tRNS or GIF make transparent, one value a channel; None where there is none.

    Pillow gives that of a grey PNG of 2 or 4 bits unscaled, though its samples are scaled to 0..255; `rawmode`
    is the tile's, from before the image was loaded.
    """
    key = image.info.get("transparency")
    if image.mode not in ("1", "L", "RGB", "I;16", "I;16B") or not isinstance(key, (int, tuple)):
        return None
    if image.format == "PNG":
        key = np.multiply(key, {"L;2": 85, "L;4": 17}.get(rawmode, 1))
    return np.atleast_1d(np.asarray(key))


def with_color_key(frame: np.ndarray, key: np.ndarray, depth: int) -> np.ndarray:
    """Grey or RGB samples with an alpha channel, 0 where they equal `key`."""
    opaque = (frame != key).any(-1, keepdims=True)
    return np.concatenate([frame, (opaque * (2**depth - 1)).astype(frame.dtype)], -1)


def without_opaque_alpha(frame: np.ndarray, depth: int) -> np.ndarray:
    """The frame without its alpha channel, if that is opaque everywhere."""
    if frame.shape[2] in (2, 4) and (frame[..., -1] == 2**depth - 1).all():
        return frame[..., :-1]
    return frame


def unpremultiplied(frame: np.ndarray, depth: int) -> np.ndarray:
    """Colours that were stored multiplied by alpha, divided by it; 0 where alpha is 0."""
    alpha = frame[..., -1:].astype(np.uint64)
    largest = 2**depth - 1
    color = (frame[..., :-1].astype(np.uint64) * largest + alpha // 2) // np.maximum(alpha, 1)
    return np.concatenate([np.minimum(color, largest).astype(frame.dtype), frame[..., -1:]], -1)


def turned_upright(frame: np.ndarray, orientation: int) -> np.ndarray:
    """The frame as Exif's `orientation` (1 to 8) says that it is to be seen."""
    if orientation in (5, 6, 7, 8):
        frame = frame.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        frame = frame[::-1]
    if orientation in (2, 3, 6, 7):
        frame = frame[:, ::-1]
    return frame
