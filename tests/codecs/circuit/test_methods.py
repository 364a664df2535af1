"""The methods of a unit, each by itself: exact, bounded, and damage ends in an error of ours."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from codec.codecs.circuit import layout, levels, method_packed, method_webp, methods
from codec.codecs.circuit.drawn import flatness
from codec.errors import CodecError, FormatError


def noise(shape: tuple[int, int, int], bits: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 1 << bits, shape).astype(method_packed.dtype(bits))


def drawing(channels: int) -> np.ndarray:
    y, x = np.mgrid[:40, :60]
    plane = ((x // 7 + y // 9) % 3 * 100).astype(np.uint8)
    return np.stack([plane, plane // 2, 255 - plane][:channels], -1)


SHAPES = st.tuples(st.integers(1, 23), st.integers(1, 23), st.sampled_from([1, 3]))


@settings(max_examples=40, deadline=None)
@given(SHAPES, st.integers(0, 16), st.integers(0, 2**32 - 1))
def test_stored_samples_come_back_and_take_their_bits(shape: tuple[int, int, int], bits: int, seed: int) -> None:
    unit = noise(shape, bits, seed)
    data = method_packed.store(unit, bits)
    assert len(data) == -(-unit.size * bits // 8)
    back = method_packed.fetch(data, shape, bits)
    assert back.dtype == unit.dtype
    assert (back == unit).all()


@settings(max_examples=40, deadline=None)
@given(SHAPES, st.integers(1, 16), st.integers(0, 2**32 - 1))
def test_deflated_samples_come_back(shape: tuple[int, int, int], bits: int, seed: int) -> None:
    unit = noise(shape, bits, seed)
    number, data = method_packed.deflate(unit, bits)
    back = method_packed.inflate(data, number, shape, bits)
    assert back.dtype == unit.dtype
    assert (back == unit).all()


@pytest.mark.parametrize("variant", range(method_packed.FILTERS))
def test_every_filter_is_undone(variant: int) -> None:
    unit = noise((9, 11, 3), 16)
    data = method_packed._bytes(method_packed._differences(unit, variant), 16).tobytes()
    coded = method_packed.lzma.compress(data, method_packed.lzma.FORMAT_RAW, filters=method_packed._LZMA)
    assert (method_packed.inflate(coded, variant, unit.shape, 16) == unit).all()


def test_a_deep_ramp_deflates_to_next_to_nothing() -> None:
    y, x = np.mgrid[:200, :200]
    unit = (30 * y + 7 * x).astype(np.uint16)[..., None]
    assert len(method_packed.deflate(unit, 14)[1]) < 200


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("variant", range(method_webp.VARIANTS))
def test_every_variant_of_webp_is_undone(channels: int, variant: int) -> None:
    unit = noise((5, 7, channels), 8)
    if channels == 1 and variant >= 4:
        with pytest.raises(FormatError):
            method_webp.decode(method_webp._compress(unit, 0, 4), variant, unit.shape)
    else:
        assert (method_webp.decode(method_webp._compress(unit, variant, 4), variant, unit.shape) == unit).all()


def test_a_drawing_takes_fewer_bytes_than_its_webp_file(tmp_path: object) -> None:
    unit = drawing(3)
    path = f"{tmp_path}/a.webp"
    Image.fromarray(unit).save(path, lossless=True, exact=True, method=6, quality=100)
    with open(path, "rb") as fp:
        assert len(method_webp.encode(unit).data) <= len(fp.read()) - 25


def test_webp_data_of_another_size_is_refused() -> None:
    coded = method_webp.encode(drawing(3))
    for shape in ((4000, 4000, 3), (20000, 1, 3)):
        with pytest.raises(FormatError):
            method_webp.decode(coded.data, coded.variant, shape)


@settings(max_examples=25, deadline=None)
@given(SHAPES, st.integers(8, 16), st.integers(0, 3), st.integers(0, 2**32 - 1))
def test_any_unit_comes_back_and_hardly_grows(shape: tuple[int, int, int], bits: int, kind: int, seed: int) -> None:
    unit = noise(shape, bits, seed)
    if kind == 1:
        unit[:] = unit[:1, :1]
    elif kind == 2:
        unit[:] = (unit > (1 << bits - 1)) * ((1 << bits) - 1)
    elif kind == 3:
        unit >>= bits - 2
    payload = methods.encode(unit, bits, [])
    assert len(payload) <= 1 + -(-unit.size * bits // 8)
    assert (methods.decode(payload, shape, bits, []) == unit).all()


def candidates() -> dict[str, tuple[bytes, np.ndarray, int]]:
    plane, deep = drawing(1), noise((8, 9, 3), 11)
    coded = method_webp.encode(drawing(3))
    number, data = method_packed.deflate(deep, 11)
    return {
        "stored": (bytes([methods.STORED]) + method_packed.store(deep, 11), deep, 11),
        "webp": (bytes([methods.WEBP | coded.variant << 3]) + coded.data, drawing(3), 8),
        "lzma": (bytes([methods.LZMA | number << 3]) + data, deep, 11),
        "plane": (bytes([methods.PLANE]) + methods._encode_plane(plane, 8), plane, 8),
    }


@pytest.mark.parametrize("name", ["stored", "webp", "lzma", "plane"])
@pytest.mark.parametrize("change", ["flip", "cut", "longer"])
def test_damage_is_an_error_of_ours_or_other_pixels(name: str, change: str) -> None:
    """Other pixels are what the checksum is for; nothing else may come out, and nothing may crash."""
    payload, unit, bits = candidates()[name]
    assert (methods.decode(payload, unit.shape, bits, []) == unit).all()
    for position in range(0, len(payload), max(1, len(payload) // 40)):
        damaged = {
            "flip": payload[:position] + bytes([payload[position] ^ 0x24]) + payload[position + 1 :],
            "cut": payload[:position],
            "longer": payload + payload[: position + 1],
        }[change]
        try:
            back = methods.decode(damaged, unit.shape, bits, [])
        except CodecError:
            continue
        assert back.shape == unit.shape
        assert back.dtype == unit.dtype


def test_a_byte_that_libwebp_adds_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    unit = drawing(1)
    plain = method_webp.encode(unit)
    monkeypatch.setattr(method_webp, "_smallest", lambda *a: method_webp.Coded(plain.data + b"\0\0", plain.variant))
    assert method_webp.encode(unit) == plain
    assert (method_webp.decode(*plain, unit.shape) == unit).all()


@pytest.mark.parametrize("method", range(8))
@pytest.mark.parametrize("variant", [0, 31])
def test_method_bytes_alone_are_refused(method: int, variant: int) -> None:
    with pytest.raises(FormatError):
        methods.decode(bytes([method | variant << 3]), (5, 5, 3), 8, [])


@pytest.mark.parametrize(
    ("unit", "share"),
    [
        (lambda: noise((40, 40, 3), 8), 0),
        (lambda: np.zeros((6, 5, 1), np.uint8), 1),
        (lambda: np.indices((30, 30)).sum(0)[..., None].astype(np.uint8) % 2, 1 / 900),
        (lambda: noise((1, 50, 1), 8).repeat(20, 0), 1),
    ],
    ids=["noise", "constant", "checkerboard", "columns"],
)
def test_flatness_is_the_share_of_pixels_like_a_neighbour(unit: Callable[[], np.ndarray], share: float) -> None:
    assert flatness(unit()) == pytest.approx(share, abs=0.06)


@settings(max_examples=60, deadline=None)
@given(st.integers(8, 16), st.data())
def test_any_list_of_used_values_comes_back(depth: int, data: st.DataObject) -> None:
    chosen = data.draw(st.sets(st.integers(0, (1 << depth) - 1), min_size=1, max_size=300))
    used = np.array(sorted(chosen), np.uint16)
    assert (levels.unpack(levels.pack(used), depth) == used).all()


def test_ranks_are_the_values_again() -> None:
    frame = (noise((20, 30, 3), 5) * np.uint16(1027)) + np.uint16(99)
    used = levels.used(frame, 16)
    ranked = levels.ranks(frame, used)
    assert ranked.dtype == np.uint8
    assert ranked.max() == len(used) - 1
    assert (levels.values(ranked, used, 16) == frame).all()


def test_every_fourth_value_is_a_list_of_some_bytes() -> None:
    assert len(levels.pack(np.arange(0, 4096, 4, dtype=np.uint16))) < 20


def test_lists_that_no_encoder_writes_are_refused() -> None:
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(60):
        try:
            levels.unpack(rng.bytes(30), 12)
        except FormatError:
            refused += 1
    assert refused == 60
    with pytest.raises(FormatError):
        levels.values(np.array([[[3]]], np.uint8), np.array([1, 2, 9], np.uint16), 8)


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_units_cover_a_picture_once(height: int, width: int) -> None:
    boxes = layout.units(height, width)
    area = sum((r.stop - r.start) * (c.stop - c.start) for r, c in boxes)
    assert area == height * width
    assert len({(r.start, c.start) for r, c in boxes}) == len(boxes)
    assert max(r.stop for r, _ in boxes) == height and max(c.stop for _, c in boxes) == width
    for r, c in boxes:
        assert layout.fits_one(r.stop - r.start, c.stop - c.start)


def test_a_sample_lies_inside_its_unit() -> None:
    for shape in ((300, 200), (33, 5000), (5000, 33), (700, 900), (20, 3000), (3000, 20)):
        unit = np.zeros((*shape, 1), np.uint8)
        blocks = layout.sample(unit)
        assert all(b.size and b.base is not None for b in blocks)
        assert sum(b.size for b in blocks) <= unit.size
