"""Lossless WebP as a method: what remains of a WebP file without all that the unit's size tells.

A file is 'RIFF', a size, 'WEBP', then one chunk 'VP8L' with its size, whose first five bytes are a signature, the
picture's width and height and four bits that are zero here. All of that is left out and built again.
"""

import io
import struct
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from codec.errors import FormatError

SIDE, PIXELS = 16383, 1 << 26  # WebP's own limit; a size at which Pillow doesn't warn yet
VARIANTS = 24
_ORDERS = ((0, 1, 2), (2, 1, 0), (2, 0, 1), (1, 0, 2), (1, 2, 0), (0, 2, 1))  # of channels
_ENOUGH, _ENOUGH_BYTES = 0.001, 40  # a gain (share and bytes) after which no more variants are tried
_SLOW = (1, 2, 3, 4, 8)  # variants tried where each takes seconds
_REACH = 1.01  # how far variants may come below the plain one

_HEAD = 25  # bytes

Pixels = NDArray[np.uint8]


class Coded(NamedTuple):
    """A payload, and how the picture was turned for it: 0..23."""

    data: bytes
    variant: int


def fits(height: int, width: int) -> bool:
    """Whether WebP takes a picture of this size."""
    return max(height, width) <= SIDE and height * width <= PIXELS


def encode(unit: Pixels, most: float = float("inf")) -> Coded:
    """The smallest of some payloads of uint8 [h, w, 1 or 3], which ends where the image does; see `_smallest`."""
    data, variant = _smallest(unit, most)
    found = _decompress(data, *unit.shape[:2])
    while found is not None and _is_longer(data, found):  # libwebp adds a byte now and then
        data = data[:-1]
    return Coded(data, variant)


def _smallest(unit: Pixels, most: float) -> Coded:
    """The smallest of some payloads of uint8 [h, w, 1 or 3]; variants aren't tried if `most` bytes are out of reach.

    What libwebp makes of a picture depends much on its order of pixels and channels: on screenshots, mirrored and
    with channels in other orders the best was 0.1 to 0.7 % below the plain one, which pays for our container.
    Method 4 at quality 100 is mostly within 0.2 % of method 6 at a tenth of its time; on drawings it is 10 to 40 %
    behind, and then method 6 tries the variants itself.
    """
    plain, fast = (Coded(_compress(unit, 0, method), 0) for method in (6, 4))
    enough = len(plain.data) * (1 - _ENOUGH) - _ENOUGH_BYTES
    best = min(plain, fast, key=_size)
    if _size(best) > _REACH * most:
        return best
    if len(fast.data) >= 1.01 * len(plain.data):
        for variant in _SLOW[: len(_SLOW) if unit.shape[2] == 3 else 3]:
            best = min(best, Coded(_compress(unit, variant, 6), variant), key=_size)
            if _size(best) < enough:
                break
        return best
    for variant in range(1, VARIANTS if unit.shape[2] == 3 else 4):
        best = min(best, Coded(_compress(unit, variant, 4), variant), key=_size)
        if _size(best) < enough and variant % 4 == 3:
            break
    return min(best, Coded(_compress(unit, best.variant, 6), best.variant), key=_size) if best.variant else best


def estimate(unit: Pixels) -> int:
    """An estimate of the bytes that `encode` would take, in a fraction of its time."""
    return len(_compress(unit, 0, 4, quality=75))


def decode(data: bytes, variant: int, shape: tuple[int, int, int]) -> Pixels:
    """The unit [h, w, C]. FormatError for damaged bytes; they can't ask for more memory than its size takes."""
    h, w, channels = shape
    swapped = variant >= VARIANTS or (channels == 1 and variant >= 4)
    if swapped or not fits(h, w):
        raise _damaged()
    found = _decompress(data, h, w)
    if found is None or _is_longer(data, found):
        raise _damaged()
    return _turned(found, variant, back=True)[..., :channels]


def _decompress(data: bytes, h: int, w: int) -> Pixels | None:
    """[h, w, 3], None for what libwebp can't decode."""
    size = struct.pack("<I", w - 1 | (h - 1) << 14)
    chunk = b"VP8L" + struct.pack("<I", len(data) + 5) + b"\x2f" + size + data + bytes((len(data) + 5) % 2)
    file = b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk
    try:
        with Image.open(io.BytesIO(file), formats=["WEBP"]) as image:
            found = np.asarray(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, struct.error):
        return None
    return found if found.shape[:2] == (h, w) else None


def _is_longer(data: bytes, found: Pixels) -> bool:
    """Whether the last byte is beyond the image: libwebp doesn't tell where it stopped to read.

    Then nothing changes without it, nor with any other in its place; a byte that is read matters to one of these.
    """
    others = (data[:-1], *(data[:-1] + bytes([data[-1] ^ 1 << bit]) for bit in range(8))) if data else (b"?",)
    return all(
        (other := _decompress(changed, *found.shape[:2])) is not None and np.array_equal(other, found)
        for changed in others
    )


def _compress(unit: Pixels, variant: int, method: int, quality: int = 100) -> bytes:
    buffer = io.BytesIO()
    turned = _turned(unit if unit.shape[2] == 3 else unit.repeat(3, 2), variant)
    Image.fromarray(np.ascontiguousarray(turned)).save(
        buffer, "WEBP", lossless=True, exact=True, method=method, quality=quality
    )
    file = buffer.getvalue()
    size = struct.unpack_from("<I", file, 16)[0]
    return file[_HEAD : 20 + size]


def _turned(unit: Pixels, variant: int, back: bool = False) -> Pixels:
    """Mirrored left to right (1) and top to bottom (2), its channels in order (4 times) `variant // 4`."""
    order = np.array(_ORDERS[variant // 4])
    unit = unit[:: -1 if variant & 2 else 1, :: -1 if variant & 1 else 1]
    return unit[..., np.argsort(order) if back else order]


def _size(coded: Coded) -> int:
    return len(coded.data)


def _damaged() -> FormatError:
    return FormatError("the WebP data is damaged; get a whole copy of the file")
