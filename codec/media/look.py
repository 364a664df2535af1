"""What the first bytes of an image file say of it, without decoding a pixel."""

from __future__ import annotations

import importlib
import os
from typing import IO, NamedTuple

from PIL import Image

from codec import urls
from codec.errors import MediaError
from codec.media import deep, pixels, tiff
from codec.media.formats import PLUGINS, recognise, unknown
from codec.media.guard import reading
from codec.media.info import MAX_PIXELS, check_size
from codec.media.signatures import HEAD


class Look(NamedTuple):
    """A file: its format (a key of PLUGINS, or "HEIC"), what its picture is (see Info), its bytes, and of a JPEG the
    mean of its first table of quantisation, else 0."""

    format: str
    width: int
    height: int
    channels: int
    depth: int
    size: int
    coarseness: float = 0.0

    @property
    def pixels(self) -> int:
        """How many it has."""
        return self.width * self.height


def look(source: str | bytes, max_pixels: int = MAX_PIXELS) -> Look:
    """Look at a file: its path, URL or bytes. MediaError for what is no image or isn't taken, LimitError for too many
    pixels, OSError for a file that can't be read. An alpha channel counts even if it is opaque."""
    with urls.stream(source) as fp:
        size = fp.seek(0, os.SEEK_END)
        fp.seek(0)
        return _looked(fp, size, max_pixels)


def _looked(fp: IO[bytes], size: int, max_pixels: int) -> Look:
    head = fp.read(HEAD)
    format = recognise(head)
    if format is None:
        raise MediaError(unknown(head))
    fp.seek(0)
    if format == "TIFF":
        fp, _ = tiff.chosen(fp)
    with reading(), _opened(format, fp) as image:
        check_size(image.width, image.height, max_pixels)
        pixels.check_mode(image)
        channels = 3 if image.mode == "P" else len(image.getbands())
        channels += image.mode in ("1", "L", "P", "RGB") and "transparency" in image.info
        tables = getattr(image, "quantization", None) or {}
        coarse = sum(tables[0]) / 64 if 0 in tables else 0.0
        depth = deep.ppm_bits(image) if format == "PPM" else deep.sample_bits(image)
        return Look(format, image.width, image.height, min(channels, 4), depth, size, coarse)


def _opened(format: str, fp: IO[bytes]) -> Image.Image:
    if format == "HEIC":
        try:
            import pillow_heif
        except ImportError as error:
            raise MediaError("is HEIC; install pillow-heif (pip install 'neural-codec[heif]')") from error
        return pillow_heif.HeifImageFile(fp)
    module, reader = PLUGINS[format]
    image: Image.Image = getattr(importlib.import_module(f"PIL.{module}"), reader)(fp)
    return image
