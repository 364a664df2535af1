"""Similarity through networks: perfect for equal pictures, worse for worse ones, and never by random weights."""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from codec.errors import CodecError
from codec.metrics import create
from codec.metrics.metric import Metric
from codec.requirements import missing

BACKBONES = {"lpips-alex": "alexnet", "lpips-vgg": "vgg16", "lpips-squeeze": "squeezenet", "dists": "vgg16"}


def ready(name: str) -> Metric:
    """The metric, or a skip with the line that installs its package."""
    metric = create(name)
    lines = missing(name, [need for need in metric.needs if need.module])
    if lines:
        pytest.skip("; ".join(lines))
    return metric


def backbone(name: str, folder: Path) -> Path:
    """A file such as torchvision's, of random weights, with its checksum in the name."""
    import torch

    from codec.models.perception import trunks

    torch.manual_seed(0)
    trunk = getattr(trunks, BACKBONES[name])()
    path = folder / "whole.pth"
    torch.save(
        {f"features.{k}": v for k, v in trunk.state_dict().items()} | {"classifier.1.bias": torch.zeros(9)}, path
    )
    return path.rename(folder / f"{BACKBONES[name]}-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}.pth")


def photo(height: int = 64, width: int = 80) -> np.ndarray:
    rng = np.random.default_rng(1)
    coarse = Image.fromarray(rng.integers(0, 256, (9, 9, 3), np.uint8))
    fine = np.array(coarse.resize((width, height), Image.Resampling.BICUBIC))
    return (fine + rng.normal(0, 6, fine.shape)).clip(0, 255).astype(np.uint8)


def coded(frame: np.ndarray, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


@pytest.fixture(params=["deep.efflite0", "st-lpips", *BACKBONES])
def metric(request: pytest.FixtureRequest, tmp_path: Path) -> Metric:
    """Each of them, loaded."""
    metric = ready(request.param)
    metric.load({metric.name: backbone(metric.name, tmp_path)} if metric.name in BACKBONES else {})
    return metric


def test_distance_is_nothing_for_equal_pictures_and_grows_with_damage(metric: Metric) -> None:
    a = photo()
    assert set(metric(a, a.copy(), 255).values()) == {0.0}
    values = [metric(a, coded(a, q), 255)[metric.name] for q in (95, 40, 3)]
    assert 0 < values[0] < values[1] < values[2]  # type: ignore[operator]
    assert tuple(metric(a, coded(a, 40), 255)) == metric.keys


def test_depth_grey_and_hidden_colour_do_not_matter(metric: Metric) -> None:
    a = photo()
    b = coded(a, 20)
    value = metric(a, b, 255)[metric.name]
    deep = metric(a.astype(np.uint16) * 257, b.astype(np.uint16) * 257, 65535)[metric.name]
    assert deep == pytest.approx(value)
    half = np.full((*a.shape[:2], 1), 128, np.uint8)
    assert metric(np.dstack((a, half)), np.dstack((b, half)), 255)[metric.name] == pytest.approx(value)
    assert metric(np.dstack((a, 0 * half)), np.dstack((b, half)), 255)[metric.name] == 0
    grey, other = (v.mean(2, keepdims=True).astype(np.uint8) for v in (a, b))
    assert metric(grey, other, 255) == metric(np.repeat(grey, 3, 2), np.repeat(other, 3, 2), 255)


def test_black_against_white_is_finite(metric: Metric) -> None:
    black = np.zeros((64, 64, 3), np.uint8)
    values = metric(black, ~black, 255).values()
    assert all(v is not None and np.isfinite(v) for v in values)


def test_tiny_pictures_get_none_or_a_number(metric: Metric) -> None:
    a = photo(31, 40)
    value = metric(a, coded(a, 5), 255)[metric.name]
    assert value is None if metric.name != "deep.efflite0" else value is not None and value > 0


@pytest.mark.parametrize("name", BACKBONES)
def test_a_metric_without_its_backbone_says_which_file_it_needs(name: str) -> None:
    with pytest.raises(CodecError, match=rf"{name} needs .*--weights {name}=FILE: torchvision's"):
        ready(name).load({})


@pytest.mark.parametrize("name", BACKBONES)
def test_a_backbone_of_another_network_is_refused(name: str, tmp_path: Path) -> None:
    metric = ready(name)
    other = "lpips-squeeze" if name != "lpips-squeeze" else "lpips-alex"
    with pytest.raises(CodecError, match="is this the network that is asked for"):
        metric.load({name: backbone(other, tmp_path)})


def test_a_backbone_that_is_not_what_its_name_says_is_refused(tmp_path: Path) -> None:
    path = backbone("lpips-alex", tmp_path)
    renamed = path.rename(tmp_path / "alexnet-owt-7be5be79.pth")
    with pytest.raises(CodecError, match="SHA-256 doesn't start with 7be5be79"):
        ready("lpips-alex").load({"lpips-alex": renamed})


def _damaged(path: Path) -> None:
    path.write_bytes(b"no weights at all")


def _pickled(path: Path) -> None:
    import torch

    torch.save({"features.0.weight": Path("a class that is no tensor")}, path)


def _nested(path: Path) -> None:
    import torch

    torch.save({"state_dict": {"features.0.weight": torch.zeros(1)}}, path)


@pytest.mark.parametrize("write", [_damaged, _pickled, _nested])
@pytest.mark.parametrize("end", ["pth", "safetensors"])
def test_files_that_are_no_weights_are_refused(write: Callable[[Path], None], end: str, tmp_path: Path) -> None:
    path = tmp_path / f"weights.{end}"
    with pytest.raises(CodecError, match="can't be read"):
        ready("lpips-alex").load({"lpips-alex": path})
    write(path)
    with pytest.raises(CodecError, match="holds "):
        ready("lpips-alex").load({"lpips-alex": path})


def test_safetensors_are_as_good_as_torch_files(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    metric = ready("lpips-alex")
    path = backbone("lpips-alex", tmp_path)
    save_file(torch.load(path, weights_only=True), tmp_path / "copy.safetensors")
    a = photo()
    metric.load({"lpips-alex": path})
    first = metric(a, coded(a, 20), 255)
    metric.load({"lpips-alex": tmp_path / "copy.safetensors"})
    assert metric(a, coded(a, 20), 255) == first


def test_st_lpips_forgives_a_shift_more_than_noise_of_the_same_psnr() -> None:
    metric = ready("st-lpips")
    metric.load({})
    wide = photo(96, 97)
    a, shifted = wide[:, :-1], wide[:, 1:]
    error = np.sqrt(((a.astype(float) - shifted) ** 2).mean())
    noisy = (a + np.random.default_rng(0).normal(0, error, a.shape)).clip(0, 255).astype(np.uint8)
    assert metric(a, shifted, 255)["st-lpips"] < 0.8 * metric(a, noisy, 255)["st-lpips"]  # type: ignore[operator]


def test_features_of_tiles_are_about_those_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    from codec.perception import classifiers

    metric = ready("deep.efflite0")
    metric.load({})
    a = photo(420, 510)
    b = coded(a, 20)
    whole = metric(a, b, 255)
    monkeypatch.setattr(classifiers, "WHOLE", 0)
    monkeypatch.setattr("codec.tiling.SINGLE", 0)
    monkeypatch.setattr("codec.tiling.SIDE", 256)
    tiled = metric(a, b, 255)
    assert tiled != whole
    assert list(tiled.values()) == pytest.approx(list(whole.values()), rel=0.1)  # type: ignore[type-var]
