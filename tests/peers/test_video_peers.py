"""Video peers make real files in memory, and say that their colours are those that they are given."""

import io
from fractions import Fraction

import av
import numpy as np
import pytest

from codec.container import Color
from codec.errors import CodecError
from codec.media import yuv
from codec.media.distortion import errors, psnr_611
from codec.media.video import Planes
from codec.peers.video import VIDEO

FPS = Fraction(30000, 1001)
BT709 = Color(primaries=1, transfer=1, matrix=1, full_range=False)
LOSSY = [name for name, peer in VIDEO.items() if peer.key]


def clip(height: int = 64, width: int = 96, count: int = 6) -> list[Planes]:
    """Soft coloured waves that move."""
    y, x = np.mgrid[0:height, 0:width]
    frames = []
    for t in range(count):
        waves = [128 + 90 * np.sin((x + 2 * t) / (9 + 3 * c) + c) * np.cos((y - t) / (13 - 2 * c)) for c in range(3)]
        frames.append(yuv.from_rgb(np.rint(np.stack(waves, -1)).astype(np.uint8), BT709))
    return frames


def noise(height: int, width: int, seed: int) -> Planes:
    rng = np.random.default_rng(seed)
    small = -(-height // 2), -(-width // 2)
    y, u, v = (rng.integers(0, 256, size, np.uint8) for size in ((height, width), small, small))
    return y, u, v


def psnr(found: Planes, wanted: Planes) -> float:
    return psnr_611(errors(found, wanted))


def keys_of(data: bytes) -> list[bool]:
    with av.open(io.BytesIO(data)) as container:
        return [packet.is_keyframe for packet in container.demux(video=0) if packet.size]


def test_ffv1_is_perfect_for_odd_sizes_too() -> None:
    frames, peer = [noise(33, 47, t) for t in range(3)], VIDEO["ffv1"]
    decoded = list(peer.decode(peer.encode(frames, BT709, FPS), 33, 47, BT709))
    assert len(decoded) == 3
    assert all(np.array_equal(a, b) for x, y in zip(frames, decoded, strict=True) for a, b in zip(x, y, strict=True))


@pytest.mark.parametrize("name", LOSSY)
def test_a_lower_crf_costs_more_and_looks_better(name: str) -> None:
    frames, peer = clip(), VIDEO[name]
    sizes, quality = [], []
    for crf in (15, 45):
        data = peer.encode(iter(frames), BT709, FPS, crf)
        decoded = list(peer.decode(data, 64, 96, BT709))
        assert len(decoded) == len(frames)
        sizes.append(len(data))
        quality.append(min(psnr(a, b) for a, b in zip(frames, decoded, strict=True)))
    assert sizes[0] > sizes[1]
    assert quality[0] > max(quality[1], 32)


@pytest.mark.parametrize("name", LOSSY)
def test_odd_sizes_come_back(name: str) -> None:
    frames, peer = clip(65, 95, 2), VIDEO[name]
    decoded = list(peer.decode(peer.encode(frames, BT709, FPS, 20), 65, 95, BT709))
    assert [[p.shape for p in f] for f in decoded] == [[(65, 95), (33, 48), (33, 48)]] * 2
    assert psnr(frames[1], decoded[1]) > 30


@pytest.mark.parametrize("name", VIDEO)
def test_intra_files_have_key_frames_only(name: str) -> None:
    peer = VIDEO[name]
    assert keys_of(peer.encode(clip(), BT709, FPS, 30, intra=True)) == [True] * 6
    if peer.key:
        assert keys_of(peer.encode(clip(), BT709, FPS, 30)) == [True] + [False] * 5


@pytest.mark.parametrize("name", LOSSY)
def test_files_say_what_their_colours_are(name: str) -> None:
    with av.open(io.BytesIO(VIDEO[name].encode(clip(), BT709, FPS, 30))) as container:
        context = container.streams.video[0].codec_context
        found = [context.color_range, context.colorspace, context.color_primaries, context.color_trc]
        assert [int(value) for value in found] == [1, 1, 1, 1]
        assert container.streams.video[0].average_rate == FPS


def test_bad_input_is_told_in_one_line() -> None:
    for frames, crf, words in ((0, 30, "no frames"), (1, 30.5, "whole crf"), (1, 60, "0 to 51")):
        with pytest.raises(CodecError, match=words) as caught:
            VIDEO["x264"].encode(clip(count=frames), BT709, FPS, crf)
        assert "\n" not in str(caught.value)


def test_an_encoder_that_refuses_a_size_says_so() -> None:
    with pytest.raises(CodecError, match=r"libx265 refuses 2 x 2 pictures"):
        VIDEO["x265"].encode(clip(2, 2, 1), BT709, FPS, 30)
