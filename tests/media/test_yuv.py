"""RGB to the planes of video and back: known colours of each matrix and range, and where colour lies."""

import numpy as np
import pytest

from codec.container import Color
from codec.errors import MediaError
from codec.media import yuv
from codec.media.video.layout import frame_of
from codec.metrics import psnr

BT709 = Color(1, 1, 1, False)


def waves(height: int = 64, width: int = 96, stretch: int = 1) -> np.ndarray:
    """Soft coloured waves."""
    y, x = np.mgrid[0:height, 0:width] / stretch
    planes = [128 + 90 * np.sin(x / (9 + 3 * c) + c) * np.cos(y / (13 - 2 * c)) for c in range(3)]
    return np.rint(np.stack(planes, -1)).astype(np.uint8)


@pytest.mark.parametrize(
    ("color", "rgb", "expected"),
    [
        (BT709, (0, 0, 0), (16, 128, 128)),
        (BT709, (255, 255, 255), (235, 128, 128)),
        (BT709, (255, 0, 0), (63, 102, 240)),
        (BT709, (0, 255, 0), (173, 42, 26)),
        (BT709, (0, 0, 255), (32, 240, 118)),
        (Color(6, 6, 6, False), (255, 0, 0), (81, 90, 240)),
        (Color(5, 6, 5, False), (0, 255, 0), (145, 54, 34)),
        (Color(6, 6, 6, True), (255, 0, 0), (76, 85, 255)),  # JPEG's
        (Color(6, 6, 6, True), (0, 0, 0), (0, 128, 128)),
        (Color(6, 6, 6, True), (255, 255, 255), (255, 128, 128)),
        (Color(9, 14, 9, False), (255, 0, 0), (74, 97, 240)),
        (Color(9, 14, 9, False), (0, 0, 255), (29, 240, 119)),
    ],
)
def test_known_colours(color: Color, rgb: tuple[int, ...], expected: tuple[int, ...]) -> None:
    planes = yuv.from_rgb(np.full((4, 6, 3), rgb, np.uint8), color)
    assert [np.unique(plane).tolist() for plane in planes] == [[value] for value in expected]
    assert np.abs(yuv.to_rgb(planes, color).astype(int) - rgb).max() <= 2


@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("matrix", yuv.MATRICES)
def test_soft_colours_survive(matrix: int, full_range: bool) -> None:
    color = Color(2, 2, matrix, full_range)
    assert psnr(waves(), yuv.to_rgb(yuv.from_rgb(waves(), color), color)) > 44


@pytest.mark.parametrize(("matrix", "scaler"), [(1, 1), (6, 5), (9, 9)])
def test_ffmpegs_scaler_sees_the_same_colours(matrix: int, scaler: int) -> None:
    color = Color(2, 2, matrix, False)
    planes = yuv.from_rgb(waves(128, 192, stretch=4), color)
    ours = yuv.to_rgb(planes, color)
    theirs = frame_of(planes, color).reformat(
        format="rgb24",
        src_colorspace=scaler,
        dst_colorspace=scaler,
        src_color_range="MPEG",
        dst_color_range="JPEG",
    )
    assert psnr(theirs.to_ndarray(), ours) > 42  # it takes the nearest colour, where we interpolate


@pytest.mark.parametrize(("height", "width"), [(33, 47), (1, 1), (1, 6), (7, 1), (2, 3)])
def test_odd_sizes_have_a_colour_for_each_pixel(height: int, width: int) -> None:
    rgb = np.full((height, width, 3), (40, 90, 200), np.uint8)
    planes = yuv.from_rgb(rgb, BT709)
    assert [plane.shape for plane in planes] == [(height, width), *[(-(-height // 2), -(-width // 2))] * 2]
    assert np.abs(yuv.to_rgb(planes, BT709).astype(int) - rgb).max() <= 2


def test_colour_lies_at_even_columns_between_two_rows() -> None:
    ramp = np.arange(0, 160, 2)  # of blue, which u follows
    for axis in (0, 1):
        rgb = np.zeros((80, 80, 3), np.uint8)
        rgb[..., 2] = ramp[:, None] if axis == 0 else ramp
        u = yuv.from_rgb(rgb, Color(6, 6, 6, True))[1][20, 20] - 128.0
        at = 40.5 if axis == 0 else 40
        assert abs(u - at) <= 0.5  # u - 128 is half of blue, which is 2 a step


def test_a_rare_matrix_is_refused() -> None:
    with pytest.raises(MediaError, match="matrix 8"):
        yuv.to_rgb(yuv.from_rgb(waves(), BT709), Color(1, 1, 8, False))
