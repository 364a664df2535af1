"""The Pillow plugin, after the expectations of Pillow's own plugins (its test_file_webp and relatives)."""

import copy
import io
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.video_clips import moving, video_file
from PIL import Image, ImageCms, ImageFile, ImageOps, ImageSequence, UnidentifiedImageError

import codec
import codec.pillow
from codec.thumbnail import thumbnail


@pytest.fixture(autouse=True)
def registered() -> None:
    codec.pillow.register()


def drawn(mode: str) -> Image.Image:
    """Noise in every band."""
    size = (37, 29)
    if mode == "I;16":
        return Image.fromarray(np.random.default_rng(0).integers(0, 2**16, size[::-1], np.uint16))
    bands = {"P": 1}.get(mode, len(mode))
    noise = np.random.default_rng(0).integers(0, 256, (*size[::-1], bands), np.uint8)
    return Image.fromarray(noise[..., 0] if bands == 1 else noise).convert(mode)


def saved(image: Image.Image, **told: object) -> io.BytesIO:
    file = io.BytesIO()
    image.save(file, "NCF", **told)
    file.seek(0)
    return file


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16"])
def test_modes_come_back(mode: str, tmp_path: Path) -> None:
    image = drawn(mode)
    image.save(tmp_path / "a.ncf", lossless=True)
    with Image.open(tmp_path / "a.ncf") as back:
        assert (back.format, back.mode, back.size) == ("NCF", mode, image.size)
        assert back.get_format_mimetype() == "image/x-ncf"
        assert back.tobytes() == image.tobytes()
        assert back.mode == mode and back.copy().getbbox() == (0, 0, *image.size)


def test_lossy_is_the_default_and_quality_counts() -> None:
    image = Image.linear_gradient("L").convert("RGB").resize((96, 64))
    small, large = (saved(image, quality=q) for q in (5, 95))
    assert len(small.getvalue()) < len(large.getvalue())
    error = np.abs(np.asarray(Image.open(large)).astype(int) - np.asarray(image)).mean()
    assert 0 < error < 4


