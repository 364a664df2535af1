"""Efforts of s2lic: files of a search are never worse and decode as all others, and any picture can be searched."""

import numpy as np
import pytest
import torch
from helpers.pictures import picture
from helpers.places import PHOTO, TINY_WEIGHTS

import codec
from codec import container, media, tiling
from codec.codecs.options import ImageOptions
from codec.codecs.s2lic import TUNES, search
from codec.codecs.s2lic import image as s2lic
from codec.codecs.s2lic.distortion import (
    SQUARED,
    Part,
    SquaredError,
    StructuralError,
    dissimilarity,
    error_weight,
    structural,
)
from codec.codecs.s2lic.refine import Place, best_symbols, refine
from codec.metrics.structure import decibels, ms_ssim
from codec.models.s2lic.prior import gaussian_likelihood
from codec.view import WITH_ALPHA


@pytest.fixture(scope="module")
def opened() -> s2lic.S2licImages:
    return s2lic.open_codec(None, "cpu")


@pytest.fixture(scope="module")
def tiny() -> s2lic.S2licImages:
    """Untrained, with every part that a model can have."""
    return s2lic.S2licImages(TINY_WEIGHTS)


def coded(
    codec_: s2lic.S2licImages, frame: np.ndarray, quality: float, effort: int, depth: int = 8
) -> tuple[float, np.ndarray]:
    """J a pixel of a real file, by its bytes and its decoded samples; and these."""
    info = media.Info(frame.shape[1], frame.shape[0], frame.shape[2], depth)
    header, units = codec_.encode(info, [frame], ImageOptions(quality=quality, effort=effort))
    made = list(units)
    decoded = next(codec_.decode(header, made))
    colours = frame.shape[2] - (frame.shape[2] in WITH_ALPHA)
    error = (decoded[..., :colours].astype(float) - frame[..., :colours]) / ((1 << depth) - 1)
    weight = float(error_weight(codec_.model, codec_.rate(header).float(), 1, 1))
    return 8 * sum(len(u.payload) for u in made) / frame[..., 0].size + weight * np.mean(error**2), decoded


@pytest.mark.parametrize("quality", [5, 50, 95])
def test_a_search_makes_a_better_file_that_decodes_as_any_other(opened: s2lic.S2licImages, quality: float) -> None:
    frame = picture(96, 130)
    plain, _ = coded(opened, frame, quality, 1)
    found, decoded = coded(opened, frame, quality, 4)
    assert found < 0.99 * plain
    assert decoded.shape == frame.shape


def test_a_longer_search_finds_more(opened: s2lic.S2licImages) -> None:
    _, (photo,) = media.read(PHOTO)
    frame = np.ascontiguousarray(photo[160:288, 200:328])
    plain, short, long = (coded(opened, frame, 50, effort)[0] for effort in (1, 3, 6))
    assert long < short < plain


@pytest.mark.parametrize("quality", [0, 50, 100])
def test_no_file_is_worse_than_that_of_plain_coding(tiny: s2lic.S2licImages, quality: float) -> None:
    rng = np.random.default_rng(0)
    for frame in (picture(64, 70), rng.integers(0, 256, (64, 64, 3), np.uint8), np.full((40, 40, 3), 77, np.uint8)):
        plain, _ = coded(tiny, frame, quality, 1)
        assert coded(tiny, frame, quality, 3)[0] <= plain * (1 + 1e-6)


