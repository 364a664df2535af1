"""HEIC through pillow-heif (x265), without making Pillow know the format: reading files has its own way to do it."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from codec.errors import CodecError
from codec.needs import Need


@dataclass(frozen=True)
class Heic:
    """4:2:0 at the encoder's own preset."""

    key = "q"
    suffix = ".heic"
    needs = (Need("pillow_heif", "pip install pillow-heif"),)

    @property
    def description(self) -> str:
        """The encoder's settings, for rows."""
        import pillow_heif

        return f"pillow-heif {pillow_heif.__version__} x265 chroma=420"

    def encode(self, frame: np.ndarray, value: float = 0) -> bytes:
        """uint8 [H, W, 1 or 3] -> the bytes of a file of quality `value`; CodecError for other frames."""
        if frame.dtype != np.uint8 or frame.shape[2] not in (1, 3):
            raise CodecError("as a peer HEIC takes 8-bit grey and RGB only; leave it out for this picture")
        import pillow_heif

        buffer = io.BytesIO()
        image = Image.fromarray(frame[..., 0] if frame.shape[2] == 1 else frame)
        pillow_heif.from_pillow(image).save(buffer, quality=round(value), chroma=420)
        return buffer.getvalue()

    def decode(self, data: bytes, channels: int = 3) -> np.ndarray:
        """The bytes of a file -> uint8 [H, W, channels], 1 or 3."""
        import pillow_heif

        pixels = np.asarray(
            pillow_heif.open_heif(io.BytesIO(data)).to_pillow().convert("L" if channels == 1 else "RGB")
        )
        return pixels[..., None] if pixels.ndim == 2 else pixels
