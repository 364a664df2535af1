"""A picture's target is reached by its whole file, or it is said that it can't be had."""

import numpy as np
import pytest
from helpers import places
from helpers.pictures import picture
from PIL import Image

import codec
from codec.codecs import named
from codec.metrics.samples import psnr
from codec.metrics.structure import decibels, ms_ssim

PHOTO = picture(176, 192)


def shown(data: bytes) -> np.ndarray:
    return next(codec.decode(data, device="cpu").frames())


@pytest.mark.parametrize("target", [codec.Target(size=2500), codec.Target(bpp=0.5)])
def test_a_file_is_no_larger_than_asked_and_hardly_smaller(target: codec.Target) -> None:
    reached: dict[str, float] = {}
    size = len(codec.encode(PHOTO, target=target, reached=reached, device="cpu"))
    allowed = target.size or 0.5 * 176 * 192 / 8
    assert 0.98 * allowed <= size <= allowed and reached["encodings"] <= 5


def test_a_likeness_is_reached_and_told() -> None:
    reached: dict[str, float] = {}
    found = shown(codec.encode(PHOTO, target=codec.Target(psnr=36.0), reached=reached, device="cpu"))
    assert 36 <= reached["psnr"] <= 36.1 and reached["psnr"] == pytest.approx(psnr(PHOTO, found), abs=0.01)
    found = shown(codec.encode(PHOTO, target=codec.Target(ssim=0.98), reached=reached, device="cpu"))
    similarity = ms_ssim(PHOTO, found)
    assert similarity and decibels(0.98) <= decibels(reached["ms_ssim"]) <= decibels(0.98) + 0.1
    assert reached["ms_ssim"] == pytest.approx(similarity, abs=1e-4)


def test_what_a_file_has_beside_pixels_counts(photo_with_profile: bytes) -> None:
    size = len(codec.encode(photo_with_profile, target=codec.Target(size=4000), device="cpu"))
    assert 0.98 * 4000 <= size <= 4000


@pytest.fixture
def photo_with_profile() -> bytes:
    import io

    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[270] = np.random.default_rng(0).bytes(1500).hex()
    Image.fromarray(PHOTO).save(buffer, "PNG", exif=exif)
    return buffer.getvalue()


@pytest.mark.parametrize("channels", [1, 4])
def test_other_pictures_have_targets_too(channels: int) -> None:
    part = np.asarray(Image.open(places.PHOTO))[80:170, 100:220]
    alpha = np.indices(part.shape[:2]).sum(0, keepdims=True).transpose(1, 2, 0).astype(np.uint8)
    source = (np.concatenate([part, alpha], 2) if channels == 4 else part[..., 1:2]).astype(np.uint16) * 257
    reached: dict[str, float] = {}
    data = codec.encode(source, target=codec.Target(psnr=40.0), verify=True, reached=reached, device="cpu")
    assert 40 <= reached["psnr"] <= 40.1 and "ms_ssim" in reached and reached["ms_ssim"] is None
    assert reached["psnr"] == pytest.approx(psnr(source, shown(data), 65535), abs=0.01)


def test_a_target_holds_at_higher_efforts() -> None:
    reached: dict[str, float] = {}
    source = picture(64, 96)
    plain = len(codec.encode(source, quality=40, device="cpu"))
    size = len(codec.encode(source, target=codec.Target(size=plain), effort=2, reached=reached, device="cpu"))
    assert 0.98 * plain <= size <= plain and reached["encodings"] <= 5


@pytest.mark.parametrize(
    ("target", "says"),
    [
        (codec.Target(size=90), "it can't be so small: the least is "),
        (codec.Target(bpp=0.001), "it can't be so small: the least is "),
        (codec.Target(psnr=90.0), "90 dB can't be had: the best is "),
        (codec.Target(ssim=0.999999), "an MS-SSIM of 0.999999 can't be had: the best is 0.9"),
    ],
)
def test_a_target_that_can_not_be_had_is_said(target: codec.Target, says: str) -> None:
    with pytest.raises(codec.CodecError, match=says):
        codec.encode(PHOTO, target=target, device="cpu")


def test_ends_of_the_scale_are_said() -> None:
    notes: list[str] = []
    codec.encode(PHOTO, target=codec.Target(size=10**6), notes=notes, device="cpu")
    codec.encode(PHOTO, target=codec.Target(psnr=5.0), notes=notes, device="cpu")
    assert "the highest quality takes" in notes[0] and notes[1] == "the lowest quality is better than the target"


def test_wrong_targets_are_one_line() -> None:
    small = PHOTO[:100]
    with pytest.raises(codec.CodecError, match="MS-SSIM needs 161 pixels a side"):
        codec.encode(small, target=codec.Target(ssim=0.9))
    with pytest.raises(codec.CodecError, match="no target; give one such as"):
        codec.encode(small, target=35)  # type: ignore[arg-type]
    with pytest.raises(codec.CodecError, match="two goals"):
        codec.encode(small, quality=3, target=codec.Target(psnr=30))
    with pytest.raises(codec.CodecError, match="circuit has no target"):
        codec.encode(small, lossless=True, target=codec.Target(psnr=30))
    with pytest.raises(codec.CodecError, match="reached must be a dict"):
        codec.encode(small, reached=[])  # type: ignore[arg-type]
    for wrong in ({}, {"psnr": 30, "bpp": 1}, {"ssim": 1.5}, {"size": "200k"}, {"bpp": float("nan")}):
        with pytest.raises(codec.CodecError):
            codec.Target(**wrong)  # type: ignore[arg-type]


def test_a_file_that_decodes_to_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = named("s2lic", "image").images.open(None, "cpu")  # type: ignore[union-attr]
    whole = type(opened).synthesise
    calls = []

    def synthesise(self: object, *told: object) -> object:
        calls.append(1)
        return whole(self, *told) + 0.1 * (len(calls) > 1)  # the decoder's

    monkeypatch.setattr(type(opened), "synthesise", synthesise)
    with pytest.raises(codec.CodecError, match="does not decode to what was encoded"):
        codec.encode(PHOTO, verify=True, device="cpu")
