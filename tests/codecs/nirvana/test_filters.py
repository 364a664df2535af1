"""Filters over a standard stream: payloads come back, no plane gets worse, and bad bytes end in a named error."""

import numpy as np
import pytest
from helpers.filter_clips import distorted, drawn

from codec.codecs.nirvana.filters import State, apply, chroma, describe, fit, frames, luma, run
from codec.codecs.nirvana.filters.model import FRACTION, LAYOUTS, LIMIT, Filter
from codec.codecs.nirvana.filters.payload import pack, unpack
from codec.errors import CodecError, DesyncError, FormatError
from codec.media.distortion import errors, psnr

BYTES = 50_000  # of a stream, so that filters pay


def error(made, wanted):
    return [
        sum(float(((a[p].astype(float) - b[p]) ** 2).sum()) for a, b in zip(made, wanted, strict=True))
        for p in range(3)
    ]


def fitted(*, size=(72, 90), chroma=(2, 2), depth=8, count=4, **options):
    source = drawn(count, size, chroma, depth)
    base = distorted(source, depth)
    payload, state, *_ = fit(base, source, depth, None, stream_bytes=BYTES, **options)
    return source, base, payload, state


@pytest.mark.parametrize("depth", [8, 10])
@pytest.mark.parametrize(
    ("size", "chroma"),
    [((72, 90), (2, 2)), ((71, 263), (2, 2)), ((40, 33), (1, 2)), ((35, 40), (1, 1)), ((30, 47), (1, 4))],
)
def test_every_plane_gets_better(size, chroma, depth):
    source, base, payload, _ = fitted(size=size, chroma=chroma, depth=depth)
    made, _ = apply(base, payload, depth, None)
    assert payload
    assert describe(payload)["bytes"] == len(payload)
    for after, before in zip(error(made, source), error(base, source), strict=True):
        assert after < before
    for ours, theirs in zip(made, base, strict=True):
        assert [(p.shape, p.dtype) for p in ours] == [(p.shape, p.dtype) for p in theirs]
        assert max(p.max() for p in ours) < 1 << depth


def test_fit_gives_what_apply_does():
    source = drawn(3, (40, 52))
    base = distorted(source, 8)
    for size in (300, BYTES):  # with some planes, with all
        fitted = fit(base, source, 8, None, stream_bytes=size)
        made, _ = apply(base, fitted.payload, 8, None)
        pairs = [pair for two in zip(made, fitted.frames, strict=True) for pair in zip(*two, strict=True)]
        assert all(np.array_equal(one, two) for one, two in pairs)


def test_luma_alone_pays_for_colours():
    """A few frames whose chroma alone can be mended: bytes for it stay a small part of the stream."""
    source = drawn(2, (48, 60))
    base = [(y, u, v) for (y, _, _), (_, u, v) in zip(source, distorted(source, 8), strict=True)]
    base = [(np.where(np.indices(y.shape).sum(0) % 7, y, y ^ 1), u, v) for y, u, v in base]
    for size in (5_000, 100_000):
        payload, *_ = fit(base, source, 8, None, stream_bytes=size)
        assert len(payload) <= 0.003 * size
    assert payload


@pytest.mark.parametrize("equal", [1, 3, 5])
def test_frames_that_are_equal_already_count(equal):
    """A frame that is whole has 100 dB: what a filter changes there must be worth it elsewhere."""
    source = drawn(12, (48, 64))
    base = [*source[:equal], *distorted(source[equal:], 8)]
    made = fit(base, source, 8, None, stream_bytes=100_000).frames

    def mean(frames, plane):
        return np.mean([psnr(errors(a, b)[plane]) for a, b in zip(frames, source, strict=True)])

    assert all(mean(made, plane) >= mean(base, plane) for plane in range(3))


def test_gains_are_real():
    source, base, payload, _ = fitted()
    made, _ = apply(base, payload, 8, None)
    gains = 10 * np.log10(np.array(error(base, source)) / error(made, source))
    assert gains[0] > 0.3
    assert min(gains[1:]) > 1


def test_groups_go_on_from_the_one_before():
    source = drawn(12, (72, 90))
    base = distorted(source, 8)
    ours = theirs = None
    sizes = []
    for start in range(0, 12, 4):
        group = slice(start, start + 4)
        alone, *_ = fit(base[group], source[group], 8, None, stream_bytes=BYTES)
        payload, ours, *_ = fit(base[group], source[group], 8, ours, stream_bytes=BYTES)
        _, theirs = apply(base[group], payload, 8, theirs)
        for one, two in zip(ours.filters, theirs.filters, strict=True):
            assert one.settings == two.settings
            assert np.array_equal(one.weights, two.weights)
        sizes.append((len(payload), len(alone)))
    assert all(size < alone for size, alone in sizes[1:])


