"""HEIC through pillow-heif (x265), without making Pillow know the format: reading files has its own way to do it."""

import io
from dataclasses import dataclass

import numpy as np

from codec.peers.frames import check, from_image, to_image, whole
from codec.requirements import Need


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

        return f"pillow-heif {pillow_heif.__version__}, libheif {pillow_heif.libheif_version()} x265 chroma=420"

    def encode(self, frame: np.ndarray, value: float = 0) -> bytes:
        """uint8 [H, W, 1 or 3] -> the bytes of a file of quality `value`; CodecError for other frames."""
        check(frame, "HEIC")
        import pillow_heif

        buffer = io.BytesIO()
        pillow_heif.from_pillow(to_image(frame)).save(buffer, quality=whole(value), chroma=420)
        return buffer.getvalue()

    def decode(self, data: bytes, channels: int = 3) -> np.ndarray:
        """The bytes of a file -> uint8 [H, W, channels], 1 or 3."""
        import pillow_heif

        return from_image(pillow_heif.open_heif(io.BytesIO(data)).to_pillow(), channels)
