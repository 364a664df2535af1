"""JPEG, WebP and AVIF through Pillow, at the settings that a careful user would choose."""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class PillowCodec:
    """A Pillow format whose one parameter is its quality `q`, 0 to 100."""

    format: str
    settings: tuple[tuple[str, Any], ...]

    def encode(self, frame: np.ndarray, q: float) -> bytes:
        """uint8 [H, W, 1 or 3] -> the bytes of a file."""
        buffer = io.BytesIO()
        image = Image.fromarray(frame[..., 0] if frame.shape[2] == 1 else frame)
        image.save(buffer, self.format, quality=round(q), **dict(self.settings))
        return buffer.getvalue()

    def decode(self, data: bytes) -> np.ndarray:
        """The bytes of a file -> uint8 [H, W, 1 or 3]."""
        image = Image.open(io.BytesIO(data))
        pixels = np.asarray(image if image.mode == "L" else image.convert("RGB"))
        return pixels[..., None] if pixels.ndim == 2 else pixels


PILLOW = {
    "jpeg": PillowCodec("JPEG", (("optimize", True), ("subsampling", "4:2:0"))),
    "webp": PillowCodec("WEBP", (("method", 6),)),
    "avif": PillowCodec("AVIF", (("speed", 4), ("subsampling", "4:2:0"))),
}
