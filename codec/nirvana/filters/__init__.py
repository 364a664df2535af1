"""The enhancement of a group of frames over what a standard decoder gave: fitted filters, coded, in exact integers.

`fit` learns them from a group's source, `apply` runs them, `describe` says what a payload holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from codec.errors import FormatError

Planes = tuple[np.ndarray, np.ndarray, np.ndarray]  # Y, U, V of a frame, uint8 or uint16, any chroma subsampling


@dataclass(frozen=True)
class State:
    """What a group inherits from the one before."""


def fit(
    base: Sequence[Planes],
    source: Sequence[Planes],
    depth: int,
    state: State | None,
    *,
    rate_weight: float,
    effort: int = 5,
    seconds: float | None = None,
) -> tuple[bytes, State]:
    """The filters that bring `base` nearer to `source`, both a group's frames of `depth` bits; b"" for none."""
    return b"", State()


def apply(base: Sequence[Planes], payload: bytes, depth: int, state: State | None) -> tuple[list[Planes], State]:
    """The group as the payload improves it; FormatError or DesyncError for a damaged one."""
    if payload:
        raise FormatError("the filters of a group are damaged; get a whole copy of the file")
    return list(base), State()


def describe(payload: bytes) -> dict[str, object]:
    """What each plane uses, for `codec info`."""
    return {"bytes": len(payload)}