def test_a_header_is_read_without_torch(tmp_path: Path) -> None:
    drawn("RGB").save(tmp_path / "a.ncf", lossless=True)
    code = (
        "import sys; from PIL import Image; import codec.pillow; codec.pillow.register();"
        "image = Image.open('a.ncf'); assert image.size == (37, 29) and image.n_frames == 1 and not image.is_animated;"
        "assert 'torch' not in sys.modules and 'codec.api' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=60)


def test_profiles_exif_and_xmp_come_back() -> None:
    image = drawn("RGB")
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    told = {"exif": exif, "icc_profile": profile, "xmp": b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"}
    back = Image.open(saved(image, lossless=True, **told))
    assert back.info["icc_profile"] == profile
    assert back.getexif()[0x010F] == "A camera"
    assert back.info["xmp"] == told["xmp"]
    again = Image.open(saved(back, lossless=True))  # what an opened file has is kept
    assert again.info["icc_profile"] == profile and again.getexif()[0x010F] == "A camera"
    bare = Image.open(saved(back, lossless=True, exif=b"", icc_profile=None, xmp=None))
    assert not {"exif", "icc_profile", "xmp"} & bare.info.keys()


def test_resolution_comes_back() -> None:
    picture = drawn("RGB")
    picture.info["dpi"] = (300, 300)
    for told, wanted in (({}, 300), ({"dpi": (72, 72)}, 72)):
        back = Image.open(saved(picture, lossless=True, **told))
        assert [round(x) for x in back.info["dpi"]] == [wanted, wanted]
    for odd in (("a", "b"), (float("nan"), 1), 7):
        picture.info["dpi"] = odd
        assert "dpi" not in Image.open(saved(picture, lossless=True)).info


def test_frames_of_a_video_are_found_by_number() -> None:
    data = codec.encode(video_file(moving(48, 64, 5)), effort=1)
    with Image.open(io.BytesIO(data)) as video:
        assert video.is_animated and video.n_frames == 5 and video.tell() == 0
        assert video.info["duration"] == pytest.approx(1000 / float(codec.info(data).rate))
        frames = [frame.tobytes() for frame in ImageSequence.Iterator(video)]
        assert len(frames) == video.n_frames
        video.seek(1)
        assert video.tell() == 1 and video.tobytes() == frames[1]
        video.seek(0)
        assert video.tobytes() == frames[0]
        for beyond in (video.n_frames, -1):
            with pytest.raises(EOFError):
                video.seek(beyond)
        assert video.tell() == 0
    expected = [Image.fromarray(frame).tobytes() for frame in codec.decode(data).frames()]
    assert frames == expected


def test_a_still_has_one_frame() -> None:
    image = Image.open(saved(drawn("RGB"), lossless=True))
    image.seek(0)
    assert image.n_frames == 1
    with pytest.raises(EOFError):
        image.seek(1)


def test_files_that_are_not_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = saved(drawn("RGB"), lossless=True).getvalue()
    Image.open(io.BytesIO(whole)).verify()
    cut = io.BytesIO(whole[:-20])
    with pytest.raises(OSError, match="get a whole copy"):
        Image.open(cut).load()
    with pytest.raises(OSError, match="get a whole copy"):
        Image.open(io.BytesIO(whole[:-20])).verify()
    flipped = bytearray(whole)
    flipped[-30] ^= 1
    with pytest.raises(OSError, match="get a whole copy"):
        Image.open(io.BytesIO(flipped)).verify()
    with pytest.raises(UnidentifiedImageError):
        Image.open(io.BytesIO(whole[:12]))
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    assert Image.open(io.BytesIO(whole[:-20])).convert("RGB").size == (37, 29)


def test_too_many_pixels_are_pillows_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    file = saved(drawn("L"), lossless=True)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(Image.DecompressionBombError):
        Image.open(file)


@pytest.mark.parametrize("mode", ["F", "HSV", "LAB"])
def test_modes_that_can_not_be_saved_are_told(mode: str) -> None:
    with pytest.raises(OSError, match="convert it"):
        saved(Image.new(mode, (8, 8)))


def test_files_are_closed_and_those_of_others_are_not(tmp_path: Path) -> None:
    drawn("L").save(tmp_path / "a.ncf", lossless=True)
    with Image.open(tmp_path / "a.ncf") as image:
        image.load()
    with (tmp_path / "a.ncf").open("rb") as file, Image.open(file) as image:
        image.load()
        assert not file.closed
    (tmp_path / "a.ncf").unlink()


def test_bad_settings_are_told() -> None:
    with pytest.raises(OSError, match="quality"):
        saved(drawn("L"), quality=200)
    with pytest.raises(OSError, match="effort"):
        saved(drawn("L"), lossless=True, effort=10)


def test_a_kept_cmyk_jpeg_is_cmyk() -> None:
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.radial_gradient("L").resize((40, 24)).convert("CMYK").save(file, "JPEG", exif=exif)
    kept = Image.open(io.BytesIO(codec.encode(file.getvalue(), lossless=True)))
    assert (kept.mode, kept.size) == ("CMYK", (24, 40))
    wanted = ImageOps.exif_transpose(Image.open(file))
    assert np.array_equal(np.asarray(kept), np.asarray(wanted)) and kept.mode == "CMYK"


def test_inks_of_a_small_copy_are_means_whatever_the_black() -> None:
    file = io.BytesIO()
    Image.new("CMYK", (40, 24), (200, 100, 50, 0)).save(file, "JPEG", quality=100)
    data = codec.encode(file.getvalue(), lossless=True)
    inks = np.asarray(codec.decode(data, scale=4).image())
    assert inks.shape == (6, 10, 4) and np.abs(inks.astype(int) - [200, 100, 50, 0]).max() <= 2
    small = thumbnail(data, 8)
    assert small.mode == "RGB" and small.size == (8, 5) and small.getpixel((3, 3)) != (0, 0, 0)


def test_what_a_kept_jpeg_says_is_kept_on() -> None:
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x010F] = "A camera"
    drawn("RGB").save(file, "JPEG", exif=exif)
    kept = Image.open(io.BytesIO(codec.encode(file.getvalue(), lossless=True)))
    assert Image.open(saved(kept, lossless=True)).getexif()[0x010F] == "A camera"
    assert kept.getexif()[0x010F] == "A camera"


def test_a_picture_that_isnt_loaded_is_decoded_no_larger_than_wanted() -> None:
    whole = drawn("RGB").resize((200, 100), Image.Resampling.BICUBIC)
    file = saved(whole, quality=60)
    with Image.open(file) as image:
        assert image.draft(None, (30, 20)) == ("RGB", (0, 0, 50.0, 25.0))
        assert image.size == (50, 25) and image.copy().size == (50, 25)
        assert image.draft(None, (10, 5)) is None and image.size == (50, 25)  # too late
    with Image.open(file) as image:
        image.thumbnail((40, 40))
        assert image.size == (40, 20)
        error = np.abs(np.asarray(image).astype(float) - np.asarray(whole.resize((40, 20), reducing_gap=2)))
        assert error.mean() < 12
    with Image.open(file) as image:
        assert image.draft("L", (300, 300)) == ("RGB", (0, 0, 200.0, 100.0)) and image.size == (200, 100)
    with Image.open(io.BytesIO(codec.encode(video_file(moving(48, 64, 3)), effort=1))) as image:
        assert image.draft(None, (8, 8)) is None and image.size == (64, 48)


def test_a_preview_is_saved_and_shown() -> None:
    with Image.open(saved(drawn("RGB"), preview=True, quality=30)) as image:
        assert Image.open(io.BytesIO(image.info["preview"])).size == image.size
    assert "preview" not in Image.open(saved(drawn("RGB"), quality=30)).info


def test_saving_for_a_target(tmp_path: Path) -> None:
    drawn("RGB").save(tmp_path / "a.ncf", target=codec.Target(size=900))
    assert 0 < (tmp_path / "a.ncf").stat().st_size <= 900


@pytest.mark.parametrize("loaded", [False, True])
def test_pictures_are_pickled_and_copied(loaded: bool, tmp_path: Path) -> None:
    drawn("RGB").save(tmp_path / "a.ncf", lossless=True)
    with Image.open(tmp_path / "a.ncf") as image:
        if loaded:
            image.load()
        copies = pickle.loads(pickle.dumps(image)), copy.deepcopy(image), copy.copy(image)
    assert all(one.tobytes() == drawn("RGB").tobytes() for one in copies)