def test_a_group_like_the_one_before_takes_a_byte():
    _, base, payload, state = fitted()
    again = pack(state.filters, [3, 3, 3], state)
    assert len(again) == 1
    made, _ = apply(base, payload, 8, None)
    same, _ = apply(base, again, 8, state)
    assert all(np.array_equal(a, b) for one, two in zip(made, same, strict=True) for a, b in zip(one, two, strict=True))


def test_nothing_is_a_choice():
    source = drawn(3, (40, 48))
    payload, state, *_ = fit(source, source, 8, None, stream_bytes=BYTES)
    assert payload == b""
    made, _ = apply(source, payload, 8, state)
    assert all(
        np.array_equal(a, b) for one, two in zip(made, source, strict=True) for a, b in zip(one, two, strict=True)
    )
    assert describe(b"") == {"bytes": 0, "y": "off", "u": "off", "v": "off"}


def test_noise_is_not_learned():
    """What has nothing to do with the base costs no bytes, or pays for them."""
    source = drawn(3, (64, 64))
    noise = np.random.default_rng(1)
    base = [tuple(np.clip(p + noise.integers(-3, 4, p.shape), 0, 255).astype(np.uint8) for p in f) for f in source]
    payload, *_ = fit(base, source, 8, None, stream_bytes=60)
    made, _ = apply(base, payload, 8, None)
    for after, before in zip(error(made, source), error(base, source), strict=True):
        assert after <= before


def test_a_small_stream_gets_fewer_bytes():
    source = drawn(4, (72, 90))
    base = distorted(source, 8)
    sizes = [len(fit(base, source, 8, None, stream_bytes=size)[0]) for size in (100, 2_000, 1_000_000)]
    assert sizes[0] < sizes[1] < sizes[2]


def test_no_time_is_no_filter():
    source = drawn(3, (40, 48))
    assert fit(distorted(source, 8), source, 8, None, stream_bytes=BYTES, seconds=0)[0] == b""


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (2, 2), (9, 3)])
def test_tiny_frames(size):
    _, base, payload, _ = fitted(size=size, count=2)
    made, _ = apply(base, payload, 8, None)
    assert made[0][0].shape == size


def test_tiles_leave_no_seam(monkeypatch):
    _, base, payload, _ = fitted(size=(80, 100))
    whole, _ = apply(base, payload, 8, None)
    monkeypatch.setattr(frames, "_TILE", (7, 11))
    small, _ = apply(base, payload, 8, None)
    assert all(
        np.array_equal(a, b) for one, two in zip(whole, small, strict=True) for a, b in zip(one, two, strict=True)
    )


def test_frames_come_one_at_a_time():
    _, base, payload, _ = fitted()
    filters, _ = unpack(payload, State())
    whole, _ = apply(base, payload, 8, None)
    for made, wanted in zip(run.run(base, 8, filters), whole, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(made, wanted, strict=True))


def test_what_was_kept_is_what_is_coded():
    """Weights survive coding, the largest and the escapes included."""
    random = np.random.default_rng(3)
    state = State()
    filters = []
    for plane, layout in enumerate(LAYOUTS):
        weights = np.where(random.random(layout.count) < 0.1, random.integers(-9, 10, layout.count), 0).astype(np.int32)
        weights[:2] = LIMIT, -LIMIT
        filters.append(Filter(plane, (1, 2, 3) if plane == 0 else (16, 43, 90, 12, 80, 15), weights))
    payload = pack(filters, [1, 1, 1], state)
    back, _ = unpack(payload, state)
    for one, two in zip(filters, back, strict=True):
        assert one.settings == two.settings
        assert np.array_equal(one.weights, two.weights)


def test_planes_keep_their_own_colour_axes():
    """U and V are new in one group; V's axes are those of U or others."""
    for other in ((16, 43, 90, 12, 80, 15), (20, 40, 60, 20, 70, 25)):
        filters = [None]
        for plane, settings in ((1, (16, 43, 90, 12, 80, 15)), (2, other)):
            filters.append(Filter(plane, settings, np.ones(LAYOUTS[plane].count, np.int32)))
        back, _ = unpack(pack(filters, [0, 1, 1], State()), State())
        assert [which and which.settings for which in back] == [which and which.settings for which in filters]


