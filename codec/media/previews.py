"""The small JPEG that a file may carry, for those who show what is in it without decoding it: made, and read again.

It is sRGB, whatever the picture's colours are, so that it is right without a profile, and transparent parts are white.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from PIL import Image, JpegImagePlugin

from codec.container import LIMITS, SRGB, Color
from codec.errors import CodecError, MediaError
from codec.media.guard import reading
from codec.media.info import Info
from codec.media.profiles import stripped
from codec.media.write import to_pillow
from codec.view import View, view_of

SIDE = 256  # pixels, the longer one of what is written
MOST = 512  # of what is read
_QUALITIES = (65, 30, 5)  # the first that fits is taken


def by_code_points(color: Color, metadata: Mapping[str, bytes]) -> bool:
    """Whether code points alone say what a picture's colours are, and that they aren't sRGB's."""
    return color != SRGB and "icc" not in metadata


def added(info: Info, frame: np.ndarray) -> Info:
    """The info of a picture [height, width, channels], with its preview."""
    return replace(info, metadata={**info.metadata, "preview": made(info, frame)})


def made(info: Info, frame: np.ndarray) -> bytes:
    """The preview of a picture [height, width, channels]. MediaError where its colours are said by code points alone,
    which can't be made sRGB here."""
    if by_code_points(info.color, info.metadata):
        raise MediaError(f"has colours of its own (CICP {info.color[0]}, {info.color[1]}), and a preview is sRGB")
    image = to_pillow(frame, info.depth)
    if image.mode == "I;16":
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if max(image.size) > 4 * SIDE:
        image = image.reduce(max(image.size) // (2 * SIDE))  # quick, and far above what is wanted
    if image.mode in ("LA", "RGBA"):
        white = Image.new(image.mode, image.size, (255,) * len(image.mode))
        image = Image.alpha_composite(white.convert("RGBA"), image.convert("RGBA"))
    image = image.convert("L" if info.channels <= 2 else "RGB")
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    samples = np.asarray(image)
    samples, _ = stripped(samples if samples.ndim == 3 else samples[..., None], 8, info.metadata)
    for quality in _QUALITIES:
        buffer = io.BytesIO()
        to_pillow(samples).save(buffer, "JPEG", quality=quality, optimize=True)
        if buffer.tell() <= LIMITS.preview:
            break
    return buffer.getvalue()


def read(preview: bytes) -> Image.Image:
    """A preview's pixels, of mode L or RGB; MediaError for what is none, or is damaged.

    Only a JPEG of few pixels in one scan counts: what seems to be small must not take long.
    """
    try:
        with reading():
            image = JpegImagePlugin.JpegImageFile(io.BytesIO(preview))
            if image.mode in ("L", "RGB") and max(image.size) <= MOST and "progressive" not in image.info:
                image.load()
                return image
    except CodecError as error:
        raise MediaError(f"the preview {error}") from error
    raise MediaError("the preview is no plain JPEG of at most 512 pixels a side; decode the picture itself")


def of(metadata: Mapping[str, bytes], width: int, height: int) -> Image.Image | None:
    """The preview of a picture of this size; None where there is none, or none that can be it."""
    try:
        image = read(metadata.get("preview", b""))
    except MediaError:
        return None
    return image if shaped_like(image, width, height) else None


def shaped_like(image: Image.Image, width: int, height: int) -> bool:
    """Whether a preview's sides are to each other as a picture's, but for the rounding of one of them."""
    return abs(image.width * height - image.height * width) <= max(width, height)


def standing_in(info: Info, view: View) -> np.ndarray | None:
    """A small view of a picture, [height, width, channels], from the preview in its metadata; None where there is none
    that is large enough and in the picture's own colours."""
    alike = info.depth == 8 and info.channels in (1, 3) and info.color == SRGB and "icc" not in info.metadata
    image = of(info.metadata, info.width, info.height) if view.scale > 1 and alike else None
    if image is None:
        return None
    whole = view_of(info.width, info.height, None, view.scale).size
    if image.mode != ("L" if info.channels == 1 else "RGB") or image.width < whole[0] or image.height < whole[1]:
        return None
    left, top = view.left // view.scale, view.top // view.scale
    width, height = view.size
    small = np.asarray(image.resize(whole, Image.Resampling.LANCZOS))[top : top + height, left : left + width]
    return small if small.ndim == 3 else small[..., None]
