"""Metrics against their closed forms and against other people's code."""

import io

import numpy as np
import pytest
from PIL import Image

from codec.metrics import MS_SSIM_SIDE, bits_per_pixel, decibels, ms_ssim, psnr


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
