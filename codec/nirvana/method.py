"""What the two networks have in common, as the adapter sees them: groups of frames to bytes and back."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from codec.nirvana.fit import Budget

if TYPE_CHECKING:
    from codec.media.video import Planes


class CodedGroup(NamedTuple):
    """A group's bytes, the CRC-32 of its symbols, what the next group starts from, and the PSNR of the frames that a
    decoder gives (see `psnr`)."""

    payload: bytes
    checksum: int
    state: Any
    psnr: float


class Method(Protocol):
    """Codes groups of at most `length` frames. `fingerprint` names the weights it needs, empty if it needs none."""

    length: int
    fingerprint: bytes
    private: bytes  # of the header

    def budget(self, effort: int, key: bool) -> Budget:
        """What an effort, 1 to 9, lets a group have."""
        ...

    def encode(self, planes: list[Planes], before: Any, quality: int, budget: Budget) -> CodedGroup:
        """A group, from the state after the group before; a key group where that is None. Quality is 0 to 200."""
        ...

    def trial(self, planes: list[Planes], before: Any) -> Callable[[int], CodedGroup]:
        """Codes a group roughly, at one quality after another, to choose one: nearly as `encode` will."""
        ...

    def decode(self, payload: bytes, checksum: int, count: int, before: Any) -> tuple[list[Planes], Any]:
        """A group's `count` frames and the state after it. FormatError or DesyncError for damage."""
        ...


def rate_weight(quality: int) -> float:
    """The squared error, on a scale of 0 to 1, that a bit per luma pixel is worth at a stored quality, 0 to 200."""
    return 10.0 ** (-2.6 - 1.1 * position(quality))


def position(quality: int) -> float:
    """t of models.nirvana_grid for a stored quality: -1 to 1."""
    return quality / 100 - 1


def psnr(error: float) -> float:
    """Of a mean squared error on a scale of 0 to 1, in dB; at most 100."""
    return min(-10 * math.log10(max(error, 1e-10)), 100.0)


def planes_error(found: Planes, wanted: Planes) -> float:
    """Mean squared error (6 Y + U + V) / 8 of a picture, on a scale of 0 to 1."""
    y, u, v = (np.square(a.astype(np.float64) - b).mean() / 255**2 for a, b in zip(found, wanted, strict=True))
    return float(6 * y + u + v) / 8
