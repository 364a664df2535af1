"""A search for a quality ends at the right side of its target, near it, in few encodings."""

import math

import pytest

from codec import goals
from codec.codecs.curve import Curve
from codec.codecs.options import Target
from codec.errors import CodecError

STEPS = 25600
ENDS = (0.0, 100.0)
PACE = goals.Pace(5, 0.1, 0.02, Curve(ENDS, (26.0, 40.0)), Curve(ENDS, (math.log(5e3), math.log(9e4))))


class Codec:
    """Sizes and dB that bend another way than is known beforehand; tried at most five times."""

    def __init__(self, size: float, bend: float, noise: float = 0.0) -> None:
        self.size, self.bend, self.noise = size, bend, noise
        self.tried: dict[float, tuple[float, float]] = {}

    def __call__(self, quality: float) -> tuple[float, float]:
        part = (quality / 100) ** self.bend
        wobble = 1 + self.noise * math.sin(50 * quality)
        self.tried[quality] = round(self.size * 12**part * wobble), 25 + 17 * part
        return self.tried[quality]


@pytest.mark.parametrize("bend", [0.7, 1.0, 1.4])
@pytest.mark.parametrize("size", [2e3, 5e3, 2e4])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_size_is_reached_from_below(size: float, bend: float, share: float) -> None:
    codec = Codec(size, bend, noise=0.002)
    allowed = size * 12**share
    quality = goals.search(Target(size=allowed), codec, 1, STEPS, PACE, 40.0)
    assert 0.98 * allowed <= codec.tried[quality][0] <= allowed and len(codec.tried) <= 5


@pytest.mark.parametrize("bend", [0.7, 1.0, 1.4])
@pytest.mark.parametrize("wanted", [27.0, 33.3, 41.0])
def test_a_likeness_is_reached_from_above(bend: float, wanted: float) -> None:
    codec = Codec(5e3, bend)
    quality = goals.search(Target(psnr=wanted), codec, 1, STEPS, PACE, 60.0)
    assert wanted <= codec.tried[quality][1] <= wanted + 0.1 and len(codec.tried) <= 5


def test_what_can_not_be_had_ends_at_the_nearest_which_has_been_tried() -> None:
    for target, nearest in ((Target(size=100), 0.0), (Target(size=1e9), 100.0), (Target(psnr=90.0), 100.0)):
        codec = Codec(5e3, 1.0)
        assert goals.search(target, codec, 1, STEPS, PACE) == nearest
        assert nearest in codec.tried and len(codec.tried) <= 3
    with pytest.raises(CodecError, match="the least is 5,000 bytes"):
        goals.check(Target(size=100), 0.0, 5000, 25.0, 1)
    with pytest.raises(CodecError, match=r"0.999 can't be had: the best is 0.99000"):
        goals.check(Target(ssim=0.999), 100.0, 5000, 20.0, 1)


def test_the_last_encoding_gets_to_the_right_side_of_a_leap() -> None:
    tried: list[int] = []

    def leaps(quality: float) -> tuple[float, float]:
        tried.append(10_300 if quality > 60 else 9_000)
        return tried[-1], 0.0

    quality = goals.search(Target(size=10_000), leaps, 1, STEPS, PACE, 90.0)
    assert quality <= 60 and len(tried) <= 5


def test_pictures_that_come_back_equal_and_files_of_no_bytes_have_a_place() -> None:
    assert goals.search(Target(psnr=35.0), lambda quality: (100.0, math.inf), 1, STEPS, PACE) == 0
    assert goals.search(Target(size=100), lambda quality: (0.0, 0.0), 1, STEPS, PACE) == 100
