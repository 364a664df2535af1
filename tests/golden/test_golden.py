"""Files of earlier days decode to the symbols and, within a level, to the pixels that they had when they were made."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from make import METADATA, as_image, sources
from PIL import Image

import codec
from codec import codecs, container, weights
from codec.codecs.circuit.describe import describe
from codec.codecs.circuit.methods import NAMES

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*.ncf"))
KEPT = sorted(HERE.glob("jpeg-*.ncf"))
# name: (width, height, channels, depth, units)
SHAPES = {
    "deep": (50, 40, 3, 16, 1),
    "deep-alpha": (50, 40, 4, 16, 2),
    "dot": (1, 1, 3, 8, 1),
    "grey": (64, 48, 1, 8, 1),
    "grey-alpha": (65, 33, 2, 8, 2),
    "metadata": (30, 20, 3, 8, 1),
    "odd": (131, 67, 3, 8, 1),
    "rgb": (96, 64, 3, 8, 1),
    "rgba": (70, 50, 4, 8, 2),
    "tiles": (25000, 16, 3, 8, 25),
    "lossless-deep": (56, 40, 3, 16, 1),
    "lossless-dot": (1, 1, 4, 8, 2),
    "lossless-drawing": (80, 64, 3, 8, 1),
    "lossless-grey": (64, 48, 1, 8, 1),
    "lossless-mask": (170, 150, 1, 8, 1),
    "lossless-noise": (31, 24, 3, 8, 1),
    "lossless-rgb": (131, 67, 3, 8, 1),
    "lossless-rgba": (70, 50, 4, 8, 2),
    "lossless-sparse": (50, 40, 1, 8, 1),
    "lossless-steps": (70, 60, 1, 16, 1),
    "lossless-tuned": (96, 64, 3, 8, 2),
    "lossless-web": (90, 70, 3, 8, 1),
    "jpeg-colour": (67, 91, 3, 8, 1),
    "jpeg-cut": (91, 67, 3, 8, 1),
    "jpeg-flat": (240, 240, 1, 8, 1),
    "jpeg-four": (91, 67, 4, 8, 1),
    "jpeg-grey": (91, 67, 1, 8, 1),
    "jpeg-progressive": (91, 67, 3, 8, 1),
}


@pytest.fixture(autouse=True)
def golden_weights(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CODEC_WEIGHTS", str(HERE))
    yield


def test_the_fingerprint_of_weights_stays() -> None:
    assert weights.fingerprint(HERE / "golden-tiny.safetensors").hex() == "12f521ffd2f970ad"
    assert weights.fingerprint(HERE / "golden-circuit.safetensors").hex() == "2e45c0a0ccfc8d86"


def test_there_is_a_file_of_every_kind() -> None:
    found = {}
    for path in FILES:
        header, units = container.read(path.read_bytes())
        assert header.revision == 0
        found[path.stem] = (header.width, header.height, header.channels, header.depth, len(list(units)))
    assert found == SHAPES


@pytest.mark.parametrize(
    "name", [name for kind in ("image", "file") for name, found in codecs.of_kind(kind).items() if found.weights]
)
def test_every_codec_with_weights_has_files(name: str) -> None:
    assert name in {codecs.of(codec.info(path)).name for path in FILES}


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_a_jpeg_comes_back(path: Path) -> None:
    assert codec.decode(path).original == path.with_suffix(".jpg").read_bytes()


@pytest.mark.parametrize("path", [p for p in FILES if p not in KEPT], ids=lambda path: path.stem)
def test_a_file_decodes_to_its_symbols_and_pixels(path: Path) -> None:
    (frame,) = codec.decode(path, device="cpu").frames()  # raises where the symbols differ from the checksum
    with Image.open(path.with_suffix(".png")) as image:
        expected = np.asarray(image).astype(int)
    level = 0 if codecs.of(codec.info(path)).lossless else 257 if frame.dtype == np.uint16 else 1
    assert np.abs(np.asarray(as_image(frame)).astype(int) - expected).max() <= level


@pytest.mark.parametrize("name", ["rgba", "grey-alpha", "deep-alpha"])
def test_transparency_is_that_of_the_source(name: str) -> None:
    (frame,) = codec.decode(HERE / f"{name}.ncf", device="cpu").frames()
    assert np.array_equal(frame[..., -1], sources()[name][..., -1])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_is_rewritten_byte_for_byte(path: Path) -> None:
    header, units = container.read(path.read_bytes())
    rewritten = io.BytesIO()
    container.write(rewritten, header, units)
    assert rewritten.getvalue() == path.read_bytes()


def test_every_method_of_lossless_units_has_a_file() -> None:
    methods: set[str] = set()
    tuned = False
    for path in HERE.glob("lossless-*.ncf"):
        header, units = container.read(path.read_bytes())
        found = describe(header, list(units)).values
        methods |= set(found["methods"])
        tuned |= found["tuned"]
    assert tuned and methods == set(NAMES)


def test_metadata_of_every_kind_is_read() -> None:
    assert dict(codec.info(HERE / "metadata.ncf").metadata) == METADATA
