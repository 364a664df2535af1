"""Random crops for the lossless codec: photos as they are, with noise, at a tile's border, and drawn graphics.

Or from drawn screens (screens.py), each of which is drawn anew and gives all such crops of a batch.

What counts is the noise of real pictures, so crops are never resampled but by whole factors.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.codecs.circuit.canvas import left_margin
from codec.codecs.circuit.inputs import SIDE, Pixels, arrays, with_matches
from codec.errors import CodecError
from codec.models.circuit.shape import MARGIN, ContextConfig
from codec.train.screens import screen

SHIFT = 24  # levels, exposure


class Sampler:
    """Crops with their margins, [MARGIN + SIDE, SIDE + 2 MARGIN, C], photos drawn by area.

    `screens` is the share of crops that come from drawn screens.
    """

    def __init__(self, photos: Sequence[Pixels], config: ContextConfig, screens: float = 0.0) -> None:
        self.config, self.screens = config, screens
        self.shape = MARGIN + SIDE, SIDE + 2 * MARGIN
        self.photos = [p for p in photos if p.shape[0] >= self.shape[0] and p.shape[1] >= self.shape[1]]
        if not self.photos:
            raise CodecError(f"no photo of at least {self.shape[1]} x {self.shape[0]} pixels; give larger ones")
        # Small photos are as good as large ones, but hold less: a compromise between one photo and one pixel.
        area = np.array([p.shape[0] * p.shape[1] for p in self.photos]) ** 0.75
        self.weights = area / area.sum()

    def batch(self, n: int, rng: np.random.Generator) -> tuple[NDArray[Any], ...]:
        """What the network takes of n crops: uint8 [n, MARGIN + SIDE, SIDE + 2 MARGIN, C], and 1 inside a tile.

        With matches also them and their flags.
        """
        chosen = rng.choice(len(self.photos), n, p=self.weights)
        drawn = sum(rng.random(n) < self.screens) if self.screens else 0
        crops = [with_matches(*self._crop(self.photos[i], rng), self.config) for i in chosen[drawn:]]
        if drawn:
            crops += self._screens(drawn, rng)
        return tuple(np.stack(parts) for parts in zip(*crops, strict=True))

    def _screens(self, n: int, rng: np.random.Generator) -> list[tuple[NDArray[Any], ...]]:
        photo = self.photos[rng.choice(len(self.photos), p=self.weights)]
        canvas, mask, *matches = arrays(screen(photo, rng), self.config)
        room = canvas.shape[0] - self.shape[0], canvas.shape[1] - self.shape[1]
        result = []
        for _ in range(n):
            # Beyond a border counts as at it, so that borders are seen often enough.
            top, left = (int(np.clip(rng.integers(-r // 16, r + r // 16 + 1), 0, r)) for r in room)
            window = slice(top, top + self.shape[0]), slice(left, left + self.shape[1])
            core = slice(top, top + SIDE), slice(left, left + SIDE)
            result.append((canvas[window], mask[window], *(m[core] for m in matches)))
        return result

    def _crop(self, photo: Pixels, rng: np.random.Generator) -> tuple[Pixels, NDArray[np.float32]]:
        crop = graphics(self.shape, photo.shape[2], rng) if rng.random() < 0.02 else self._photo(photo, rng)
        mask = np.ones(self.shape, np.float32)
        if rng.random() < 0.08:
            self._border(crop, mask, rng)
        return crop, mask

    def _photo(self, photo: Pixels, rng: np.random.Generator) -> Pixels:
        h, w = self.shape
        factor = 2 if rng.random() < 0.1 and min(photo.shape[0] // h, photo.shape[1] // w) >= 2 else 1
        top = rng.integers(photo.shape[0] - factor * h + 1)
        left = rng.integers(photo.shape[1] - factor * w + 1)
        x: NDArray[np.float32] = photo[top : top + factor * h, left : left + factor * w].astype(np.float32)
        if rng.random() < 0.5:
            x = x[:, ::-1]
        if factor > 1:
            x = x.reshape(h, factor, w, factor, -1).mean((1, 3))
        if rng.random() < 0.15:
            x = x + noise(x, rng)
        if rng.random() < 0.5:
            x = x + rng.integers(-SHIFT, SHIFT + 1)
        return np.clip(np.rint(x), 0, 255).astype(np.uint8)

    def _border(self, crop: Pixels, mask: NDArray[np.float32], rng: np.random.Generator) -> None:
        """Pretend that the crop lies at the border of a tile: one side or two."""
        m = MARGIN
        top, left, right = ((True, True, False), (True, False, True), (True, False, False), (False, True, False),
                            (False, False, True))[rng.integers(5)]  # fmt: skip
        if top:
            crop[:m], mask[:m] = 128, 0
        if right:
            crop[m:, -m:], mask[:, -m:] = crop[m:, -m - 1 : -m], 0
        if left:
            left_margin(crop, m, m if top else 1)
            mask[:, :m] = 0


def noise(x: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Noise of a sensor or of film: its power grows with the level, channels share some, neighbours may too."""
    power = np.exp(rng.uniform(np.log(0.4), np.log(6))) ** 2
    shot = rng.random()
    deviation = np.sqrt(power * (1 - shot + shot * np.maximum(x, 0) / 128))
    shared = rng.random()
    own = rng.standard_normal(x.shape, np.float32)
    common = rng.standard_normal((*x.shape[:2], 1), np.float32)
    n = np.sqrt(1 - shared) * own + np.sqrt(shared) * common
    if rng.random() < 0.5:
        blur = rng.uniform(0, 0.5)
        for axis in (0, 1):
            n = n + blur * (np.roll(n, 1, axis) + np.roll(n, -1, axis))
        n = n / n.std()
    result: NDArray[np.float32] = (n * deviation).astype(np.float32)
    return result


def graphics(shape: tuple[int, int], channels: int, rng: np.random.Generator) -> Pixels:
    """Flat areas with rectangles and thin lines of few colours, and sometimes a ramp."""
    palette = rng.integers(0, 256, (4, channels), dtype=np.uint8)
    if rng.random() < 0.5:
        palette[:] = palette[:, :1]  # greys
    x = np.empty((*shape, channels), np.uint8)
    x[:] = palette[0]
    if rng.random() < 0.3:
        ramp = rng.uniform(-1, 1) * np.arange(shape[0])[:, None] + rng.uniform(-1, 1) * np.arange(shape[1])
        x[:] = np.clip(x + ramp[..., None], 0, 255).astype(np.uint8)
    for _ in range(rng.integers(20)):
        top, left = rng.integers(shape[0]), rng.integers(shape[1])
        h, w = (rng.integers(1, 24), rng.integers(1, 3)) if rng.random() < 0.5 else rng.integers(1, 24, 2)
        x[top : top + h, left : left + w] = palette[rng.integers(4)]
    return x
