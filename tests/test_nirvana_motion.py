"""Motion of the video codec: exact prediction, coded flow, times, and how a video is cut into groups and chains."""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.container.fields import Cursor
from codec.entropy import Decoder, Encoder
from codec.errors import CodecError, FormatError
from codec.media.video import Picture
from codec.nirvana import timing
from codec.nirvana.flow import LIMIT, code_flow
from codec.nirvana.groups import CHAIN, groups
from codec.nirvana.motion import SPACINGS, UNITS, moved, warped
from codec.nirvana.rate import Control, Target


def naive_warp(plane: np.ndarray, flow: np.ndarray, spacing: int, half: bool) -> np.ndarray:
    """A plane moved along a flow, pixel by pixel, in exact fractions up to the sixteenths of a pixel."""
    step = spacing // 2 if half else spacing
    height, width = plane.shape
    found = np.zeros_like(plane)
    for y in range(height):
        for x in range(width):
            vector = []
            for part in flow:
                # Between the centres of blocks, at step / 2, 3 step / 2, ...
                place = [(Fraction(2 * n + 1, 2) - Fraction(step, 2)) / step for n in (y, x)]
                low = [p.__floor__() for p in place]
                weights = [[1 - (p - n), p - n] for p, n in zip(place, low, strict=True)]
                total = Fraction(0)
                for i in (0, 1):
                    for j in (0, 1):
                        row = min(max(low[0] + i, 0), part.shape[0] - 1)
                        column = min(max(low[1] + j, 0), part.shape[1] - 1)
                        total += weights[0][i] * weights[1][j] * int(part[row, column])
                pixels = total / UNITS / (2 if half else 1)
                vector.append((pixels * 16 + Fraction(1, 2)).__floor__())
            found[y, x] = sample(plane, x * 16 + vector[0], y * 16 + vector[1])
    return found


