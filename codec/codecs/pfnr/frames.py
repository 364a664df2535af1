"""Between the network's frames and 4:2:0 planes: colour is the mean of 2 x 2, what is beyond the frame is cut off."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from codec.codecs.pfnr import steps
from codec.codecs.pfnr.exact import Exact
from codec.codecs.pfnr.store import Network
from codec.media.video import Planes
from codec.models import pfnr
from codec.models.pfnr import Shape

SESSIONS = 1024  # the code of session number s is that of s / 1024


def codes(count: int, session: int) -> Tensor:
    """The codes of a session's frames [count, 160], float64."""
    return torch.from_numpy(
        np.stack([pfnr.code(Fraction(n, count), Fraction(session, SESSIONS)) for n in range(count)])
    )


def split(frames: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Luma [B, 1, H, W] and colour [B, 2, H/2, W/2] of the network's frames."""
    colour = F.avg_pool2d(frames[:, 1:], 2)
    return frames[:, :1, :height, :width], colour[..., : -(-height // 2), : -(-width // 2)]


def decoded(shape: Shape, network: Network, size: tuple[int, int], count: int, device: str) -> Iterator[Planes]:
    """All frames of a session, [height, width] by `size`: the same on every machine."""
    weights = {name: torch.from_numpy(steps.floats(w)).to(device) for name, w in network.weights.items()}
    head = torch.from_numpy(steps.floats(network.head)).to(device)
    arithmetic = Exact(device)
    for one in codes(count, network.number).to(device).split(1):
        with torch.no_grad():  # not around the yield: whoever takes a frame would be in it, too
            parts = split(pfnr.frames(shape, network.grid, one, weights, head, arithmetic), *size)
        # Means of four multiples of 2^-12, times 255: exact, and so is a half.
        (y,), (u, v) = ((part[0] * 255 + 0.5).floor().byte().cpu().numpy() for part in parts)
        yield np.ascontiguousarray(y), np.ascontiguousarray(u), np.ascontiguousarray(v)
