"""How a video is cut into groups and chains: a chain starts with a key frame and decodes without any other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from codec.media.video import Picture

CHAIN = 128  # frames of a chain at most: players can go to each
_CUT, _JUMP = 18.0, 3.0  # mean difference of small lumas that a cut has, and how many times the usual one


class Group(NamedTuple):
    """Frames coded together; `key`: the first of them starts a chain."""

    pictures: list[Picture]
    key: bool


def groups(pictures: Iterable[Picture], length: int) -> Iterator[Group]:
    """The groups of a video, one in memory at a time; at a cut to another scene a chain ends early."""
    gathered: list[Picture] = []
    chain = max(CHAIN // length, 1)
    count = 0  # groups of the chain so far
    small: np.ndarray | None = None
    usual = 0.0
    for picture in pictures:
        now = shrunk(picture.planes[0])
        change = 0.0 if small is None else float(np.abs(now - small).mean())
        cut = small is not None and change > _CUT and change > _JUMP * usual
        usual = 0.0 if cut else change if usual == 0 else 0.8 * usual + 0.2 * change
        small = now
        if gathered and (cut or len(gathered) == length):
            yield Group(gathered, count == 0)
            gathered, count = [], 0 if cut or count + 1 == chain else count + 1
        gathered.append(picture)
    if gathered:
        yield Group(gathered, count == 0)


def shrunk(luma: np.ndarray) -> np.ndarray:
    """Means of 8 x 8 pixels, float32; what is left over at the right and below doesn't count."""
    rows, columns = max(luma.shape[0] // 8, 1), max(luma.shape[1] // 8, 1)
    kept = luma[: 8 * rows, : 8 * columns].astype(np.float32)
    means: np.ndarray = kept.reshape(rows, kept.shape[0] // rows, columns, kept.shape[1] // columns).mean((1, 3))
    return means
