"""Makes the golden files of kept JPEGs: `python tests/golden/make_jpeg.py NAME...`, by the rules of make.py.

The networks are untrained and tiny. Beside each file lies its JPEG, which is what it decodes to.
"""

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from codec import container
from codec.codecs.jpeg.files import JpegFiles
from codec.codecs.jpeg.weights import save
from codec.codecs.options import ImageOptions
from codec.models.jpeg.coefficient_net import CoefficientNet
from codec.models.jpeg.shape import KINDS, CoefficientConfig
from codec.train.jpeg_export import integers
from codec.train.jpeg_photos import CHROMA, LUMA, components, table
from codec.train.jpeg_samples import Samples

HERE = Path(__file__).parent
WEIGHTS = HERE / "golden-jpeg.safetensors"
SMALL = {"signed": 2, "sizes": 3, "counts": 2, "hidden": 8, "trunk": 6, "mixtures": 2, "end_hidden": 6}


def photo(height: int, width: int) -> np.ndarray:
    """Waves and some noise, uint8 [height, width, 3]."""
    y, x = np.mgrid[:height, :width][..., None]
    waves = 128 + 60 * np.sin(x / (9 + 4 * np.arange(3))) * np.cos(y / 11)
    return (waves + np.random.default_rng(0).normal(0, 3, waves.shape)).clip(0, 255).astype(np.uint8)


def make_weights(path: Path) -> None:
    torch.manual_seed(0)
    made = {}
    for kind in KINDS:
        config = CoefficientConfig(kind, **SMALL)
        samples = Samples(kind, [components(photo(64, 96), [table(LUMA, 80), table(CHROMA, 80)], 2, 2)])
        made[kind] = config, integers(CoefficientNet(config).eval(), samples)
    save(path, made, "Untrained networks of the golden files; of no use for JPEGs")
    path.chmod(0o644)


def saved(image: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **options)
    return buffer.getvalue()


def jpegs() -> dict[str, bytes]:
    """By the names of the files."""
    image = Image.fromarray(photo(67, 91))
    tags = Image.Exif()
    tags[0x0112], tags[0x010F] = 8, "Maker"
    return {
        "jpeg-colour": saved(image, quality=85, exif=tags, comment="golden"),
        "jpeg-progressive": saved(image, quality=60, subsampling=0, progressive=True),
        "jpeg-grey": saved(image.convert("L"), quality=95, restart_marker_rows=1),
        "jpeg-four": saved(image.convert("CMYK"), quality=40),
        "jpeg-cut": saved(image, quality=80, subsampling=1, optimize=True)[:-300] + b"behind it",
        "jpeg-flat": saved(Image.new("L", (240, 240), 9)),
    }


def main(*names: str) -> None:
    if not WEIGHTS.exists():
        make_weights(WEIGHTS)
    codec = JpegFiles(WEIGHTS)
    for name, data in jpegs().items():
        path = HERE / f"{name}.ncf"
        if name in names or (not names and not path.exists()):
            buffer = io.BytesIO()
            container.write(buffer, *codec.encode(data, ImageOptions()))
            path.write_bytes(buffer.getvalue())
            path.with_suffix(".jpg").write_bytes(data)
            print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
