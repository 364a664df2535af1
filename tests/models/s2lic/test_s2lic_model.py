"""The S2LIC network: what it starts as, what its contexts may see, how large it is."""

import pytest
import torch

from codec.models.s2lic.acgc import EntropyModel, RateTable, checkerboard
from codec.models.s2lic.config import CONFIGS, Config
from codec.models.s2lic.contexts import DeformableAttention, tile, untile
from codec.models.s2lic.layers import Enhance, rs2tb
from codec.models.s2lic.model import S2LIC

TINY = Config(
    stages=((16, 1, 2), (16, 2, 2)),
    slices=(4, 4, 8),
    hyper=8,
    hyper_widths=(8, 8, 8, 8),
    hyper_out=16,
    hyper_subpel=1,
    parameter_widths=(16,),
    residual_widths=(8,),
    context_hidden=8,
    context_width=16,
    global_context=True,
    mlp=2,
    unshuffle=4,
    enhance=(8, 4, 2),
    shortcut=True,
)


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(1)


@pytest.fixture
def tiny() -> S2LIC:
    return S2LIC(TINY)


def test_swin_block_and_enhancement_start_as_the_identity() -> None:
    x = torch.randn(2, 16, 16, 24)
    assert torch.equal(rs2tb(16, 2, 2, 2)(x), x)
    image = torch.rand(1, 3, 32, 32)
    assert torch.equal(Enhance(8, 4, scale=1)(image), image)
    assert torch.equal(Enhance(8, 4, scale=2)(image), image)


def test_enhancement_learns_from_its_zero_start() -> None:
    block = Enhance(8, 4)
    block(torch.rand(1, 3, 16, 16)).sum().backward()
    assert block.body[-1].last.bias.grad.abs().max() > 0


def test_shifted_windows_do_not_look_over_the_seam() -> None:
    block = rs2tb(16, 2, 2, 2)
    for layer in block:
        torch.nn.init.ones_(layer.norm1.weight)
    x = torch.randn(1, 16, 24, 24, requires_grad=True)
    block(x)[0, :, 0, 0].sum().backward()
    seen = x.grad.abs().sum((0, 1)) > 0
    assert seen[0, 0] and not seen[-4:].any() and not seen[:, -4:].any()


def test_full_config_is_the_papers_size() -> None:
    with torch.device("meta"):
        parameters = sum(p.numel() for p in S2LIC(CONFIGS["full"]).parameters())
    assert 62e6 < parameters < 70e6  # counted from its layers: about 66 M


@pytest.mark.parametrize("name", ["s", "xs"])
def test_shipped_sizes_stay_below_twelve_million(name: str) -> None:
    with torch.device("meta"):
        assert sum(p.numel() for p in S2LIC(CONFIGS[name]).parameters()) <= 12e6


def test_config_survives_json() -> None:
    import json

    for config in CONFIGS.values():
        assert Config.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    with pytest.raises(ValueError, match="mlp"):
        Config.from_dict({k: v for k, v in TINY.to_dict().items() if k != "mlp"})


@pytest.mark.parametrize("unshuffle", [1, 4])
def test_forward_gives_image_and_likelihoods_of_the_right_shape(unshuffle: int) -> None:
    stages = TINY.stages if unshuffle == 4 else ((16, 1, 2), *TINY.stages)
    model = S2LIC(Config.from_dict(TINY.to_dict() | {"unshuffle": unshuffle, "stages": stages}))
    out = model(torch.rand(2, 3, 64, 128), torch.tensor([0.0, 1.0]))
    assert out["x_hat"].shape == (2, 3, 64, 128)
    assert out["likelihoods"]["y"].shape == (2, 16, 4, 8)
    assert out["likelihoods"]["z"].shape == (2, 8, 1, 2)
    for p in out["likelihoods"].values():
        assert (p > 0).all() and (p <= 1.0001).all()


