"""One picture encoded at several qualities, with what a decoder will have of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from codec import tiling
from codec.codecs.base import Coded, Progress
from codec.codecs.s2lic.decoding import encoded
from codec.codecs.s2lic.ratemap import Rates
from codec.container import Header

if TYPE_CHECKING:
    from codec.codecs.s2lic.image import S2licImages

_SHARED = 2**23  # padded pixels of a picture up to which features are kept: they take 24 bytes a pixel


@dataclass
class Kept:
    """What an encoding leaves: y_hat of its tiles by their numbers, float32, and its rates. `features`: of tiles, the
    same for all encodings of a picture; None: it is too large to keep them."""

    features: dict[tiling.Tile, Tensor] | None
    latents: dict[int, Tensor] = field(default_factory=dict)
    rates: list[Rates] = field(default_factory=list)

    def features_of(self, tile: tiling.Tile, make: Callable[[], Tensor]) -> Tensor | None:
        """The features of a tile, made if they aren't there yet; None if they are not to be kept."""
        if self.features is not None and tile not in self.features:
            self.features[tile] = make()
        return None if self.features is None else self.features[tile]


class Trials:
    """See codec.codecs.base. `header`: that of a quality."""

    def __init__(self, codec: S2licImages, frame: np.ndarray, header: Callable[[float], Header], effort: int) -> None:
        self._codec, self._frame, self._header, self._effort = codec, frame, header, effort
        pixels = tiling.padded(frame.shape[0]) * tiling.padded(frame.shape[1])
        self._features: dict[tiling.Tile, Tensor] | None = {} if pixels <= _SHARED else None

    def __call__(self, quality: float, quick: bool = False, progress: Progress | None = None) -> Coded:
        """See codec.codecs.base."""
        header = self._header(quality)
        kept = Kept(self._features)
        units = list(self._codec.units(self._frame, header, 1 if quick else self._effort, progress, kept))
        shown = cache(lambda: encoded(self._codec, self._frame, header, kept.rates[0], kept.latents))
        return Coded(header, units, shown)