def test_what_a_search_found_is_left_where_the_real_file_is_not_better(
    opened: s2lic.S2licImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = picture(64, 64)
    info = media.Info(64, 64)
    plain = list(opened.encode(info, [frame], ImageOptions(quality=50))[1])
    monkeypatch.setattr(search, "refine", lambda model, place, *_: place.tile + 3)
    assert list(opened.encode(info, [frame], ImageOptions(quality=50, effort=2))[1]) == plain


@pytest.mark.parametrize("channels", [1, 2, 4])
@pytest.mark.parametrize("depth", [8, 16])
def test_grey_transparent_and_deep_pictures_are_searched(opened: s2lic.S2licImages, channels: int, depth: int) -> None:
    frame = (picture(70, 66, channels) * (1 if depth == 8 else 257)).astype(np.uint8 if depth == 8 else np.uint16)
    if channels in WITH_ALPHA:
        frame[..., -1] |= 1  # nothing is hidden: what is has no error that counts
    plain, _ = coded(opened, frame, 40, 1, depth)
    found, decoded = coded(opened, frame, 40, 4, depth)
    assert found < plain
    if channels in WITH_ALPHA:
        assert (decoded[..., -1] == frame[..., -1]).all()


def test_a_search_for_structure_finds_what_one_for_squared_errors_does_not(
    opened: s2lic.S2licImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, (photo,) = media.read(PHOTO)
    frame, info = np.ascontiguousarray(photo[160:352, 200:392]), media.Info(192, 192)

    def made(effort: int) -> tuple[int, float]:
        header, units = opened.encode(info, [frame], ImageOptions(quality=50, tune="ssim", effort=effort))
        kept = list(units)
        similarity = ms_ssim(frame, next(opened.decode(header, kept)))
        assert similarity is not None
        return len(kept[0].payload), decibels(similarity)

    plain, found = made(1), made(4)
    monkeypatch.setattr(search, "structural", lambda parts, squared: (squared, *structural(parts, squared)[1:]))
    squared = made(4)
    # Of bits and decibels at once: a tenth of the bytes is half a decibel here.
    worth = [100 * size / plain[0] - 20 * score for size, score in (plain, found, squared)]
    assert worth[1] < worth[2] < worth[0]


def test_structure_weighs_an_error_more_where_it_is_calm(opened: s2lic.S2licImages) -> None:
    torch.manual_seed(0)
    picture_ = torch.rand(1, 3, 64, 128) * torch.tensor([0.02] * 64 + [1.0] * 64)
    error = StructuralError(1000.0, SquaredError(opened.model))
    noise = 0.02 * torch.randn(1, 3, 64, 64)
    calm, busy = picture_.clone(), picture_.clone()
    calm[..., :64] += noise
    busy[..., 64:] += noise
    q = torch.tensor([0.5])
    worth = [error(Part(x, picture_, q)) for x in (calm, busy, picture_)]
    assert worth[0] > 10 * worth[1] > 100 * worth[2]
    assert float(dissimilarity(picture_[..., :8], 0 * picture_[..., :8])) == 0  # the window doesn't fit
    noisy = Part(picture_ + 0.02 * torch.randn(picture_.shape), picture_, q)
    _, _, (grown,) = structural([noisy], error.squared)
    assert grown.shape == (1, 1, 4, 8)
    of_structure = 2 * grown - 1 - SQUARED  # without the bits' half, and what squared errors have of the other
    assert of_structure[..., :3].min() > 8 * of_structure[..., 5:].max()


@pytest.mark.parametrize("tune", TUNES)
def test_tiles_are_searched_one_by_one(opened: s2lic.S2licImages, tune: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiling, "SINGLE", 0)
    monkeypatch.setattr(tiling, "SIDE", 128)
    frame, info = picture(150, 200), media.Info(200, 150)
    regions: list[tuple[int, ...]] = []

    def watched(model: object, place: Place, *rest: object) -> torch.Tensor:
        regions.append(tuple(place.tile.shape[2:]))
        return refine(model, place, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(search, "refine", watched)
    told: list[tuple[int, int]] = []
    header, units = opened.encode(
        info,
        [frame],
        ImageOptions(quality=30, tune=tune, effort=3),
        progress=lambda done, total: told.append((done, total)),
    )
    made, total = list(units), 4 + 4 * search.EFFORTS[1].passes
    assert len(made) == len(regions) == 4 and max(max(r) for r in regions) <= 128 // 16
    assert told == [(n + 1, total) for n in range(total)]
    plain_header, plain = opened.encode(info, [frame], ImageOptions(quality=30, tune=tune))
    assert header == plain_header and made != list(plain)
    assert next(opened.decode(header, made)).shape == frame.shape


def test_the_decoder_gets_the_symbols_of_the_search(opened: s2lic.S2licImages) -> None:
    """Through a whole file, with its checksums."""
    data = codec.encode(picture(64, 64), quality=50, effort=3)
    assert codec.info(data).private == codec.info(codec.encode(picture(64, 64), quality=50)).private
    _, units = container.read(data)
    assert len(list(units)) == 1
    assert next(codec.decode(data).frames()).shape == (64, 64, 3)


@pytest.mark.parametrize("effort", [0, 10])
def test_an_effort_out_of_range_is_named(effort: int) -> None:
    with pytest.raises(codec.CodecError, match=f"effort {effort!r} is out of range; give 1 to 9"):
        codec.encode(picture(8, 8), effort=effort)


def test_the_best_symbol_is_that_of_trying_all() -> None:
    torch.manual_seed(0)
    residual, sigma = 4 * torch.randn(1000), 3 * torch.rand(1000)
    for stiffness in torch.tensor([0.5, 5.0, 50.0]):
        found = best_symbols(residual, sigma, stiffness)
        tried = residual.round() + torch.arange(-1.0, 2.0)[:, None]
        costs = stiffness * (tried - residual).square() - gaussian_likelihood(tried, sigma.expand(3, -1)).log2()
        assert torch.isin(found - residual.round(), torch.tensor([-1.0, 0.0, 1.0])).all()
        chosen = stiffness * (found - residual).square() - gaussian_likelihood(found, sigma).log2()
        assert (chosen <= costs.min(0).values + 1e-3).all()


def test_best_symbols_of_great_stiffness_are_the_nearest() -> None:
    residual = 4 * torch.randn(1000)
    assert (best_symbols(residual, torch.ones(1000), torch.tensor(torch.inf)) == residual.round()).all()


def test_errors_weigh_by_the_rate_of_their_cell(opened: s2lic.S2licImages) -> None:
    rates = torch.tensor([[[0.2, 0.7]]])
    weight = error_weight(opened.model, rates, 64, 100)
    assert weight.shape == (1, 1, 64, 100)
    for place, q in ((0, 0.2), (99, 0.7)):
        assert float(weight[0, 0, 5, place]) == pytest.approx(
            float(error_weight(opened.model, torch.tensor([q]), 1, 1))
        )