def sample(plane: np.ndarray, x: int, y: int) -> int:
    """At sixteenths of a pixel, with Keys' cubic, a = -3/4, in 128ths."""
    total = 0
    for i, by in enumerate(taps(y % 16), -1):
        for j, bx in enumerate(taps(x % 16), -1):
            row, column = min(max(y // 16 + i, 0), plane.shape[0] - 1), min(max(x // 16 + j, 0), plane.shape[1] - 1)
            total += int(plane[row, column]) * bx * by
    return min(max((total + 8192) >> 14, 0), 255)


def taps(phase: int) -> list[int]:
    t = phase / 16
    weights = []
    for d in (1 + t, t, 1 - t, 2 - t):
        inner, outer = 1.25 * d**3 - 2.25 * d**2 + 1, -0.75 * (d**3 - 5 * d**2 + 8 * d - 4)
        weights.append(round(128 * (inner if d <= 1 else outer)))
    weights[1 if t <= 0.5 else 2] += 128 - sum(weights)
    return weights


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("half", [False, True])
def test_moved_samples_are_those_of_a_plain_loop(spacing: int, half: bool) -> None:
    rng = np.random.default_rng(spacing)
    height, width = (15, 22) if half else (21, 34)
    step = spacing // 2 if half else spacing
    flow = rng.integers(-90, 90, (2, -(-height // step), -(-width // step)), np.int32)
    flow[:, 0, 0] = LIMIT, -LIMIT
    planes = rng.integers(0, 256, (2, height, width), np.int32)
    found = warped(torch.from_numpy(planes), torch.from_numpy(flow), spacing, half)
    for plane, got in zip(planes, found.numpy(), strict=True):
        assert np.array_equal(got, naive_warp(plane, flow, spacing, half))


def test_no_motion_changes_nothing_and_whole_pixels_shift() -> None:
    plane = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (1, 24, 32), np.int32))
    flow = torch.zeros(2, 3, 4, dtype=torch.int32)
    assert torch.equal(warped(plane, flow, 8, False), plane)
    flow[0], flow[1] = 3 * UNITS, -2 * UNITS  # from 3 to the right and 2 above
    assert torch.equal(warped(plane, flow, 8, False)[:, 2:, :-3], plane[:, :-2, 3:])


def test_the_likeness_with_a_gradient_is_within_rounding_of_the_exact_one() -> None:
    y, x = np.mgrid[:32, :48]
    wave = np.round(128 + 90 * np.sin(x / 5) * np.cos(y / 6)).astype(np.int32)
    luma = torch.from_numpy(np.ascontiguousarray(wave))[None]
    flow = torch.from_numpy(np.random.default_rng(1).integers(-9, 9, (2, 4, 6)).astype(np.int32))
    frame = torch.cat([torch.nn.functional.pixel_unshuffle(luma[None].float(), 2), torch.zeros(1, 2, 16, 24)], 1) / 255
    soft = torch.nn.functional.pixel_shuffle(moved(frame, flow[None].float(), 8)[:, :4], 2)[0, 0] * 255
    exact = warped(luma, flow, 8, False)[0]
    assert (soft - exact)[4:-4, 4:-4].abs().max() < 2.5


@st.composite
def fields(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray | None]:
    rows, columns = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    reach = draw(st.sampled_from([0, 3, 60, LIMIT]))
    found = [rng.integers(-reach, reach + 1, (2, rows, columns), np.int32) for _ in range(2)]
    return found[0], found[1] if draw(st.booleans()) else None


@settings(max_examples=40, deadline=None)
@given(fields())
def test_flow_comes_back_from_its_bytes(drawn: tuple[np.ndarray, np.ndarray | None]) -> None:
    flow, before = drawn
    shape = flow.shape[1], flow.shape[2]
    encoder = Encoder()
    assert np.array_equal(code_flow(encoder, flow, shape, before), flow)
    checksum, data = encoder.checksum, encoder.finish()
    decoder = Decoder(data)
    assert np.array_equal(code_flow(decoder, None, shape, before), flow)
    assert decoder.checksum == checksum
    decoder.finish()


def test_a_flow_like_its_neighbours_or_the_one_before_is_cheap() -> None:
    rng = np.random.default_rng(0)
    rough = rng.integers(-200, 200, (2, 20, 30), np.int32)

    def cost(flow: np.ndarray, before: np.ndarray | None) -> int:
        encoder = Encoder()
        code_flow(encoder, flow, (20, 30), before)
        return len(encoder.finish())

    assert cost(np.full_like(rough, 37), None) < cost(rough, None) / 20
    assert cost(rough, rough) < 0.7 * cost(rough, None)


times = st.lists(st.fractions(Fraction(1, 1000), 5, max_denominator=1000), min_size=1, max_size=9)


@settings(max_examples=60, deadline=None)
@given(times, st.integers(0, 10**6), st.fractions(1, 240, max_denominator=1001))
def test_times_come_back_exactly(steps: list[Fraction], first: int, rate: Fraction) -> None:
    uneven = [sum(steps[:n], Fraction(0)) for n in range(1, len(steps) + 1)]
    steady = [(first + n) / rate for n in range(len(steps))]
    for wanted in (uneven, steady):
        if np.lcm.reduce([t.denominator for t in wanted], dtype=object) >= 2**31:
            continue
        data = timing.pack(wanted, first, rate)
        cursor = Cursor(data + b"rest", "times")
        assert timing.unpack(cursor, len(wanted), first, rate) == wanted
        assert cursor.rest() == b"rest"
    assert timing.pack(steady, first, rate) == b"\0"


def test_times_that_no_container_has_come_back_nearly() -> None:
    odd = [Fraction(1, 10_007), Fraction(2, 10_009), Fraction(3, 10_037)]
    found = timing.unpack(Cursor(timing.pack(odd, 0, Fraction(25)), "times"), 3, 0, Fraction(25))
    assert max(abs(a - b) for a, b in zip(found, odd, strict=True)) <= Fraction(1, 180_000)


@pytest.mark.parametrize("data", [b"\2\1", b"\1\0\0\0", b"\1\xff\xff\xff\xff\x7f\0\0"])
def test_damaged_times_are_refused(data: bytes) -> None:
    with pytest.raises(FormatError, match="no valid times"):
        timing.unpack(Cursor(data, "unit 3"), 2, 0, Fraction(25))


def flat(*levels: int) -> Iterator[Picture]:
    """A picture of each level, one a second."""
    grey = np.full((24, 32), 128, np.uint8)
    for number, level in enumerate(levels):
        yield Picture((np.full((48, 64), level, np.uint8), grey, grey), Fraction(number))


def test_groups_hold_all_frames_in_order() -> None:
    found = list(groups(flat(*range(50, 71)), 8))
    assert [(len(g.pictures), g.key) for g in found] == [(8, True), (8, False), (5, False)]
    assert [p.time for g in found for p in g.pictures] == list(range(21))


def test_a_hard_cut_starts_a_chain() -> None:
    found = list(groups(flat(*[40] * 11, *[200] * 10), 8))
    assert [(len(g.pictures), g.key) for g in found] == [(8, True), (3, False), (8, True), (2, False)]


def test_a_long_scene_is_cut_into_chains_that_a_player_can_go_to() -> None:
    found = list(groups(flat(*[90] * (2 * CHAIN + 3)), 8))
    starts = [sum(len(g.pictures) for g in found[:n]) for n, g in enumerate(found) if g.key]
    assert starts == [0, CHAIN, 2 * CHAIN]


def steep(quality: int) -> tuple[float, float]:
    """PSNR and rate of an imagined codec."""
    return 20 + quality / 10, 0.01 * 2 ** (quality / 25)


def test_a_quality_is_stored_in_halves() -> None:
    assert Control(Target(quality=37.5)).choose(8, steep) == 75


@pytest.mark.parametrize("wanted", [25.0, 33.3, 39.9])
def test_the_least_quality_that_reaches_a_psnr_is_chosen(wanted: float) -> None:
    quality = Control(Target(psnr=wanted)).choose(8, steep)
    assert steep(quality)[0] >= wanted > steep(quality - 3)[0]


def test_a_rate_is_met_on_average_also_by_a_codec_that_brings_less_than_its_trials_say() -> None:
    control, spent = Control(Target(bpp=0.3)), 0.0
    for _ in range(12):
        psnr, bpp = steep(control.choose(8, steep))
        control.took(8, psnr + 1, 0.8 * bpp)
        spent += 0.8 * bpp / 12
    assert 0.24 < spent < 0.31


def test_what_earlier_groups_left_of_a_rate_counts_after_an_interruption() -> None:
    fresh, after = Control(Target(bpp=0.3)), Control(Target(bpp=0.3))
    after.passed(8, 0.5)
    assert after.choose(8, steep) < fresh.choose(8, steep)


@pytest.mark.parametrize("wrong", [{}, {"quality": 50.0, "bpp": 1.0}, {"quality": 101.0}, {"psnr": 0.0}, {"bpp": -1.0}])
def test_a_wrong_target_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(CodecError):
        Target(**wrong)
