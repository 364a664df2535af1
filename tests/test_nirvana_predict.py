"""In which order frames are coded, from what they are predicted, and how an encoder finds the motion."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.entropy import Decoder, Encoder
from codec.nirvana.find import MERGED, PLAIN, POLISHED, error, find
from codec.nirvana.motion import SPACINGS, UNITS
from codec.nirvana.order import STRIDES, TOP, Place, order, own_quality
from codec.nirvana.predict import Motion, References, code_motion, predicted
from codec.nirvana.search import merge, polish, search
from codec.nirvana.sides import BOTH, HIGH, LOW, choose, code_sides, scaled, shares


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("key", [True, False])
@pytest.mark.parametrize("count", range(1, 9))
def test_each_frame_is_coded_once_after_what_it_is_predicted_from(count: int, key: bool, stride: int) -> None:
    known = set() if key else {-1}
    for place in order(count, key, stride):
        assert {place.low, place.high} - {None} <= known
        assert place.frame not in known
        if place.high is not None:
            assert place.low is not None and place.low < place.frame < place.high
        known.add(place.frame)
    assert known - {-1} == set(range(count))


def test_a_stride_of_four_bisects() -> None:
    found = order(8, False, 4)
    assert found[:4] == [Place(3, -1), Place(1, -1, 3, 1), Place(0, -1, 1, 2), Place(2, 1, 3, 2)]
    assert found[4] == Place(7, 3)


def test_what_others_depend_on_is_coded_better() -> None:
    qualities = [own_quality(100, place, 8) for place in order(8, True, 8)]
    assert qualities[0] > qualities[1] > qualities[2] > qualities[3]
    assert own_quality(TOP, Place(0), 1) == TOP and own_quality(0, Place(1, 0, 2, 3), 8) == 0


@settings(max_examples=60, deadline=None)
@given(st.integers(-(1 << 14), 1 << 14), st.integers(-8, 8), st.integers(1, 8))
def test_a_scaled_vector_is_rounded_exactly_in_both_kinds_of_numbers(value: int, part: int, whole: int) -> None:
    wanted = (2 * part * value + whole) // (2 * whole)
    assert scaled(np.array([value], np.int32), part, whole)[0] == wanted
    assert scaled(torch.tensor([float(value)]), part, whole)[0] == wanted


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (7, 2)])
def test_sides_come_back_from_their_bytes(shape: tuple[int, int]) -> None:
    sides = np.random.default_rng(0).integers(0, 3, shape, np.int32)
    encoder = Encoder()
    assert np.array_equal(code_sides(encoder, sides, shape), sides)
    decoder = Decoder(encoder.finish())
    assert np.array_equal(code_sides(decoder, None, shape), sides)
    decoder.finish()


def test_sides_alike_cost_little() -> None:
    def cost(sides: np.ndarray) -> int:
        encoder = Encoder()
        code_sides(encoder, sides.astype(np.int32), (30, 40))
        return len(encoder.finish())

    rough = cost(np.random.default_rng(0).integers(0, 3, (30, 40)))
    halves = np.full((30, 40), LOW)
    halves[:, 20:] = HIGH
    assert cost(np.full((30, 40), BOTH)) < rough / 10 and cost(halves) < rough / 2


def test_the_better_side_is_chosen_where_the_other_shows_something_else() -> None:
    rng = np.random.default_rng(0)
    now = torch.from_numpy(rng.random((1, 1, 30, 44), np.float32))
    low, high = now.clone(), now.clone()
    low[..., :16, :16] = 0
    high[..., 16:, 32:] = 1
    sides = choose(now, low, high, 16, 1e-3)[0]
    assert sides.tolist() == [[HIGH, BOTH, BOTH], [BOTH, BOTH, LOW]]
    part = shares(sides, 16, 30, 44)
    assert part.shape == (30, 44) and part[0, 0] == 0 and part[0, 20] == 1 and part[29, 43] == 2


def textured(height: int, width: int, seed: int = 0) -> torch.Tensor:
    """A luma, 0 to 1, of soft spots."""
    spots = torch.from_numpy(np.random.default_rng(seed).random((1, 1, height // 4, width // 4), np.float32))
    return torch.nn.functional.interpolate(spots, scale_factor=4, mode="bicubic").clamp(0, 1)


@pytest.mark.parametrize(("dx", "dy"), [(3, -2), (-7, 0), (0, 6)])
def test_a_search_finds_how_a_picture_moved(dx: int, dy: int) -> None:
    picture = textured(64, 96)
    now = picture.roll((-dy, -dx), (2, 3))  # what is at a pixel now was at + (dx, dy) before
    flow = search(now, picture, 16, 1e-4)
    for found in (flow, merge(now, picture, flow, 16, 1e-4, None), polish(now, picture, flow, 16, 1e-4, None)):
        inside = found[0, :, 1:-1, 1:-1]
        wanted = torch.tensor([dx, dy]).view(2, 1, 1).float().expand_as(inside) * UNITS
        assert torch.equal(found, found.round()) and torch.allclose(inside, wanted, atol=1)


def test_the_search_finds_how_a_picture_moved() -> None:
    y, x = np.mgrid[:64, :96]
    picture = torch.from_numpy(np.sin(x / 4) * np.cos(y / 5) * np.sin((x + y) / 9))[None, None].float() / 2 + 0.5
    for dx, dy in ((3, -2), (-7, 0), (0, 6)):
        now = picture.roll((-dy, -dx), (2, 3))  # what is at a pixel now was at + (dx, dy) before
        flow = search(now, picture, 16, 1e-4)[0] / UNITS
        inside = flow[:, 1:-1, 1:-1]
        assert torch.allclose(inside, torch.tensor([dx, dy]).view(2, 1, 1).float().expand_as(inside), atol=0.3)


def test_a_search_near_a_flow_stays_there() -> None:
    picture = textured(64, 96)
    now = picture.roll((-20, -30), (2, 3))
    start = torch.tensor([29.0, 19.0]).view(1, 2, 1, 1).expand(1, 2, 4, 6) * UNITS
    found = search(now, picture, 16, 1e-4, start, near=True)[0, :, :2, :3]
    assert torch.allclose(found, torch.tensor([30.0, 20.0]).view(2, 1, 1).expand_as(found) * UNITS, atol=2)


def frame(luma: torch.Tensor) -> torch.Tensor:
    """A packed frame, int32 [6, h, w], with grey chroma."""
    half = torch.nn.functional.pixel_unshuffle(luma, 2)[0]
    return (torch.cat([half, torch.full_like(half[:2], 0.5)]) * 255).round().to(torch.int32)


def between(seed: int = 0) -> tuple[torch.Tensor, References]:
    """A frame halfway between two, over which a picture moves by twelve pixels, with noise of their own."""
    picture, rng = textured(64, 96, seed), np.random.default_rng(seed)
    low, now, high = (
        picture.roll(n, 3) + torch.from_numpy(rng.normal(0, 0.02, (1, 1, 64, 96)).astype(np.float32))
        for n in (0, 6, 12)
    )
    flow = np.zeros((2, 4, 6), np.int32)
    flow[0] = -12 * UNITS
    references = References(frame(low.clamp(0, 1)), frame(high.clamp(0, 1)), flow, 16, 1, 2)
    return frame(now.clamp(0, 1)), references


def test_two_sides_predict_better_than_one() -> None:
    wanted, references = between()
    motion, found = find(wanted, references, 1e-3, SPACINGS, PLAIN)
    _, one = find(wanted, References(references.low), 1e-3, SPACINGS, POLISHED)
    assert np.abs(motion.flows[0][0, :, 2:] + 6 * UNITS).max() <= 1
    assert error(found.frame, wanted) < 0.75 * error(one.frame, wanted)  # the noise of two averages out
    assert torch.equal(found.doubt, found.doubt.abs()) and bool(found.doubt.any()) and not bool(one.doubt.any())


@pytest.mark.parametrize("care", [PLAIN, MERGED, POLISHED])
@pytest.mark.parametrize("sides", [1, 2])
def test_motion_comes_back_from_its_bytes(care: int, sides: int) -> None:
    wanted, references = between(1)
    if sides == 1:
        references = References(references.low, None, references.flow, 16)
    motion, found = find(wanted, references, 1e-4, SPACINGS, care)
    encoder = Encoder()
    code_motion(encoder, motion, references, (32, 48))
    decoder = Decoder(encoder.finish())
    again = code_motion(decoder, None, references, (32, 48))
    decoder.finish()
    assert again.spacing == motion.spacing and len(again.flows) == sides
    assert all(np.array_equal(a, b) for a, b in zip(again.flows, motion.flows, strict=True))
    assert torch.equal(predicted(again, references).frame, found.frame)


def test_more_care_finds_better_motion() -> None:
    rng = np.random.default_rng(2)
    picture = textured(64, 96, 2)
    dense = torch.from_numpy(rng.normal(0, 5, (1, 2, 3, 4)).astype(np.float32))
    dense = torch.nn.functional.interpolate(dense, size=(64, 96), mode="bicubic")
    y, x = torch.meshgrid(torch.arange(64) + 0.5, torch.arange(96) + 0.5, indexing="ij")
    where = torch.stack([(x + dense[:, 0]) / 48 - 1, (y + dense[:, 1]) / 32 - 1], -1)
    wanted = frame(torch.nn.functional.grid_sample(picture, where, padding_mode="border", align_corners=False))
    losses = []
    for care in (PLAIN, MERGED, POLISHED):
        references = References(frame(picture))
        motion, found = find(wanted, references, 1e-3, SPACINGS, care)
        encoder = Encoder()
        code_motion(encoder, motion, references, (32, 48))
        losses.append(error(found.frame, wanted) + 1e-3 * 8 * len(encoder.finish()) / (64 * 96))
    assert losses[2] < losses[1] < losses[0]


def test_flows_at_hand_cost_next_to_nothing() -> None:
    _, references = between()
    encoder = Encoder()
    code_motion(encoder, Motion(16, references.direct(), np.full((4, 6), BOTH, np.int32)), references, (32, 48))
    assert len(encoder.finish()) <= 2
