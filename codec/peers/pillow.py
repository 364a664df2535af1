"""JPEG, WebP, AVIF, JPEG XL, JPEG 2000 and PNG through Pillow, at the settings that a careful user would choose."""

import importlib
import io
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import PIL
from PIL import Image, features

from codec.peers.frames import check, from_image, to_image, whole
from codec.requirements import Need

# By format the library that does the work, and Pillow's name for it.
_LIBRARIES = {
    "JPEG": ("libjpeg-turbo", "libjpeg_turbo"), "WEBP": ("libwebp", "webp"), "AVIF": ("libavif", "avif"),
    "JPEG2000": ("OpenJPEG", "jpg_2000"), "PNG": ("zlib", "zlib"),
}  # fmt: skip


@dataclass(frozen=True)
class PillowCodec:
    """A Pillow format. `suffix`: of its files; `parameter`: what its one number sets, "" if there is none;
    `plugin`: the module that makes Pillow know it, and its package."""

    format: str
    suffix: str
    settings: tuple[tuple[str, Any], ...]
    parameter: str = "quality"
    plugin: tuple[str, str] | None = None

    @property
    def key(self) -> str:
        """The key of its specs (codec/evaluate/specs.py)."""
        return self.parameter[:1]

    @property
    def needs(self) -> tuple[Need, ...]:
        """What must be installed."""
        return (Need(self.plugin[0], f"pip install {self.plugin[1]}"),) if self.plugin else ()

    @property
    def description(self) -> str:
        """The encoder's settings, for rows."""
        values = " ".join(f"{key}={value}" for key, value in self.settings)
        return f"{self._versions()} {self.format} {values}".rstrip()

    def _versions(self) -> str:
        """Those of Pillow and of the library behind it."""
        if self.plugin:
            return f"Pillow {PIL.__version__}, {self.plugin[1]} {version(self.plugin[1])}"
        name, feature = _LIBRARIES[self.format]
        found = features.version(feature)
        return f"Pillow {PIL.__version__}" + (f", {name} {found}" if found else "")

    def encode(self, frame: np.ndarray, value: float = 0) -> bytes:
        """uint8 [H, W, 1 or 3] -> the bytes of a file, `value` being the spec's; CodecError for other frames."""
        check(frame, self.format)
        self._register()
        buffer = io.BytesIO()
        to_image(frame).save(buffer, self.format, **dict(self.settings), **self._chosen(value, frame.shape[2]))
        return buffer.getvalue()

    def decode(self, data: bytes, channels: int = 3) -> np.ndarray:
        """The bytes of a file -> uint8 [H, W, channels], 1 or 3: some formats know no grey and give it as colour."""
        self._register()
        return from_image(Image.open(io.BytesIO(data)), channels)

    def _chosen(self, value: float, channels: int) -> dict[str, Any]:
        """What the spec's value means to the encoder; an effort of 0 is one that isn't given."""
        if not self.parameter or (self.parameter == "effort" and not value):
            return {}
        return {self.parameter: whole(value)}

    def _register(self) -> None:
        if self.plugin:
            importlib.import_module(self.plugin[0])


class Jpeg2000(PillowCodec):
    """JPEG 2000 at so many bits per pixel, or lossless without them: the encoder takes a ratio to the raw samples."""

    @property
    def key(self) -> str:
        return "bpp"

    def _chosen(self, value: float, channels: int) -> dict[str, Any]:
        return {"irreversible": True, "quality_layers": [8 * channels / value]} if value else {"irreversible": False}


_JXL = ("pillow_jxl", "pillow-jxl-plugin")
_LOSSLESS = ("lossless", True)

PILLOW = {
    "jpeg": PillowCodec("JPEG", ".jpg", (("optimize", True), ("subsampling", "4:2:0"))),
    "jpeg444": PillowCodec("JPEG", ".jpg", (("optimize", True), ("subsampling", "4:4:4"))),
    "webp": PillowCodec("WEBP", ".webp", (("method", 6),)),
    # What libavif writes depends on its number of threads (Kodak 1: 1.6 %): one, so that all machines write the same.
    "avif": PillowCodec("AVIF", ".avif", (("speed", 4), ("subsampling", "4:2:0"), ("max_threads", 1))),
    "jxl": PillowCodec("JXL", ".jxl", (("effort", 7),), plugin=_JXL),
    "png": PillowCodec("PNG", ".png", (("optimize", True),), ""),
    "webp-lossless": PillowCodec("WEBP", ".webp", (_LOSSLESS, ("method", 6), ("quality", 100)), ""),
    "jpeg2000": Jpeg2000("JPEG2000", ".jp2", (("mct", 1),), ""),
    "jxl-lossless": PillowCodec("JXL", ".jxl", (_LOSSLESS,), "effort", _JXL),
}
