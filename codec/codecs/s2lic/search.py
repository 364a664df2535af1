"""S2LIC's encoder at efforts above 1: latents of every tile are searched for, and kept if the whole picture gains.

The decoder is the same: a file of any effort decodes alike, and takes the same time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from codec import tiling
from codec.codecs.s2lic import PASSES
from codec.codecs.s2lic.distortion import Error, Part, SquaredError, structural
from codec.codecs.s2lic.head import is_mapped
from codec.codecs.s2lic.ratemap import Rates
from codec.codecs.s2lic.refine import Place, Schedule, has_bfloat16, refine
from codec.container import Header, Unit
from codec.models.s2lic.model import PATCH, pad_to

if TYPE_CHECKING:
    from codec.codecs.s2lic.image import S2licImages
    from codec.codecs.s2lic.trials import Kept

_WAYS = (  # from effort 2 on: stiffness and pace
    ((0.8, 1.2), (0.3, 0.15)),
    ((0.7, 1.2), (0.3, 0.15)),
    ((0.7, 1.3), (0.25, 0.1)),
    ((0.6, 1.4), (0.2, 0.07)),
    ((0.6, 1.5), (0.15, 0.05)),
    ((0.5, 1.4), (0.12, 0.05)),
    ((0.45, 1.4), (0.1, 0.05)),
    ((0.4, 1.4), (0.08, 0.045)),
)
EFFORTS = tuple(Schedule(passes, *way) for passes, way in zip(PASSES[1:], _WAYS, strict=True))


def units(
    codec: S2licImages, frame: np.ndarray, header: Header, rates: Rates, schedule: Schedule, told: Callable[[], None],
    kept: Kept | None = None,
) -> list[Unit]:  # fmt: skip
    """Units of a picture's tiles, with the least J = bits + lambda 255^2 error of those found; `told` after each pass.

    Never worse than plain coding, by real bytes and pixels. `kept`: is given the latents.
    """
    size = tiling.padded(header.height), tiling.padded(header.width)
    tiles = tiling.tiles(header.height, header.width)
    y_hat = torch.zeros(1, codec.model.config.latents, size[0] // PATCH, size[1] // PATCH)

    def coded(number: int, tile: tiling.Tile, y: Tensor, z: Tensor) -> Unit:
        unit, tiling.window(y_hat, tile, PATCH)[:] = codec.unit(number, tile, y, z, rates)
        return unit

    plain = [coded(n, tile, *codec.analyse(frame, header, tile, rates, kept)) for n, tile in enumerate(tiles)]
    if kept:
        kept.latents |= {n: tiling.window(y_hat, tile, PATCH).clone() for n, tile in enumerate(tiles)}
    squared = SquaredError(codec.model)
    parts = (_part(codec, frame, header, rates, y_hat, tile) for tile in tiles)
    error: Error
    if is_mapped(header):
        error, worth, curvatures = structural(parts, squared)
    else:
        error, worth = squared, sum(float(squared(part)) for part in parts)
        curvatures = [torch.ones(1, 1, 1, 1, device=codec.device)] * len(tiles)
    cost = _bits(plain) + worth
    fast = has_bfloat16(codec.device)
    better = []
    for number, tile in enumerate(tiles):
        y, z = codec.analyse(frame, header, tile, rates, kept)
        region = tile.with_halo(*size)
        # The tiles around are as they stand: those before refined, those after plain.
        around = tiling.window(y_hat, region, PATCH).to(codec.device)
        with torch.inference_mode(False):
            place = Place(
                codec.colours(frame, header.depth, region),
                around.clone(),
                slice((tile.top - region.top) // PATCH, (tile.top - region.top + tile.height) // PATCH),
                slice((tile.left - region.left) // PATCH, (tile.left - region.left + tile.width) // PATCH),
                z.round().float(),
                rates.of(region).float().clone(),
                rates.of(tile).float().clone(),
                error,
                pad_to(curvatures[number], y.shape[2], y.shape[3]),
            )
            place.tile.copy_(y)
            y = refine(codec.model, place, schedule, fast, told)
        better.append(coded(number, tile, y.double(), z))
    parts = (_part(codec, frame, header, rates, y_hat, tile) for tile in tiles)
    if _bits(better) + sum(float(error(part)) for part in parts) >= cost:
        return plain
    if kept:
        kept.latents |= {n: tiling.window(y_hat, tile, PATCH) for n, tile in enumerate(tiles)}
    return better


def _bits(units: list[Unit]) -> float:
    return sum(8.0 * len(unit.payload) for unit in units)


def _part(
    codec: S2licImages, frame: np.ndarray, header: Header, rates: Rates, y_hat: Tensor, tile: tiling.Tile
) -> Part:
    """A tile as a decoder makes it of y_hat."""
    top = (1 << header.depth) - 1
    target = codec.colours(frame, header.depth, tile)
    region = tile.with_halo(y_hat.shape[2] * PATCH, y_hat.shape[3] * PATCH)
    x = codec.synthesise(tiling.window(y_hat, region, PATCH), tile, region, rates)
    x = x[..., : target.shape[2], : target.shape[3]]
    x = x.mean(1, keepdim=True) if target.shape[1] == 1 else x
    return Part((x.clamp(0, 1) * top).round() / top, target, rates.of(tile).float())
