"""Options that make no sense, or that a video or a picture has not, are told before any work."""

from pathlib import Path

import pytest
from helpers.commands import names, refused


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("-q", 30, "--target-bpp", 1), "--quality and --target-bpp are two goals; choose one"),
        (("--target-psnr", 30, "--target-bpp", 1), "--target-psnr and --target-bpp are two goals"),
        (("--lossless", "--codec", "nirvana"), "leave out --codec nirvana"),
        (("--lossless", "--target-psnr", 30), "--lossless keeps every bit; leave out --target-psnr"),
        (("--target-size", "1M", "--target-bpp", 1), "--target-bpp and --target-size are two goals"),
        (("--target-size", "small"), "is not a size, such as 800000, 500k or 20M"),
        (("--keep-stream", "-q", 30), "--keep-stream encodes nothing; leave the options out that say how"),
        (("--keep-stream", "--base", "x265"), "--keep-stream encodes nothing"),
        (("--base", "vp9"), "is not one of"),
        (("--time-budget", "soon"), "is not a time, such as 90s, 10m or 2h"),
        (("--time-budget", "0s"), "is not a time above 0, such as"),
        (("--effort", 10), "10 is not in the range"),
        (("--codec", "h264"), "is not one of"),
    ],
)
def test_options_that_make_no_sense_are_told_before_any_work(clip: str, options: tuple[object, ...], says: str) -> None:
    assert says in refused("encode", clip, *options, code=2)
    assert names() == ["clip.mkv"]


@pytest.mark.parametrize("span", ["a", "3..", "-1", "1-2", "1...2"])
def test_spans_that_are_none_are_told(coded: str, span: str) -> None:
    assert "is not A..B, such as 120..180" in refused("decode", coded, f"--frames={span}", code=2)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--lossless",), "no lossless codec for videos; leave out --lossless"),
        (("--codec", "circuit"), "circuit"),
        (("--no-verify",), "--verify goes with images; leave it out"),
        (("--target-psnr", -3), "a target lies between 0 and 1000"),
        (("--target-bpp", 0), "a target lies between 0 and 1000"),
        (("--codec", "s2lic", "--preset", "tiny"), "s2lic has no presets"),
        (("--codec", "s2lic", "--base", "x265"), "s2lic has no presets and no base"),
        (("--preset", "tiny", "--base", "x265"), "the paper's network has no base"),
        (("--preset", "tiny", "--target-psnr", 30), "tiny looks for no target"),
        (("--target-psnr", 90), "90 dB can't be had: the best is "),
        (("--target-ssim", 0.9), "--target-ssim goes with images; leave it out"),
        (("--target-size", 300), "it can't be so small: the least is "),
        (("--keep-stream",), "its stream is ffv1, not AV1, H.265 or H.264; leave --keep-stream out"),
        (("--codec", "s2lic", "--target-bpp", 1), "s2lic looks for no target"),
        (("--codec", "s2lic", "--effort", 2), "s2lic has no --effort"),
        (("--max-pixels", 100), "48 x 32"),
        (("--resume", "-o", "-"), "--resume goes on with a file"),
    ],
)
def test_options_that_a_video_has_not_are_told(clip: str, options: tuple[object, ...], says: str) -> None:
    assert says in refused("encode", clip, *options)
    assert names() == ["clip.mkv"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--codec", "nirvana"), "it is an image, and nirvana codes videos; leave out --codec"),
        (("--time-budget", "10m"), "--time-budget is for the fitting of videos and of --lossless"),
        (("--preset", "tiny"), "--preset goes with videos"),
        (("--resume",), "--resume goes with videos"),
        (("--base", "x264"), "--base goes with videos"),
        (("--keep-stream",), "--keep-stream goes with videos"),
        (("--no-audio",), "--no-audio goes with videos"),
    ],
)
def test_options_that_an_image_has_not_are_told(photo: Path, options: tuple[object, ...], says: str) -> None:
    line = refused("encode", photo, *options)
    assert says in line and line.startswith(f"codec: {photo}: ")
    assert not photo.with_suffix(".ncf").exists()
