"""What picture peers take and give, in one place: 8-bit grey or RGB frames, as arrays and as Pillow images."""

import numpy as np
from PIL import Image

from codec.errors import CodecError


def check(frame: np.ndarray, name: str) -> None:
    """CodecError unless the frame is uint8 [H, W, 1 or 3]; `name` is the peer's."""
    if frame.dtype != np.uint8 or frame.shape[2] not in (1, 3):
        raise CodecError(f"as a peer {name} takes 8-bit grey and RGB only; leave it out for this picture")


def whole(value: float) -> int:
    """A spec's number for an encoder that takes whole ones; CodecError for others, which would be another's twin."""
    if value != int(value):
        raise CodecError(f"{value:g} is no whole number, which this encoder takes; leave it out")
    return int(value)


def to_image(frame: np.ndarray) -> Image.Image:
    """A frame that was checked, as a Pillow image."""
    return Image.fromarray(frame[..., 0] if frame.shape[2] == 1 else frame)


def from_image(image: Image.Image, channels: int) -> np.ndarray:
    """uint8 [H, W, channels], 1 or 3, of an image of any mode."""
    pixels = np.asarray(image.convert("L" if channels == 1 else "RGB"))
    return pixels[..., None] if pixels.ndim == 2 else pixels
