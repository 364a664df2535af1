"""JPEG, WebP, AVIF and JPEG XL through Pillow, at the settings that a careful user would choose."""

import importlib
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from codec.errors import CodecError


@dataclass(frozen=True)
class PillowCodec:
    """A Pillow format whose one parameter is its quality `q`, 0 to 100; `plugin`: the (module, package) it needs."""

    format: str
    settings: tuple[tuple[str, Any], ...]
    plugin: tuple[str, str] | None = None

    def require(self) -> None:
        """Make Pillow know the format; CodecError if the package for it is not installed."""
        if self.plugin:
            module, package = self.plugin
            try:
                importlib.import_module(module)
            except ImportError:
                raise CodecError(f"{self.format} needs one more package: pip install {package}") from None

    def encode(self, frame: np.ndarray, q: float) -> bytes:
        """uint8 [H, W, 1 or 3] -> the bytes of a file; CodecError for other frames."""
        if frame.dtype != np.uint8 or frame.shape[2] not in (1, 3):
            raise CodecError(f"as a peer {self.format} takes 8-bit grey and RGB only; leave it out for this picture")
        buffer = io.BytesIO()
        image = Image.fromarray(frame[..., 0] if frame.shape[2] == 1 else frame)
        image.save(buffer, self.format, quality=round(q), **dict(self.settings))
        return buffer.getvalue()

    def decode(self, data: bytes, channels: int = 3) -> np.ndarray:
        """The bytes of a file -> uint8 [H, W, channels], 1 or 3: some formats know no grey and give it as colour."""
        pixels = np.asarray(Image.open(io.BytesIO(data)).convert("L" if channels == 1 else "RGB"))
        return pixels[..., None] if pixels.ndim == 2 else pixels


PILLOW = {
    "jpeg": PillowCodec("JPEG", (("optimize", True), ("subsampling", "4:2:0"))),
    "webp": PillowCodec("WEBP", (("method", 6),)),
    "avif": PillowCodec("AVIF", (("speed", 4), ("subsampling", "4:2:0"))),
    "jxl": PillowCodec("JXL", (("effort", 7),), ("pillow_jxl", "pillow-jxl-plugin")),
}
