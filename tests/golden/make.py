"""Makes the golden files: `python tests/golden/make.py NAME...`. Never make one again once a release has shipped it.

A golden file says how revision 0 of the codec was written on the day it was made; every later release has to decode
it. What is new gets new files. Without names it makes all that are missing, the weights among them.
"""

import io
import math
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from codec import container, media
from codec.codecs.options import ImageOptions
from codec.codecs.s2lic import image as s2lic
from codec.models.s2lic.config import Config
from codec.models.s2lic.model import S2LIC

HERE = Path(__file__).parent
WEIGHTS = HERE / "golden-tiny.safetensors"
# Every part of the models that are meant to be shipped, each as small as can be.
TINY = Config(
    stages=((4, 1, 1), (8, 2, 2)),
    slices=(4, 6),
    hyper=4,
    hyper_widths=(4, 4, 4, 4),
    hyper_out=8,
    hyper_subpel=1,
    parameter_widths=(8,),
    residual_widths=(4,),
    context_hidden=4,
    context_width=8,
    global_context=True,
    mlp=2,
    unshuffle=4,
    enhance=None,
    shortcut=True,
)


def make_weights(path: Path) -> None:
    """An untrained model: cosines for the linear transforms, and noise in all networks so that each has its say."""
    torch.manual_seed(0)
    model = S2LIC(TINY)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "prior" not in name and "gain" not in name:
                parameter.add_(0.03 * torch.randn_like(parameter))
    x = torch.arange(16) + 0.5
    waves = torch.stack([torch.cos(math.pi * k * x / 16) for k in range(4)])
    waves = waves / waves.norm(dim=1, keepdim=True)
    grey = torch.ones(3) / math.sqrt(3)
    axes = [grey, torch.tensor([1.0, 0, -1]) / math.sqrt(2), torch.tensor([1.0, -2, 1]) / math.sqrt(6)]
    pairs = [(0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (0, 3), (3, 0)]
    rows = [torch.einsum("c,y,x->cyx", axis, waves[0], waves[0]) for axis in axes]
    rows += [torch.einsum("c,y,x->cyx", grey, waves[v], waves[u]) for u, v in pairs]
    model.init_shortcut(torch.stack(rows).reshape(TINY.latents, -1), torch.tensor([4.0] + [1.0] * (TINY.latents - 1)))
    s2lic.export(model, path, "Untrained weights of the golden files; of no use for pictures")
    path.chmod(0o644)


def sources() -> dict[str, np.ndarray]:
    """The pictures: shapes and ramps, of every kind that the codec carries."""

    def picture(height: int, width: int, channels: int) -> np.ndarray:
        y, x = np.mgrid[:height, :width]
        planes = [120 + 70 * np.sin(x / (9 + 4 * c)) + 60 * (x * (c + 1) + 2 * y > height + width) for c in range(3)]
        alpha = ((y + x - (height + width) / 3) * 25).clip(0, 255)
        chosen = {1: planes[:1], 2: [planes[0], alpha], 3: planes, 4: [*planes, alpha]}[channels]
        return np.stack(chosen, -1).clip(0, 255).astype(np.uint8)

    def deep(values: np.ndarray) -> np.ndarray:
        ramp = np.arange(values.shape[1], dtype=np.uint16)[None, :, None]
        return values.astype(np.uint16) * 256 + ramp

    return {
        "dot": picture(1, 1, 3),
        "grey": picture(48, 64, 1),
        "rgb": picture(64, 96, 3),
        "odd": picture(67, 131, 3),
        "tiles": np.full((16, 25000, 3), (200, 90, 30), np.uint8),
        "metadata": picture(20, 30, 3),
        "rgba": picture(50, 70, 4),
        "grey-alpha": picture(33, 65, 2),
        "deep": deep(picture(40, 50, 3)),
        "deep-alpha": deep(picture(40, 50, 4)),
    }


METADATA = {"audio": b"ID3 sound", "exif": b"II*\0" + bytes(200), "icc": bytes(range(256)), "xmp": b"<x:xmpmeta/>" * 20}
QUALITIES = (50.0, 90.0, 75.5, 10.0, 0.0)


def encode(codec: s2lic.S2licImages, name: str, source: np.ndarray, quality: float) -> bytes:
    """The file of a source."""
    info, frames = media.read(source)
    header, units = codec.encode(info, frames, ImageOptions(quality=quality))
    if name == "metadata":
        header = replace(header, metadata=METADATA)
    buffer = io.BytesIO()
    container.write(buffer, header, units)
    return buffer.getvalue()


def as_image(frame: np.ndarray) -> Image.Image:
    """A frame as what can be a PNG: of 8 bits as it is, of more with its channels below each other."""
    if frame.dtype == np.uint8:
        return Image.fromarray(frame[..., 0] if frame.shape[2] == 1 else frame)
    return Image.fromarray(frame.transpose(2, 0, 1).reshape(-1, frame.shape[1]))


def frames(data: bytes, codec: s2lic.S2licImages) -> Iterator[np.ndarray]:
    """What the file decodes to with these weights."""
    header, units = container.read(data)
    return codec.decode(header, units)


def main(*names: str) -> None:
    if not WEIGHTS.exists():
        make_weights(WEIGHTS)
    codec = s2lic.S2licImages(WEIGHTS)
    for number, (name, source) in enumerate(sources().items()):
        path = HERE / f"{name}.ncf"
        if name in names or not (names or path.exists()):
            path.write_bytes(encode(codec, name, source, QUALITIES[number % len(QUALITIES)]))
            (frame,) = frames(path.read_bytes(), codec)
            as_image(frame).save(path.with_suffix(".png"), optimize=True)
            print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
