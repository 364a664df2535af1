"""Pictures that are decoded in two halves: latents one by one, where processors are, then the pixels of a batch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from codec import tiling
from codec.codecs.partial import Found, expect
from codec.codecs.s2lic.head import check_image, is_mapped, unit_count
from codec.codecs.s2lic.ratemap import Rates
from codec.container import Header, Unit

if TYPE_CHECKING:
    from codec.codecs.s2lic.image import S2licImages


class Latents(NamedTuple):
    """What the synthesis transform makes a picture of."""

    width: int
    height: int
    y_hat: Tensor  # [M, h / 16, w / 16], float32
    rate: Tensor  # [] or of each cell [h / 64, w / 64], float32


@torch.inference_mode()
def begin(codec: S2licImages, header: Header, units: Iterable[Found | None]) -> Latents | None:
    """Of a picture of one tile, 8 bits and three colours; None for others. Raises what decoding does."""
    check_image(header)
    tiles = tiling.tiles(header.height, header.width)
    if len(tiles) > 1 or header.channels != 3 or header.depth != 8:
        return None
    (unit,), (tile,) = expect(units, unit_count(header), None), tiles
    assert isinstance(unit, Unit)
    rates = Rates(codec.rate(header), tile.height, tile.width, mapped=is_mapped(header))
    y_hat = codec.decode_latents(unit, tile, rates)
    return Latents(header.width, header.height, y_hat[0].float(), rates.of(tile)[0].float())


@torch.inference_mode()
def finish(codec: S2licImages, begun: Sequence[Latents]) -> list[Tensor]:
    """Their pictures, uint8 [3, height, width], on the codec's device: those of one size in one pass."""
    alike = defaultdict(list)
    for number, one in enumerate(begun):
        alike[one.y_hat.shape, one.rate.dim()].append(number)
    pictures: dict[int, Tensor] = {}
    for numbers in alike.values():
        y_hat, rates = (torch.stack(parts) for parts in zip(*(begun[n][2:] for n in numbers), strict=True))
        x = codec.pixels(y_hat, rates.to(codec.device)).clamp(0, 1).mul(255).round().to(torch.uint8)
        pictures |= {n: x[i, :, : begun[n].height, : begun[n].width] for i, n in enumerate(numbers)}
    return [pictures[number] for number in range(len(begun))]
