"""What metrics and tasks see of samples: colour without alpha, and 8-bit RGB for networks."""

from __future__ import annotations

import numpy as np


def colour(reference: np.ndarray, decoded: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both pictures [H, W, C] without alpha; what it hides in the reference is the reference's in both."""
    if reference.shape != decoded.shape:
        raise ValueError(f"shapes differ: {reference.shape} and {decoded.shape}")
    if reference.shape[2] % 2:
        return reference, decoded
    seen, alpha = reference[..., :-1], reference[..., -1:]
    return seen, np.where(alpha == 0, seen, decoded[..., :-1])


def rgb8(frame: np.ndarray, peak: int | None = None) -> np.ndarray:
    """Samples [H, W, 1 to 4] as [H, W, 3], uint8: grey three times, alpha dropped, `peak` (the type's largest) 255.

    >>> rgb8(np.full((1, 1, 1), 1023, np.uint16), peak=1023).tolist()
    [[[255, 255, 255]]]
    """
    peak = peak or int(np.iinfo(frame.dtype).max)
    if frame.shape[2] % 2 == 0:
        frame = frame[..., :-1]
    if peak != 255:
        frame = ((frame.astype(np.uint32) * 255 + peak // 2) // peak).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(frame, (*frame.shape[:2], 3)))