def test_shortcut_started_from_a_basis_codes_a_picture_from_the_first_step() -> None:
    config = Config.from_dict(TINY.to_dict() | {"slices": (256, 256, 256)})
    model = S2LIC(config).eval()
    basis = torch.linalg.qr(torch.randn(768, 768))[0]
    model.init_shortcut(basis, torch.ones(768))
    x = torch.nn.functional.interpolate(torch.rand(1, 3, 4, 4), 64, mode="bicubic").clamp(0, 1)
    with torch.no_grad():
        mse = (model(x, torch.ones(1))["x_hat"] - x).square().mean()
    assert mse < 0.01


def _sensitivity(model: EntropyModel, slice_: int, anchors: bool) -> torch.Tensor:
    """|d (sigma, mu) of one pass / d y| summed over outputs: [M, H, W]."""
    y = torch.randn(1, 16, 16, 16, dtype=torch.float64, requires_grad=True)
    hyper = torch.randn(1, 16, 16, 16, dtype=torch.float64)
    wanted: list[torch.Tensor] = []

    def quantize(i: int, cells: torch.Tensor, mu: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        if i == slice_ and bool(cells[0, 0, 0, 1]) == anchors:
            wanted.append(((mu.square() + sigma.square()) * cells).sum())
        return y[:, model.config.channels(i)] * cells

    model.decode(hyper, torch.tensor([0.5], dtype=torch.float64), quantize)
    (grad,) = torch.autograd.grad(wanted[0], y, allow_unused=True)
    return grad[0].abs() if grad is not None else torch.zeros_like(y[0])


def test_a_fresh_hyperprior_tells_something(tiny: S2LIC) -> None:
    """z that never leaves zero gives h_s nothing to learn from, and so stays there."""
    for model in (tiny, S2LIC(CONFIGS["xs"])):
        y = torch.randn(4, model.config.latents, 8, 8) * model.entropy.unit[:, None, None]
        z = model.hyper_analysis(y, torch.full((4,), 0.5))
        assert (z.round() != 0).float().mean() > 0.2
        assert z.abs().mean() < 4


@pytest.mark.parametrize("slice_", [0, 1, 2])
@pytest.mark.parametrize("anchors", [True, False])
def test_a_pass_sees_earlier_slices_and_passes_only(tiny: S2LIC, slice_: int, anchors: bool) -> None:
    grad = _sensitivity(tiny.entropy_model(), slice_, anchors)
    here = TINY.channels(slice_)
    board = checkerboard(16, 16, torch.device("cpu"))[0, 0]
    assert not grad[here.stop :].any()
    if anchors:
        assert not grad[here].any()
    else:
        assert grad[here][:, board].any() and not grad[here][:, ~board].any()
    if slice_:
        assert grad[: here.start].any()


def test_tiles_are_undone_and_never_mix() -> None:
    x = torch.randn(2, 3, 20, 33)
    assert torch.equal(untile(tile(x), 2, 20, 33), x)
    attention = DeformableAttention(8, 32)
    torch.nn.init.normal_(attention.offset[-1].weight)
    u = torch.randn(1, 8, 32, 32, requires_grad=True)
    attention(u)[0, :, :16, :16].sum().backward()
    assert u.grad[0, :, :16, :16].any() and not u.grad[0, :, 16:].any() and not u.grad[0, :, :, 16:].any()


def test_rate_table_interpolates_between_its_rows() -> None:
    table = RateTable(2, -1.0, 1.0)
    q = torch.tensor([0.0, 0.25, 1.0])
    assert torch.allclose(table(q, 1)[:, 0, 0, 0], torch.tensor([-1.0, -0.5, 1.0]), atol=1e-6)


def test_overfits_one_crop(tiny: S2LIC) -> None:
    from codec.train.trainer import make_optimizers, sample_losses

    x = torch.nn.functional.interpolate(torch.rand(1, 3, 8, 8), 64, mode="bicubic").clamp(0, 1)
    q = torch.tensor([0.9])
    optimizers = make_optimizers(tiny, 5e-3)
    losses = []
    for _ in range(60):
        loss = sample_losses(tiny, TINY, x, q)[0].mean()
        tiny.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(tiny.parameters(), 1.0)
        for optimizer in optimizers.values():
            optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]
