"""What of a picture is decoded: all of it or a rectangle, as it is or smaller; and the pixels of that, put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.arguments import check_number
from codec.errors import CodecError

SCALES = (1, 2, 4, 8, 16)
WITH_ALPHA = (2, 4)  # numbers of channels


@dataclass(frozen=True)
class View:
    """A rectangle of a picture, in its pixels, and how many times smaller it is decoded, each way.

    The small picture is that of the whole one, so edges are multiples of `scale`, or the picture's own.
    """

    left: int
    top: int
    width: int
    height: int
    scale: int = 1

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of what is decoded."""
        return -(-self.width // self.scale), -(-self.height // self.scale)

    def meets(self, top: int, left: int, height: int, width: int, margin: int = 0) -> bool:
        """Whether a rectangle has pixels of the view, or of so many around it."""
        return (
            top < self.top + self.height + margin
            and left < self.left + self.width + margin
            and top + height > self.top - margin
            and left + width > self.left - margin
        )

    def of(self, frame: NDArray[Any], alpha: bool = True) -> NDArray[Any]:
        """The view of a whole picture [height, width, channels], whose last channel is alpha if there are 2 or 4 of
        them, unless `alpha` is false."""
        cut = frame[self.top : self.top + self.height, self.left : self.left + self.width]
        if self.scale == 1:
            return cut
        canvas = Canvas(self, frame.shape[2], 8 * frame.dtype.itemsize, weighted=alpha and frame.shape[2] in WITH_ALPHA)
        canvas.place(cut, self.top, self.left)
        return canvas.picture()


def view_of(width: int, height: int, region: Sequence[int] | None = None, scale: int = 1) -> View:
    """The view of a picture of this size that `region`, (x, y, width, height), and `scale` ask for.

    What is decoded smaller grows to whole pixels. CodecError for a region that isn't in the picture, or another scale.
    """
    check_scale(scale)
    if region is None:
        return View(0, 0, width, height, scale)
    check_region(region)
    x, y, w, h = region
    if x + w > width or y + h > height:
        raise CodecError(f"the region {x},{y},{w},{h} isn't inside the picture of {width} x {height}; give one that is")
    left, top = x // scale * scale, y // scale * scale
    right, bottom = (min(-(-end // scale) * scale, most) for end, most in ((x + w, width), (y + h, height)))
    return View(left, top, right - left, bottom - top, scale)


def check_scale(scale: int) -> None:
    """CodecError for a scale that there is not."""
    check_number("scale", scale, whole=True)
    if scale not in SCALES:
        raise CodecError(f"scale {scale} is none; give one of {', '.join(map(str, SCALES))}, times smaller each way")


def check_region(region: Sequence[int]) -> None:
    """CodecError for what is no rectangle."""
    if not isinstance(region, Sequence) or isinstance(region, str | bytes) or len(region) != 4:
        raise CodecError(f"the region {region!r} is none; give (x, y, width, height)")
    for name, value in zip(("x", "y", "width", "height"), region, strict=True):
        check_number(f"region's {name}", value, whole=True)
    if min(region[:2]) < 0 or min(region[2:]) < 1:
        raise CodecError(f"the region {tuple(region)} is none; give x and y from 0 on, width and height from 1 on")


class Canvas:
    """A view's pixels, from parts of the picture in any order that don't overlap; memory grows with the view alone.

    A small pixel is the mean of those that it stands for. `weighted`: of colours by their alpha, with which they come.
    """

    def __init__(self, view: View, channels: int, depth: int, weighted: bool = False) -> None:
        self._view, self._weighted, self._channels = view, weighted and view.scale > 1, channels
        self.dtype = np.uint8 if depth <= 8 else np.uint16
        w, h = view.size
        kind: Any = self.dtype if view.scale == 1 else np.uint64 if self._weighted else np.uint32
        self._sums = np.zeros((h, w, channels), kind)

    def place(self, part: NDArray[Any], top: int, left: int) -> None:
        """Put in what a part of the picture [h, w, channels] at this place has of the view."""
        view = self._view
        y, x = max(view.top - top, 0), max(view.left - left, 0)
        part = part[y : max(view.top + view.height - top, 0), x : max(view.left + view.width - left, 0)]
        if not part.size:
            return
        top, left = top + y - view.top, left + x - view.left
        if self._weighted:
            part = part.astype(np.uint64)
            part[..., :-1] *= part[..., -1:]
        if view.scale > 1:
            part = _sums(_sums(part, top, view.scale, 0, self._sums.dtype), left, view.scale, 1, self._sums.dtype)
        h, w, _ = part.shape
        top, left = top // view.scale, left // view.scale
        self._sums[top : top + h, left : left + w] += part  # squares may lie in several parts

    def place_small(self, part: NDArray[Any], top: int, left: int) -> None:
        """Put in small pixels as they are; `top`, `left`: in the small picture. Not if `weighted`."""
        view = self._view
        top, left = top - view.top // view.scale, left - view.left // view.scale
        part = part[max(-top, 0) :, max(-left, 0) :]
        top, left = max(top, 0), max(left, 0)
        here = self._sums[top : top + part.shape[0], left : left + part.shape[1]]
        here[:] = part[: here.shape[0], : here.shape[1]] * self._counts()[top:, left:][: here.shape[0], : here.shape[1]]

    def picture(self) -> NDArray[Any]:
        """[height, width, channels] of the view."""
        if self._view.scale == 1:
            return self._sums
        counts = self._counts()
        if not self._weighted:
            return ((self._sums + counts // 2) // counts).astype(self.dtype)
        out = np.empty(self._sums.shape, self.dtype)
        alpha = self._sums[..., -1:]
        out[..., :-1] = (self._sums[..., :-1] + alpha // 2) // np.maximum(alpha, 1)
        out[..., -1:] = (alpha + counts // 2) // counts
        return out

    def _counts(self) -> NDArray[Any]:
        """[h, w, 1]: how many pixels each small one stands for."""
        view = self._view
        (w, h), s = view.size, view.scale
        rows, columns = (np.minimum(s, n - s * np.arange(count)) for n, count in ((view.height, h), (view.width, w)))
        return (rows[:, None] * columns).astype(self._sums.dtype)[..., None]


def _sums(part: NDArray[Any], start: int, scale: int, axis: int, dtype: Any) -> NDArray[Any]:
    """Sums over `scale` places along an axis, the first of which is number `start`."""
    edges = np.arange(0, part.shape[axis] + start % scale, scale) - start % scale
    return np.add.reduceat(part, np.maximum(edges, 0), axis, dtype)
