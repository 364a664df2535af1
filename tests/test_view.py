"""Rectangles and smaller copies of pictures: the pixels of the whole, from no more of a file than they take."""

import io

import numpy as np
import pytest
from helpers.containers import damaged
from helpers.pictures import picture
from helpers.places import PHOTO, TINY_WEIGHTS
from helpers.stored import stored
from PIL import Image

import codec
from codec import container
from codec.errors import CodecError, FormatError
from codec.view import Canvas, View, view_of


class Counted(io.BytesIO):
    """Bytes of a file, which counts those that are read, and has no more than read, seek and tell."""

    count = 0

    def read(self, size: int | None = -1) -> bytes:
        found = super().read(size)
        self.count += len(found)
        return found


def decoded(data: bytes, **view: object) -> np.ndarray:
    return next(codec.decode(data, **view).frames())


def means(frame: np.ndarray, scale: int) -> np.ndarray:
    """The slow way: every small pixel by itself, colours weighted by alpha."""
    h, w, channels = frame.shape
    out = np.empty((-(-h // scale), -(-w // scale), channels), frame.dtype)
    for y, x in np.ndindex(out.shape[:2]):
        square = frame[y * scale : (y + 1) * scale, x * scale : (x + 1) * scale].reshape(-1, channels).astype(int)
        weights = square[:, -1:] if channels in (2, 4) else np.ones((len(square), 1), int)
        weight = max(weights.sum(), 1)
        out[y, x] = ((square * weights).sum(0) + weights.sum() // 2) // weight
        if channels in (2, 4):
            out[y, x, -1] = (square[:, -1].sum() + len(square) // 2) // len(square)
    return out


@pytest.fixture(scope="module", params=["s2lic", "circuit"])
def tiled(request: pytest.FixtureRequest) -> bytes:
    """A picture with alpha, of 300 x 370 pixels in tiles of about 128."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"tiling.SINGLE": 0, "tiling.SIDE": 128, "tiling.BLOCK": 64}.items():
            patch.setattr(f"codec.{name}", value)
        for name, value in {"HEIGHT": 32, "WIDTH": 128, "TILES": 4}.items():
            patch.setattr(f"codec.codecs.circuit.layout.{name}", value)
        frame = picture(300, 370, 4)
        frame[..., 3] = 255 - (frame[..., 0] > 140) * frame[..., 1]
        yield codec.encode(frame, quality=40) if request.param == "s2lic" else stored(frame)


REGIONS = [(0, 0, 40, 40), (100, 90, 60, 50), (369, 299, 1, 1), (5, 200, 360, 3)]


def test_a_region_has_the_pixels_of_the_whole_picture(
    tiled: bytes,
) -> None:
    for scale in (1, 8):
        whole = decoded(tiled, scale=scale)
        for x, y, w, h in REGIONS:
            part = decoded(tiled, region=(x, y, w, h), scale=scale)
            rows, columns = slice(y // scale, -(-(y + h) // scale)), slice(x // scale, -(-(x + w) // scale))
            assert np.array_equal(part, whole[rows, columns])


def test_no_more_of_a_file_is_read_than_a_region_takes(tiled: bytes) -> None:
    file = Counted(tiled)
    shown = codec.decode(file, region=(0, 0, 40, 40))
    assert shown.info.width == 40 and shown.image().size == (40, 40) and 0 < file.count < len(tiled) / 4
    # Nor is the rest computed, or missed.
    broken = damaged(tiled, 5)
    assert np.array_equal(decoded(broken, region=(0, 0, 40, 40)), next(shown.frames()))
    with pytest.raises(FormatError, match="damaged"):
        codec.decode(broken)


def test_of_a_damaged_file_what_the_region_has_is_told(tiled: bytes) -> None:
    near = codec.decode(damaged(tiled, 0), partial=True, region=(0, 0, 40, 40))
    far = codec.decode(damaged(tiled, 0), partial=True, region=(369, 299, 1, 1))
    assert (np.abs(next(near.frames())[..., :3] - 127.5) <= 0.5).all() and len(near.damage or []) == 1
    assert np.array_equal(next(far.frames()), decoded(tiled, region=(369, 299, 1, 1))) and far.damage == []


def test_small_pixels_are_means(tiled: bytes) -> None:
    whole = decoded(tiled)
    exact = (2, 4, 8, 16) if codec.info(tiled).codec == 2 else (2,)
    for scale in (2, 4, 8, 16):
        small, wanted = decoded(tiled, scale=scale), means(whole, scale)
        assert small.shape == wanted.shape and np.array_equal(small[..., 3], wanted[..., 3])
        if scale in exact:
            assert np.array_equal(small, wanted)


@pytest.mark.parametrize("channels", [1, 3])
def test_small_copies_of_lossy_pictures_look_like_them(channels: int) -> None:
    with Image.open(PHOTO) as image:
        frame = np.asarray(image)[100:230, 300:500, :channels]
    data = codec.encode(frame, quality=20)
    whole = decoded(data)
    for scale in (4, 8, 16):
        error = decoded(data, scale=scale).astype(float) - means(whole, scale)
        assert (error**2).mean() < 65  # of levels: 30 dB


def test_videos_and_kept_files_are_cut_and_made_small(tmp_path) -> None:
    buffer = io.BytesIO()
    Image.fromarray(picture(60, 90)).save(buffer, "JPEG")
    data = codec.encode(buffer.getvalue(), lossless=True)
    whole = decoded(data)
    assert np.array_equal(decoded(data, region=(10, 20, 30, 40)), whole[20:, 10:40])
    small = codec.decode(data, scale=8)
    assert np.array_equal(next(small.frames()), means(whole, 8)) and (small.info.width, small.info.height) == (12, 8)


@pytest.mark.parametrize(
    "wrong",
    [
        {"region": (0, 0, 31, 20)}, {"region": (0, 20, 1, 1)}, {"region": (-1, 0, 5, 5)}, {"region": (0, 0, 5, 0)},
        {"region": (0, 0, 5)}, {"region": "0,0,5,5"}, {"region": (0, 0, 5.0, 5)}, {"scale": 3}, {"scale": 0},
        {"scale": 2.0}, {"scale": True},
    ],
)  # fmt: skip
def test_what_is_no_view_of_a_picture_is_refused(wrong: dict) -> None:
    data = stored(np.zeros((20, 30, 1), np.uint8))
    with pytest.raises(CodecError):
        codec.decode(data, **wrong)


def test_a_small_view_grows_to_whole_pixels_of_the_small_picture() -> None:
    assert view_of(100, 50, (3, 5, 6, 4), 4) == View(0, 4, 12, 8, 4)
    assert view_of(100, 50, (97, 49, 3, 1), 8) == View(96, 48, 4, 2, 8) and view_of(100, 50, None, 16).size == (7, 4)


def test_parts_may_come_in_any_order_and_lie_anywhere() -> None:
    frame = np.random.default_rng(0).integers(0, 2**16, (61, 83, 3), np.uint16)
    view = view_of(83, 61, (13, 7, 50, 40), 8)
    canvas = Canvas(view, 3, 16)
    for top, bottom in ((31, 61), (0, 17), (17, 31)):
        for left, right in ((40, 83), (0, 3), (3, 40)):
            canvas.place(frame[top:bottom, left:right], top, left)
    assert np.array_equal(canvas.picture(), means(frame, 8)[:6, 1:8])


def test_a_whole_picture_and_its_only_unit_are_read_at_once() -> None:
    data = codec.encode(picture(60, 50), quality=20)
    assert len(container.read_index(io.BytesIO(data)).offsets) == 1
    assert np.array_equal(decoded(data, region=(30, 20, 20, 30)), decoded(data)[20:50, 30:])


def test_where_attention_looks_far_a_region_has_all_that_its_blocks_see(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEC_WEIGHTS", str(TINY_WEIGHTS.parent))
    for name, value in {"SINGLE": 0, "SIDE": 128, "BLOCK": 64}.items():
        monkeypatch.setattr(f"codec.tiling.{name}", value)
    data = codec.encode(picture(64, 700), quality=60, weights=TINY_WEIGHTS)
    file = Counted(data)
    assert np.array_equal(decoded(file, region=(0, 0, 70, 64)), decoded(data)[:, :70])
    assert file.count < len(data)
