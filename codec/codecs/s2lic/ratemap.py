"""A rate for each cell of 64 x 64 pixels: what a picture is tuned with beyond its one quality.

MS-SSIM, and the eye, judge an error by the contrast around it. So `--tune ssim` moves bits from busy cells, which hide
errors, to calm ones: a cell's log lambda falls with its log variance.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codec.entropy import Coder, Tables
from codec.errors import FormatError
from codec.models.s2lic.model import CELL
from codec.tiling import Tile

STEPS = 16  # an offset of 1 is a STEPS-th of the range of q
TABLE = 28  # of the tables of y: sigma 1.9, about how cells differ from those above
STRENGTH = 0.35  # log2 lambda per log2 variance
FLOOR = 8.0  # added to variances (of levels of 8 bits): what differs less looks equally calm
_BLOCK = 8  # pixels along a side of the squares whose variances are averaged

Offsets = NDArray[np.int32]


class Rates:
    """The rates of a padded picture of height x width pixels: q, and where it is mapped an offset for each cell."""

    def __init__(self, q: Tensor, height: int, width: int, *, mapped: bool) -> None:
        self.q = q  # [1], float64
        cells = height // CELL, width // CELL
        self.offsets = np.zeros(cells, np.int32) if mapped else None

    def of(self, part: Tile) -> Tensor:
        """Rates as the model takes them: [1], or a map [1, h, w] of a part, float64."""
        offsets = self.offsets_of(part)
        if offsets is None:
            return self.q
        return (self.q + torch.from_numpy(offsets).to(self.q)[None] / STEPS).clamp(0, 1)

    def offsets_of(self, part: Tile) -> Offsets | None:
        """The offsets of a part, a view."""
        if self.offsets is None:
            return None
        top, left = part.top // CELL, part.left // CELL
        return self.offsets[top : top + part.height // CELL, left : left + part.width // CELL]


def code_offsets(coder: Coder, offsets: Offsets | None, shape: tuple[int, ...], tables: Tables) -> Offsets:
    """Offsets [h, w] of a tile's cells, each row as its difference to the one above; the same pass both ways."""
    above = np.zeros(shape[1], np.int32)
    rows = []
    for i in range(shape[0]):
        symbols = offsets[i] - above if offsets is not None else None
        above = above + coder.code(symbols, np.full(shape[1], TABLE), tables)
        if above.max() > STEPS or above.min() < -STEPS:
            raise FormatError("the rates of its cells are damaged; get a whole copy of the file")
        rows.append(above)
    return np.stack(rows)


def calming_offsets(frame: NDArray[np.integer], depth: int, log_lambda_range: float) -> Offsets:
    """Offsets for MS-SSIM of a picture [H, W, C], one for each cell that it touches."""
    bands = (frame[top : top + CELL] for top in range(0, frame.shape[0], CELL))
    activity = np.stack([_activity(band, depth) for band in bands])
    wanted = STRENGTH * math.log(2) / log_lambda_range * STEPS * (activity.mean() - activity)
    return np.rint(wanted).clip(-STEPS, STEPS).astype(np.int32)


def _activity(band: NDArray[np.integer], depth: int) -> NDArray[np.float64]:
    """Mean log2 variance of the squares of each cell in a row of cells, [w], by the mean of the colours."""
    colours = 1 if band.shape[2] <= 2 else 3
    grey = band[..., :colours].mean(2) * (255 / ((1 << depth) - 1))
    grey = np.pad(grey, ((0, -grey.shape[0] % _BLOCK), (0, -grey.shape[1] % CELL)), "edge")
    squares = grey.reshape(-1, _BLOCK, grey.shape[1] // _BLOCK, _BLOCK)
    logs = np.log2(squares.var((1, 3)) + FLOOR)
    return logs.reshape(len(logs), -1, CELL // _BLOCK).mean((0, 2))
