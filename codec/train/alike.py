"""Whether a photo is, or holds, a held-out picture: 256-bit difference hashes of the whole and of its windows.

A held-out picture may be a crop of the photo at any scale. So windows of its shape, of many sizes and at many places,
are hashed from a summed-area table; the nearest few are moved and scaled until they fit best. Windows of three photos
so came to 3 to 6 bits from crops of them; of 540 others, with 18 pictures held out, the best came to 42.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

ALIKE = 44  # of 256 bits: two pictures this close or closer are the same
PART = 32  # and so are a picture and the best fitting of the windows, of which there are thousands
NARROW = 8  # windows of a picture that is so many times as long as wide would be too many: it is compared whole
LONG = 512  # pixels of the longer side, in which windows are sought
LEAST, STEP, STRIDE = 0.2, 1.1, 10  # smallest window by largest; size by the next; places along a window's side
NEAREST, PROMISING, ROUNDS = 6, 96, 5  # of the nearest windows those within so many bits are fitted, in so many rounds

Floats = NDArray[np.float64]
Hashes = NDArray[np.uint8]  # [N, 32]
COUNT = np.array([i.bit_count() for i in range(256)], np.uint8)


def sums(image: Image.Image) -> Floats:
    """Summed-area table [H + 1, W + 1] of the luma, the longer side made LONG pixels."""
    scale = LONG / max(image.size)
    size = max(round(image.width * scale), 17), max(round(image.height * scale), 16)
    luma = np.asarray(image.convert("L").resize(size, Image.Resampling.BOX, reducing_gap=2), np.float64)
    return np.pad(luma.cumsum(0).cumsum(1), ((1, 0), (1, 0)))


def hash_windows(table: Floats, boxes: Floats) -> Hashes:
    """Hashes of boxes [N, 4] (left, top, width, height): at 16 x 16 places, whether it gets darker to the right."""
    left, top, width, height = boxes.T[:, :, None]
    x = np.rint(left + width * np.arange(18) / 17).astype(np.int64)
    y = np.rint(top + height * np.arange(17) / 16).astype(np.int64)
    corners = table[y[:, :, None], x[:, None, :]]
    cells = np.diff(np.diff(corners, axis=1), axis=2) / np.maximum(np.diff(x), 1)[:, None, :]
    return np.packbits((cells[:, :, :-1] > cells[:, :, 1:]).reshape(len(boxes), 256), axis=1)


def whole(table: Floats) -> Hashes:
    """The hash [1, 32] of all of a picture."""
    return hash_windows(table, np.array([[0.0, 0.0, table.shape[1] - 1, table.shape[0] - 1]]))


def distances(a: Hashes, b: Hashes) -> NDArray[np.int64]:
    """Differing bits [N] between hashes a [N, 32] and b [32], or the other way round."""
    return COUNT[a ^ b].sum(-1, dtype=np.int64)


def windows(width: int, height: int, aspect: float) -> Floats:
    """Boxes [N, 4] of width / height = `aspect` that cover a picture, from the largest that fits down."""
    found, full, share = [], min(width, height * aspect), 1.0
    while share > LEAST:
        w, h = full * share, full * share / aspect
        x = np.linspace(0, width - w, int(np.ceil((width - w) / w * STRIDE)) + 1)
        y = np.linspace(0, height - h, int(np.ceil((height - h) / h * STRIDE)) + 1)
        found += [(left, top, w, h) for left in x for top in y]
        share /= STEP
    return np.array(found)


class HeldOut:
    """Pictures that no photo may be, hold, or be nearly, mirrored neither."""

    def __init__(self, pictures: Iterable[Image.Image]) -> None:
        self.by_aspect: dict[float, list[Hashes]] = {}
        for picture in pictures:
            hashes = self.by_aspect.setdefault(round(picture.width / picture.height, 2), [])
            hashes += [whole(sums(seen))[0] for seen in (picture, ImageOps.mirror(picture))]

    def holds(self, table: Floats) -> bool:
        """Whether the photo is a held-out picture, or one is a part of it."""
        photo = whole(table)[0]
        same = any((distances(np.stack(each), photo) <= ALIKE).any() for each in self.by_aspect.values())
        return same or self.nearest(table) <= PART

    def nearest(self, table: Floats) -> int:
        """Bits between the held-out picture that is most like a window of the photo, and that window."""
        height, width = (n - 1 for n in table.shape)
        best = 256
        for aspect, held_out in self.by_aspect.items():
            if not 1 / NARROW <= aspect <= NARROW:
                continue
            boxes = windows(width, height, aspect)
            hashes = hash_windows(table, boxes)
            for target in held_out:
                far = distances(hashes, target)
                near = np.argpartition(far, min(NEAREST, len(far) - 1))[:NEAREST]
                fits = (self._fit(table, boxes[i], target) for i in near if far[i] <= PROMISING)
                best = min(best, int(far.min()), *fits)
        return best

    @staticmethod
    def _fit(table: Floats, box: Floats, target: Hashes) -> int:
        """The distance after the box was moved and scaled, in steps that halve, to where it is least."""
        steps = np.stack(np.meshgrid([0, -1, 1], [0, -1, 1], [0, -1, 1], indexing="ij"), -1).reshape(-1, 3)
        size, best = 1 / STRIDE, 256
        limit = np.array(table.shape[::-1]) - 1.0
        for _ in range(ROUNDS):
            size /= 2
            tried = np.repeat(box[None], len(steps), 0)
            tried[:, 2:] *= 1 + size * steps[:, 2:]
            tried[:, 2:] *= np.minimum(1, limit / tried[:, 2:]).min(1, keepdims=True)
            tried[:, :2] += box[2:] / 2 - tried[:, 2:] / 2 + size * steps[:, :2] * box[2:]
            tried[:, :2] = np.clip(tried[:, :2], 0, limit - tried[:, 2:])
            far = distances(hash_windows(table, tried), target)
            box, best = tried[far.argmin()], min(best, int(far.min()))
        return best