def test_sums_are_exact():
    """Features are as large as the layouts say, at most, and so no sum reaches 2^24."""
    random = np.random.default_rng(2)
    clip = [
        tuple((255 * (random.random(s) < 0.5)).astype(np.uint8) for s in ((40, 50), (20, 25), (20, 25)))
        for _ in range(3)
    ]
    (_, window) = list(frames.windows(clip, 8))[1]
    for plane, layout in enumerate(LAYOUTS):
        assert layout.largest + (1023 << FRACTION) < 1 << 24
        bounds = np.repeat([size for _, _, size in layout.families], [count for _, count, _ in layout.families])
        for tile in frames.tiles(clip[0][plane].shape):
            room = np.empty((layout.features, tile.size), np.float32)
            wanted = np.ones(layout.features, bool)
            if plane == 0:
                made = luma.features(window, tile, wanted, room)
            else:
                made = chroma.features(window, tile, plane, chroma.guidance(window.now, tile), wanted, room)
            assert (np.abs(made).max(1) <= bounds).all()
            assert (made == np.rint(made)).all()


def test_small_types_hold_the_largest_sums():
    """Samples that alternate between the least and the largest along rows, or both ways: 25 x 2046 in 16 bits."""
    rows, columns = np.indices((20, 30))
    for board, sums in ((columns % 2, (0, 25 * 2046)), ((rows + columns) % 2, (25 * 2046, 25 * 2046))):
        y = (1023 * board).astype(np.uint16)
        frame = frames.prepare((y, y, y), 10)
        (tile,) = frames.tiles(y.shape)
        inner = np.s_[3:-3, 3:-3]
        for made, wanted in zip(luma.activity(frame, tile), sums, strict=True):
            assert (tile.cut(made)[inner] == wanted).all()
        assert (tile.cut(luma.classes(frame, tile, (13, 14, 15)))[inner] == 6).all()


def test_products_are_no_work_for_threads_of_blas():
    """OpenBLAS takes none for a matrix product of so few multiplications, but some for far fewer with a single row."""
    columns = max(tile.shape[1] for tile in frames.tiles((1080, 1920)))
    for plane, layout in enumerate(LAYOUTS):
        settings = (1, 2, 3) if plane == 0 else (16, 43, 90, 12, 80, 15)
        rows, features = Filter(plane, settings, np.ones(layout.count, np.int32)).products.shape
        assert rows > 1
        assert rows * features * columns <= 1 << 18


@pytest.mark.parametrize(
    "payload", [b"\0", b"\x40", b"\x01", b"\x01\0", b"\x02\0\0", b"\x03", b"\x3f\0", b"\x01" + bytes(1 << 16)]
)
def test_payloads_that_no_encoder_writes(payload):
    with pytest.raises((FormatError, DesyncError)):
        apply(drawn(1, (8, 8)), payload, 8, None)


def test_damaged_payloads():
    _, base, payload, state = fitted(count=2, size=(24, 24))
    random = np.random.default_rng(0)
    for trial in range(150):
        damaged = bytearray(payload)
        if trial % 3 == 0:
            damaged = damaged[: random.integers(1, len(payload))]
        elif trial % 3 == 1:
            damaged[random.integers(len(payload))] ^= 1 << random.integers(8)
        else:
            damaged = bytearray(payload[:1] + random.bytes(random.integers(1, 200)))
        with pytest.raises((FormatError, DesyncError)):
            apply(base, bytes(damaged), 8, state)


def test_frames_that_do_not_belong_together():
    source = drawn(2, (24, 32))
    payload, *_ = fit(distorted(source, 8), source, 8, None, stream_bytes=BYTES)
    other = drawn(1, (24, 34))
    for base, wanted, depth in (
        (source, source[:1], 8),
        (source, [source[0], other[0]], 8),
        (source, source, 10),
        (source, source, 12),
    ):
        with pytest.raises(CodecError):
            fit(base, wanted, depth, None, stream_bytes=BYTES)
    y, u, v = source[0]
    with pytest.raises(CodecError):
        apply([(y, u[:, :5], v[:, :5])], payload, 8, None)
    with pytest.raises(CodecError):
        apply([(y, u, v[:3])], payload, 8, None)


def test_what_takes_too_long_is_said():
    source = drawn(6, (48, 64))
    fitted = fit(distorted(source, 8), source, 8, None, stream_bytes=BYTES, seconds=1e-9)
    assert fitted.late and not fitted.payload and len(fitted.frames) == 6
    assert not fit(distorted(source, 8), source, 8, None, stream_bytes=BYTES).late
