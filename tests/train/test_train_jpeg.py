"""Training of networks of JPEG coefficients, and the integers that come of it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from codec.codecs.jpeg import weights
from codec.codecs.jpeg.coefficients import encode
from codec.models.jpeg.shape import KINDS
from codec.train import jpeg, jpeg_export
from codec.train.jpeg_photos import CHROMA, LUMA, components, table
from codec.train.jpeg_samples import Samples

SIZES = '{"hidden": 16, "trunk": 8, "end_hidden": 8, "signed": 2, "sizes": 3, "counts": 1, "mixtures": 2}'


def picture(rng: np.random.Generator) -> np.ndarray:
    y, x = np.mgrid[:104, :88]
    waves = [np.sin(x * rng.uniform(0.02, 0.3) + y * rng.uniform(0.02, 0.3)) for _ in range(3)]
    noisy = 128 + 20 * np.stack(waves, 2) + rng.normal(0, 6, (104, 88, 3))
    return np.clip(noisy, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], Path]:
    """Runs of a few steps of all kinds, and their weights."""
    folder = tmp_path_factory.mktemp("jpeg")
    rng = np.random.default_rng(0)
    (folder / "photos").mkdir()
    for i in range(2):
        Image.fromarray(picture(rng)).save(folder / "photos" / f"{i}.png")
    runs = [folder / kind for kind in KINDS]
    data = ["--data", str(folder / "photos")]
    for kind, run in zip(KINDS, runs, strict=True):
        options = ["--kind", kind, "--out", str(run), "--steps", "12", "--batch", "64", "--config", SIZES]
        jpeg.main([*data, *options])
    jpeg_export.main([*map(str, runs), *data, "-o", str(folder / "mine.safetensors")])
    return runs, folder / "mine.safetensors"


@torch.no_grad()
def test_bytes_are_what_the_float_network_says(trained: tuple[list[Path], Path]) -> None:
    """So that both see the same of every coefficient, in all phases, at borders, of other components."""
    runs, path = trained
    networks = weights.load(path)
    parts = components(picture(np.random.default_rng(5)), [table(t, 30) for t in (LUMA, CHROMA)], 2, 2)
    before = 0
    for i, (kind, run) in enumerate(zip(KINDS, runs, strict=True)):
        samples, model = Samples(kind, [parts]), jpeg.averaged(run)
        bits = 0.0
        for k in range(64):
            at = samples.order[None, : int(samples.count[k])]
            if at.numel():
                bits += float(jpeg.lengths(model, samples, torch.tensor([k]), at).sum())
        x, ends = samples.ends(samples.order)
        bits += float(torch.nn.functional.cross_entropy(model.ends(x), ends, reduction="sum")) / np.log(2)
        size = len(encode(networks, parts[: i + 1]))
        assert size - before == pytest.approx(bits / 8, rel=0.03, abs=12)
        before = size


def test_run_goes_on_where_it_stopped(trained: tuple[list[Path], Path], capsys: pytest.CaptureFixture[str]) -> None:
    runs, _ = trained
    photos = runs[0].parent / "photos"
    jpeg.main(["--data", str(photos), "--out", str(runs[0]), "--steps", "12", "--batch", "64", "--config", SIZES])
    assert "nothing to train" in capsys.readouterr().err
