"""From units to the pixels of a view: block by block, or, where it is far smaller than the picture, from the first
slices of the latents by the linear transform alone.

Blocks lie at the same places whatever is looked at, so that every view has the same pixels.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from codec import tiling
from codec.codecs.base import Progress
from codec.codecs.partial import Damage, Found, attempt, check_plain, check_some
from codec.codecs.s2lic.head import is_mapped
from codec.codecs.s2lic.ratemap import Rates
from codec.container import Header, Unit
from codec.entropy.planes import code_alpha
from codec.models.s2lic.model import PATCH
from codec.view import WITH_ALPHA, Canvas, View, view_of

if TYPE_CHECKING:
    from codec.codecs.s2lic.image import S2licImages

# By scale: the channels of the latents from which the linear transform makes pixels, 36 dB and more of what all and the
# network would give. They come sorted by what they bring. At half the size, the network would be missed.
CHANNELS = {4: 64, 8: 16, 16: 16}


def needs(codec: S2licImages, header: Header, view: View) -> set[int]:
    """The numbers of the units that a view depends on."""
    tiles = tiling.tiles(header.height, header.width)
    margin = 0 if _linear(codec, view) else _margin(codec)
    found = {n for n, tile in enumerate(tiles) if _meets(view, tile, margin)}
    if header.channels in WITH_ALPHA:
        found |= {n for n, tile in enumerate(tiles, len(tiles)) if _meets(view, tile)}
    return found


@torch.inference_mode()
def pictures(
    codec: S2licImages, header: Header, units: Sequence[Found | None], view: View, progress: Progress | None,
    damage: Damage | None,
) -> Iterator[np.ndarray]:  # fmt: skip
    """The one picture of a view, [height, width, channels]; of `units` those that it needs."""
    work = _Work(codec, header, view)
    wanted = sorted(needs(codec, header, view))
    done = itertools.count(1)
    total = len(wanted) + len(work.parts)
    report = (lambda: progress(next(done), total)) if progress else (lambda: None)
    for number in wanted:
        attempt(units[number], damage, work.alpha if number >= len(work.tiles) else work.colours)
        report()
    check_some(bool(work.latents), header, damage)
    # Only now: a header can claim any size.
    canvas = Canvas(view, header.channels, header.depth, weighted=header.channels in WITH_ALPHA and not work.count)
    for number, part in work.parts:
        if work.count:
            s = view.scale
            canvas.place_small(work.small(number, part), part.top // s, part.left // s)
        else:
            canvas.place(work.pixels(number, part), part.top, part.left)
        report()
    yield canvas.picture()


@torch.inference_mode()
def encoded(
    codec: S2licImages, frame: np.ndarray, header: Header, rates: Rates, latents: Mapping[int, Tensor]
) -> np.ndarray:
    """What a decoder makes of an encoded picture: `latents` by the numbers of its tiles. Alpha stays as it is."""
    work = _Work(codec, header, view_of(header.width, header.height), rates)
    work.take(frame, latents)
    canvas = Canvas(view_of(header.width, header.height), header.channels, header.depth)
    for number, part in work.parts:
        canvas.place(work.pixels(number, part), part.top, part.left)
    return canvas.picture()


class _Work:
    """What is decoded for a view: `latents` and alpha of tiles by their numbers, and from these the pixels of `parts`,
    each with the number of its tile. `count`: how many slices of the latents are enough; 0: all are needed."""

    def __init__(self, codec: S2licImages, header: Header, view: View, rates: Rates | None = None) -> None:
        self._codec, self._header, self._view = codec, header, view
        self._size = tiling.padded(header.height), tiling.padded(header.width)
        self._rates = rates or Rates(codec.rate(header), *self._size, mapped=is_mapped(header))
        self._planes: dict[int, np.ndarray] = {}
        self.count = codec.model.config.slices_for(CHANNELS[view.scale]) if _linear(codec, view) else 0
        self.tiles = tiling.tiles(header.height, header.width)
        self.latents: dict[int, Tensor] = {}
        cut = len(self.tiles) > 1 and not self.count  # a picture of one tile is one block, without a halo
        parts = ((n, part) for n, tile in enumerate(self.tiles) for part in (tile.blocks() if cut else [tile]))
        self.parts = [(n, part) for n, part in parts if _meets(view, part)]

    def take(self, frame: np.ndarray, latents: Mapping[int, Tensor]) -> None:
        """Have the latents of all tiles, and the alpha of a frame."""
        self.latents |= latents
        self._planes |= {number: tile.of(frame)[..., -1:] for number, tile in enumerate(self.tiles)}

    def colours(self, unit: Unit) -> None:
        """Decode the latents of a tile."""
        tile = self.tiles[unit.index]
        y_hat = self._codec.decode_latents(unit, tile, self._rates, self.count or None)
        self.latents[unit.index] = y_hat.float()

    def alpha(self, unit: Unit) -> None:
        """Decode the alpha of a tile."""
        check_plain(unit)
        number, depth = unit.index - len(self.tiles), self._header.depth
        with self._codec.checked(unit) as decoder:
            plane = code_alpha(decoder, None, self._shape(self.tiles[number]), depth)
        self._planes[number] = plane[..., None].astype(np.uint8 if depth <= 8 else np.uint16)

    def pixels(self, number: int, part: tiling.Tile) -> np.ndarray:
        """Samples [h, w, channels] of what a part has of the picture; mid-grey and opaque what isn't whole."""
        if number not in self.latents:
            return self._with_alpha(self._levels(None, self._shape(part)), number, part, 1)
        region = part.with_halo(*self._size, _halo(self._codec))
        y_hat = torch.zeros(1, self._codec.model.config.latents, region.height // PATCH, region.width // PATCH)
        for other, found in self.latents.items():
            both = self.tiles[other].common(region)
            if both is not None:
                tiling.crop(y_hat, both, region, PATCH)[:] = tiling.crop(found, both, self.tiles[other], PATCH)
        x = self._codec.synthesise(y_hat, part, region, self._rates)
        return self._with_alpha(self._levels(x, self._shape(part)), number, part, 1)

    def small(self, number: int, tile: tiling.Tile) -> np.ndarray:
        """Small samples of a tile, by the linear transform; otherwise as `pixels`."""
        h, w = (-(-n // self._view.scale) for n in self._shape(tile))
        x = self.latents.get(number)
        if x is not None:
            rates = self._rates.of(tile).float()
            x = self._codec.model.small(x.to(self._codec.device), rates, self._view.scale)
        return self._with_alpha(self._levels(x, (h, w)), number, tile, self._view.scale)

    def _shape(self, part: tiling.Tile) -> tuple[int, int]:
        """Rows and columns of what a part has of the picture."""
        header = self._header
        return min(part.height, header.height - part.top), min(part.width, header.width - part.left)

    def _levels(self, x: Tensor | None, shape: tuple[int, int]) -> np.ndarray:
        """Samples [h, w, 1 or 3] from pixels [1, 3, at least h, at least w] in 0..1; None: mid-grey."""
        x = torch.full((1, 3, *shape), 0.5) if x is None else x[..., : shape[0], : shape[1]]
        if self._header.channels <= 2:
            x = x.mean(1, keepdim=True)
        levels = (x[0].clamp(0, 1) * ((1 << self._header.depth) - 1)).round().to(torch.int32)
        return levels.permute(1, 2, 0).cpu().numpy().astype(np.uint8 if self._header.depth <= 8 else np.uint16)

    def _with_alpha(self, colours: np.ndarray, number: int, part: tiling.Tile, scale: int) -> np.ndarray:
        """Samples of a part with its alpha, if the picture has one; opaque where that isn't whole."""
        if self._header.channels not in WITH_ALPHA:
            return colours
        if number not in self._planes:
            opaque = np.full((*colours.shape[:2], 1), (1 << self._header.depth) - 1, colours.dtype)
            return np.concatenate([colours, opaque], -1)
        tile, (height, width) = self.tiles[number], self._shape(part)
        plane = View(part.left - tile.left, part.top - tile.top, width, height, scale).of(self._planes[number])
        return np.concatenate([colours, plane], -1)


def _linear(codec: S2licImages, view: View) -> bool:
    """Whether the linear transform alone makes the pixels."""
    return view.scale in CHANNELS and codec.model.config.shortcut


def _halo(codec: S2licImages) -> int:
    reach = codec.model.config.reach
    return tiling.HALO if reach is None else tiling.padded(reach)


def _margin(codec: S2licImages) -> int:
    """How many pixels around a view its pixels depend on; where that isn't known, on all that its blocks see."""
    reach = codec.model.config.reach
    return tiling.BLOCK + tiling.HALO if reach is None else reach + PATCH


def _meets(view: View, tile: tiling.Tile, margin: int = 0) -> bool:
    return view.meets(tile.top, tile.left, tile.height, tile.width, margin)
