"""Metrics against their closed forms and against other people's code."""

import io

import numpy as np
import pytest
from PIL import Image

from codec.errors import CodecError
from codec.media.audio import Audio
from codec.metrics import (
    MS_SSIM_SIDE,
    NAMES,
    bits_per_pixel,
    create,
    decibels,
    lower_is_better,
    ms_ssim,
    psnr,
    psnr_ycbcr,
    ssim,
)
from codec.metrics.picture import rgb8


def picture(height: int, width: int, channels: int = 3) -> np.ndarray:
    """Smooth waves with edges and noise, uint8."""
    rng = np.random.default_rng(height)
    y, x = np.mgrid[:height, :width]
    waves = [128 + 70 * np.sin(x / (5 + 3 * c)) * np.cos(y / 11) + 30 * (x // 40 % 2) for c in range(channels)]
    return (np.stack(waves, -1) + rng.normal(0, 5, (height, width, channels))).clip(0, 255).astype(np.uint8)


def as_jpeg(frame: np.ndarray, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def test_rate_and_psnr_have_their_closed_forms() -> None:
    a = np.zeros((4, 4, 3), np.uint8)
    assert psnr(a, a + 1) == pytest.approx(20 * np.log10(255))
    assert psnr(a, a) == float("inf")
    assert bits_per_pixel(100, 200) == 4
    with pytest.raises(ValueError, match="shapes"):
        psnr(a, a[:2])


def test_psnr_of_deep_samples_is_against_their_peak() -> None:
    a = np.zeros((4, 4, 1), np.uint16)
    assert psnr(a, a + 4, peak=1023) == pytest.approx(20 * np.log10(1023 / 4))
    assert psnr(a + 65535, a, peak=65535) == pytest.approx(0)


@pytest.mark.parametrize("metric", [psnr, ms_ssim])
def test_alpha_is_no_part_of_the_distortion(metric) -> None:  # type: ignore[no-untyped-def]
    colour = picture(180, 200)
    decoded = as_jpeg(colour, 40)
    half = np.full((180, 200, 1), 128, np.uint8)
    alone = metric(colour, decoded)
    assert metric(np.dstack((colour, half)), np.dstack((decoded, half))) == alone
    assert metric(np.dstack((colour, half)), np.dstack((decoded, half // 2))) == alone


def test_what_alpha_hides_counts_as_equal() -> None:
    reference = np.dstack((picture(20, 20, 1), np.full((20, 20, 1), 255, np.uint8)))
    reference[:10, :, 1] = 0
    decoded = reference.copy()
    decoded[:10, :, 0] ^= 255
    assert psnr(reference, decoded) == float("inf")
    decoded[10, 0, 0] ^= 255
    assert psnr(reference, decoded) < 60


@pytest.mark.parametrize("shape", [(192, 256), (161, 183), (331, 277)])
@pytest.mark.parametrize("quality", [5, 50, 95])
def test_ms_ssim_equals_pytorch_msssim(shape: tuple[int, int], quality: int) -> None:
    other = pytest.importorskip("pytorch_msssim")
    import torch

    a = picture(*shape)
    b = as_jpeg(a, quality)
    x, y = (torch.from_numpy(v.copy()).permute(2, 0, 1)[None].double() for v in (a, b))
    assert ms_ssim(a, b) == pytest.approx(float(other.ms_ssim(x, y, data_range=255)), abs=1e-5)


def test_ms_ssim_does_not_depend_on_the_depth() -> None:
    a = picture(170, 170)
    b = as_jpeg(a, 30)
    deep = ms_ssim(a.astype(np.uint16) * 257, b.astype(np.uint16) * 257, peak=65535)
    assert deep == pytest.approx(ms_ssim(a, b), abs=1e-5)


def test_ms_ssim_is_missing_for_small_pictures() -> None:
    a = picture(MS_SSIM_SIDE, 200)
    assert ms_ssim(a, a) == pytest.approx(1)
    assert ms_ssim(a[1:], a[1:]) is None and ms_ssim(a[:, :160], a[:, :160]) is None


def test_decibels_of_a_similarity() -> None:
    assert decibels(0.9) == pytest.approx(10) and decibels(0) == 0 and decibels(1.0) == float("inf")


def test_psnr_in_ycbcr_weighs_six_to_one_to_one() -> None:
    a = picture(20, 30)
    b = as_jpeg(a, 50)
    y, cb, cr = (
        psnr_of(a, b, row) for row in ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
    )
    assert psnr_ycbcr(a, b) == pytest.approx((6 * y + cb + cr) / 8, abs=1e-4)
    assert psnr_ycbcr(a, a) == float("inf") and psnr_ycbcr(a[..., :1], b[..., :1]) is None


def psnr_of(a: np.ndarray, b: np.ndarray, row: tuple[float, float, float]) -> float:
    return float(10 * np.log10(255**2 / np.mean((a @ np.array(row) - b @ np.array(row)) ** 2)))


@pytest.mark.parametrize("quality", [5, 95])
def test_ssim_equals_pytorch_msssim(quality: int) -> None:
    other = pytest.importorskip("pytorch_msssim")
    import torch

    a = picture(50, 61)
    b = as_jpeg(a, quality)
    x, y = (torch.from_numpy(v.copy()).permute(2, 0, 1)[None].double() for v in (a, b))
    assert ssim(a, b) == pytest.approx(float(other.ssim(x, y, data_range=255)), abs=1e-5)
    assert ssim(a[:10], b[:10]) is None


def test_every_metric_fills_its_fields_or_says_what_it_needs() -> None:
    assert len(set(NAMES)) == len(NAMES)
    for name in NAMES:
        metric = create(name)
        assert metric.name == name and metric.keys[0] == name
        assert metric.higher_is_better != lower_is_better(name)
        assert all(lower_is_better(key) == lower_is_better(name) for key in metric.keys)
    with pytest.raises(CodecError, match="no metric 'vmaf'; choose one of psnr"):
        create("vmaf")
    with pytest.raises(CodecError, match="metric psnr is about image"):
        create("psnr", "audio")


@pytest.mark.parametrize("name", ["psnr", "psnr-ycbcr", "ssim", "ms-ssim"])
def test_formulas_give_the_perfect_score_to_equal_pictures(name: str) -> None:
    a = picture(170, 180)
    metric = create(name, "image")
    metric.load({})
    (value,) = metric(a, a.copy(), 255).values()
    assert value == float("inf") if name.startswith("psnr") else value == pytest.approx(1, abs=1e-6)


def test_si_sdr_does_not_depend_on_the_level() -> None:
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(2, 1000)).astype(np.float32)
    noise = rng.normal(size=signal.shape).astype(np.float32)
    noise -= signal * (noise * signal).sum() / (signal * signal).sum()
    noise *= np.sqrt((signal**2).sum() / (noise**2).sum() / 100)
    metric = create("si-sdr", "audio")
    for gain in (1, 0.3):
        found = metric(Audio(signal, 16000), Audio(gain * (signal + noise), 16000), 1)["si-sdr"]
        assert found == pytest.approx(20, abs=1e-3)
    assert metric(Audio(signal, 16000), Audio(signal.copy(), 16000), 1)["si-sdr"] == float("inf")
    assert metric(Audio(0 * signal, 16000), Audio(signal, 16000), 1)["si-sdr"] is None


def test_networks_see_8_bit_rgb_of_any_depth() -> None:
    grey = np.array([[[0], [512], [1023]]], np.uint16)
    assert rgb8(grey, 1023)[0].tolist() == [[0] * 3, [128] * 3, [255] * 3]
    rgba = picture(5, 6, 4)
    assert np.array_equal(rgb8(rgba), rgba[..., :3])
