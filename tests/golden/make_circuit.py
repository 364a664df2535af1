"""Makes the golden files of the lossless codec: `python tests/golden/make_circuit.py NAME...`, by the rules of make.py.

The networks are untrained and tiny, one of every kind that is shipped; pictures are such that every method has one.
"""

import io
import sys
from pathlib import Path

import numpy as np
import torch
from make import as_image, sources

from codec import container, media
from codec.codecs.circuit.image import CircuitImages
from codec.codecs.circuit.weights import save
from codec.codecs.options import ImageOptions
from codec.models.circuit.context_net import ContextNet
from codec.models.circuit.shape import ContextConfig
from codec.train.circuit_export import integers

HERE = Path(__file__).parent
WEIGHTS = HERE / "golden-circuit.safetensors"
SMALL = {"hidden": 8, "trunk": 6, "feature_hidden": 4, "features": 3, "stage": 4, "mixtures": 3}
KINDS = {"photo": {}, "grey": {"channels": 1}, "screen": {"copies": 4, "matches": 2, "pattern": 6}}
EFFORTS = {"lossless-tuned": 9}


def make_weights(path: Path) -> None:
    torch.manual_seed(0)
    made = {}
    for name, more in KINDS.items():
        config = ContextConfig(**SMALL, **more)
        model = ContextNet(config).eval()
        made[name] = config, integers(model, [photo(64, 96, config.channels)])
    save(path, made, "Untrained networks of the golden files; of no use for pictures")
    path.chmod(0o644)


def photo(height: int, width: int, channels: int, noise: float = 3) -> np.ndarray:
    y, x = np.mgrid[:height, :width][..., None]
    waves = 128 + 60 * np.sin(x / (9 + 4 * np.arange(channels))) * np.cos(y / 11)
    return (waves + np.random.default_rng(0).normal(0, noise, waves.shape)).clip(0, 255).astype(np.uint8)


def drawing(height: int, width: int) -> np.ndarray:
    """Blocks of 40 colours that come again and again, with speckles."""
    rng = np.random.default_rng(1)
    colours = rng.integers(0, 256, (40, 3), np.uint8)
    block = rng.integers(0, 40, (16, 16))
    index = np.tile(block, (height // 16 + 1, width // 16 + 1))[:height, :width]
    speckled = rng.random((height, width)) < 0.02
    return colours[np.where(speckled, rng.integers(0, 40, (height, width)), index)]


def mask(height: int, width: int) -> np.ndarray:
    """A ragged edge between nothing and all, smooth on a coarse scale."""
    y, x = np.mgrid[:height, :width][..., None]
    wave = np.sin(x / 17) + np.cos(y / 13) + np.sin((x + y) / 29) + np.random.default_rng(3).normal(0, 0.02, x.shape)
    return ((wave > 0) * 255).astype(np.uint8)


def pictures() -> dict[str, np.ndarray]:
    """By the names of the files."""
    rng = np.random.default_rng(2)
    deep = photo(40, 56, 3).astype(np.uint16) * 64 + rng.integers(0, 64, (40, 56, 3), np.uint16)
    steps = np.arange(60 * 70, dtype=np.uint16).reshape(60, 70, 1) * 13
    return {
        "lossless-rgb": photo(67, 131, 3),
        "lossless-grey": photo(48, 64, 1),
        "lossless-tuned": photo(64, 96, 3, 0.5),
        "lossless-drawing": drawing(64, 80),
        "lossless-web": ((np.indices((70, 90)).sum(0) // 30 * 40)[..., None] + [1, 2, 3]).astype(np.uint8),
        "lossless-rgba": sources()["rgba"],
        "lossless-deep": deep,
        "lossless-steps": steps,
        "lossless-sparse": photo(40, 50, 1) // 16 * 16,
        "lossless-noise": rng.integers(0, 256, (24, 31, 3), np.uint8),
        "lossless-mask": mask(150, 170),
        "lossless-dot": np.full((1, 1, 4), 7, np.uint8),
    }


def main(*names: str) -> None:
    if not WEIGHTS.exists():
        make_weights(WEIGHTS)
    codec = CircuitImages(WEIGHTS)
    for name, frame in pictures().items():
        path = HERE / f"{name}.ncf"
        if name in names or not (names or path.exists()):
            info, frames = media.read(frame, exact=True)
            header, units = codec.encode(info, frames, ImageOptions(effort=EFFORTS.get(name, 1)))
            buffer = io.BytesIO()
            container.write(buffer, header, units)
            path.write_bytes(buffer.getvalue())
            (decoded,) = codec.decode(*container.read(buffer.getvalue()))
            as_image(decoded).save(path.with_suffix(".png"), optimize=True)
            print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
