"""Planes of videos in any depth and colour: what the file says, converted where 4:2:0 of 8 bits is asked for."""

import av
import numpy as np
import pytest
from helpers.video_clips import BT601, moving, same, video_file

from codec.container import Color
from codec.errors import MediaError
from codec.media import yuv
from codec.media.video import read_video

WIDE = Color(9, 18, 9, False)


def frame(pix_fmt: str, *planes: np.ndarray) -> av.VideoFrame:
    """A frame of these samples, of whatever type its planes have."""
    height, width = planes[0].shape[:2]
    made = av.VideoFrame(width, height, pix_fmt)
    for target, values in zip(made.planes, planes, strict=True):
        size = values.dtype.itemsize
        strides = (target.line_size, size * (values.shape[2] if values.ndim == 3 else 1), size)[: values.ndim]
        np.ndarray(values.shape, values.dtype, memoryview(target), strides=strides)[...] = values
    return made


@pytest.mark.parametrize("color", [BT601, Color(1, 1, 1, False), Color(5, 1, 5, True), WIDE])
def test_colour_is_what_the_file_says(color: Color) -> None:
    for format, encoder in (("matroska", "ffv1"), ("mp4", "libx264")):
        data = video_file(moving(count=2), format, encoder, color=color)
        assert read_video(data).info.color == color


@pytest.mark.parametrize(("height", "matrix"), [(48, 6), (718, 6), (720, 1)])
def test_colour_that_is_not_said_follows_the_height(height: int, matrix: int) -> None:
    data = video_file(moving(height, 16, 1), color=Color(2, 2, 2, False))
    assert read_video(data).info.color == (BT601 if matrix == 6 else Color(1, 1, 1, False))


def test_a_rare_matrix_is_refused() -> None:
    with pytest.raises(MediaError, match="matrix 8"):
        read_video(video_file(moving(count=1), color=Color(1, 1, 8, False)))


@pytest.mark.parametrize("full_range", [False, True])
def test_deep_samples_are_rounded(full_range: bool) -> None:
    color = WIDE._replace(full_range=full_range)
    y = np.arange(1024, dtype=np.uint16).reshape(32, 32)
    u = y[::2, ::2].copy()
    video = read_video(video_file([frame("yuv420p10le", y, u, u)], color=color))
    (picture,) = video.pictures()
    scale = 255 / 1023 if full_range else 1 / 4
    for found, deep in zip(picture.planes, (y, u, u), strict=True):
        assert np.abs(found - (deep * scale).clip(0, 255)).max() <= 0.5
    assert video.info.color == color
    assert video.notes == ["10-bit samples are coded at 8 bits"]


@pytest.mark.parametrize(("kind", "step"), [("yuv444p", 1), ("yuv422p", 2), ("yuv444p10le", 1)])
def test_finer_colour_is_averaged_where_it_lies(kind: str, step: int) -> None:
    deep = 4 if "10" in kind else 1
    dtype = np.uint16 if deep > 1 else np.uint8
    x = np.broadcast_to(np.arange(40, 168, 2), (32, 64)) * deep
    u = x[:, ::step].astype(dtype)
    v = np.broadcast_to(np.arange(40, 168, 4)[:, None] * deep, (32, 64 // step)).astype(dtype)
    video = read_video(video_file([frame(kind, x.astype(dtype), u, v)]))
    ((planes, *_),) = video.pictures()
    assert np.abs(planes[1][0, 1:].astype(int) - np.arange(40, 168, 4)[1:]).max() == 0  # at the even columns
    assert np.abs(planes[2][:, 0].astype(int) - (np.arange(40, 168, 8) + 2)).max() == 0  # between two rows
    assert any("4:2:0" in note for note in video.notes)


def test_rgb_is_converted_as_our_own_planes_are() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (17, 20, 3), np.uint8)
    video = read_video(video_file([frame("bgr0", np.dstack([rgb[..., ::-1], rgb[..., :1]]))]))
    ((planes, *_),) = video.pictures()
    assert video.info.color.matrix == 6
    assert same(planes, yuv.from_rgb(rgb, video.info.color))
    assert any("RGB" in note for note in video.notes)


def test_grey_has_no_colour() -> None:
    grey = moving(count=1)[0][0]
    ((planes, *_),) = read_video(video_file([frame("gray", grey)])).pictures()
    assert np.array_equal(planes[0], grey)
    assert all((plane == 128).all() and plane.shape == (24, 32) for plane in planes[1:])


def test_a_rare_format_keeps_its_range() -> None:
    y = moving(count=1)[0][0]
    quarter = np.full((48, 16), 90, np.uint8)
    for full_range in (False, True):
        video = read_video(video_file([frame("yuv411p", y, quarter, quarter)], color=Color(6, 6, 6, full_range)))
        ((planes, *_),) = video.pictures()
        assert np.array_equal(planes[0], y)
        assert (planes[1] == 90).all()
