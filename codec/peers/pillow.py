"""JPEG, WebP, AVIF, JPEG XL, JPEG 2000 and PNG through Pillow, at the settings that a careful user would choose."""

import importlib
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from codec.errors import CodecError


@dataclass(frozen=True)
class PillowCodec:
    """A Pillow format. `parameter`: what its one number sets, "" if there is none; `plugin`: (module, package)."""

    format: str
    settings: tuple[tuple[str, Any], ...]
    parameter: str = "quality"
    plugin: tuple[str, str] | None = None

    @property
    def keys(self) -> str:
        """The keys of a spec (codec/specs.py) that this codec takes."""
        return self.parameter[:1]

    def require(self) -> None:
        """Make Pillow know the format; CodecError if the package for it is not installed."""
        if self.plugin:
            module, package = self.plugin
            try:
                importlib.import_module(module)
            except ImportError:
                raise CodecError(f"{self.format} needs one more package: pip install {package}") from None

    def encode(self, frame: np.ndarray, value: float = 0) -> bytes:
        """uint8 [H, W, 1 or 3] -> the bytes of a file, `value` being the parameter's; CodecError for other frames."""
        if frame.dtype != np.uint8 or frame.shape[2] not in (1, 3):
            raise CodecError(f"as a peer {self.format} takes 8-bit grey and RGB only; leave it out for this picture")
        buffer = io.BytesIO()
        image = Image.fromarray(frame[..., 0] if frame.shape[2] == 1 else frame)
        parameter = {self.parameter: round(value)} if self.parameter else {}
        image.save(buffer, self.format, **parameter, **dict(self.settings))
        return buffer.getvalue()

    def decode(self, data: bytes, channels: int = 3) -> np.ndarray:
        """The bytes of a file -> uint8 [H, W, channels], 1 or 3: some formats know no grey and give it as colour."""
        pixels = np.asarray(Image.open(io.BytesIO(data)).convert("L" if channels == 1 else "RGB"))
        return pixels[..., None] if pixels.ndim == 2 else pixels


_JXL = ("pillow_jxl", "pillow-jxl-plugin")
_LOSSLESS = ("lossless", True)

PILLOW = {
    "jpeg": PillowCodec("JPEG", (("optimize", True), ("subsampling", "4:2:0"))),
    "webp": PillowCodec("WEBP", (("method", 6),)),
    "avif": PillowCodec("AVIF", (("speed", 4), ("subsampling", "4:2:0"))),
    "jxl": PillowCodec("JXL", (("effort", 7),), plugin=_JXL),
    "png": PillowCodec("PNG", (("optimize", True),), ""),
    "webp-lossless": PillowCodec("WEBP", (_LOSSLESS, ("method", 6), ("quality", 100)), ""),
    "jpeg2000": PillowCodec("JPEG2000", (("irreversible", False), ("mct", 1)), ""),
    "jxl-lossless": PillowCodec("JXL", (_LOSSLESS,), "effort", _JXL),
}
