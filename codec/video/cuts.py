"""How a video is cut into chains: runs of frames that are coded, decoded or lost by themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.codecs.base import Chain
from codec.media.video import Picture

_CUT, _JUMP = 18.0, 3.0  # mean difference of small lumas that a cut has, and how many times the usual one
_LEAST = 12  # frames of a chain that ends at a cut


def chains(pictures: Iterable[Picture], length: int) -> Iterator[Chain]:
    """The chains of a video, of at most `length` frames each; they end early at a cut to another scene."""
    first = count = 0
    small: NDArray[Any] | None = None
    usual = 0.0
    for picture in pictures:
        now = shrunk(picture.planes[0])
        change = 0.0 if small is None else float(np.abs(now - small).mean())
        cut = count >= _LEAST and change > _CUT and change > _JUMP * usual
        usual = 0.0 if cut else change if usual == 0 else 0.8 * usual + 0.2 * change
        small = now
        if cut or count == length:
            yield Chain(first, count)
            first, count = first + count, 0
        count += 1
    if count:
        yield Chain(first, count)


def shrunk(luma: NDArray[Any]) -> NDArray[Any]:
    """Means of 8 x 8 pixels on the scale of 8 bits, float32; what is left over at the right and below doesn't count."""
    rows, columns = max(luma.shape[0] // 8, 1), max(luma.shape[1] // 8, 1)
    kept = luma[: 8 * rows, : 8 * columns].astype(np.float32)
    means: NDArray[Any] = kept.reshape(rows, kept.shape[0] // rows, columns, kept.shape[1] // columns).mean((1, 3))
    return means / np.float32(1 if luma.dtype == np.uint8 else 4)
