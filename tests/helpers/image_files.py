"""Image files made byte by byte, with metadata, and what is read of them."""

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from codec import media

ORIENTATION, MAKER, EXIF_IFD, DATE = 0x0112, 0x010F, 0x8769, 0x9003
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF/></x:xmpmeta>'
ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def saved(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def pixels(source: media.Source) -> np.ndarray:
    info, frames = media.read(source)
    (frame,) = frames
    assert frame.dtype == (np.uint8 if info.depth == 8 else np.uint16)
    assert frame.shape == (info.height, info.width, info.channels)
    return frame


def exif(orientation: int = 1) -> Image.Exif:
    tags = Image.Exif()
    tags[ORIENTATION] = orientation
    tags[MAKER] = "Maker"
    tags.get_ifd(EXIF_IFD)[DATE] = "2020:01:02 03:04:05"
    return tags


def parsed(block: bytes) -> Image.Exif:
    tags = Image.Exif()
    tags.load(block)
    return tags


def chunk(tag: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data))


def png(
    width: int, height: int, rows: bytes = b"", depth: int = 8, kind: int = 2, *more: bytes, adam7: int = 0
) -> bytes:
    """A PNG of colour type `kind`, with the chunks `more` before its pixels."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, adam7))
    body = chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + body


PNG_KIND = {1: 0, 2: 4, 3: 2, 4: 6}


def noise(channels: int, depth: int = 16, height: int = 5, width: int = 7) -> np.ndarray:
    values = np.random.default_rng(channels).integers(0, 2**depth, (height, width, channels))
    return values.astype(np.uint16)


def png16(samples: np.ndarray, *more: bytes) -> bytes:
    height, width, channels = samples.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    return png(width, height, rows, 16, PNG_KIND[channels], *more)


def swapped() -> bytes:
    """A profile whose red is sRGB's blue, and the other way round."""
    end = 132 + 12 * struct.unpack_from(">I", ICC, 128)[0]
    tags = ICC[128:end].replace(b"rXYZ", b"?XYZ").replace(b"bXYZ", b"rXYZ").replace(b"?XYZ", b"bXYZ")
    return ICC[:128] + tags + ICC[end:]
