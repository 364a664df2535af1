"""The factorised prior and the Gaussian: probabilities that are right, and equal to CompressAI's."""

import platform

import pytest
import torch

from codec.models.s2lic.prior import FactorizedPrior, gaussian_likelihood


def _random_prior(channels: int) -> FactorizedPrior:
    torch.manual_seed(3)
    prior = FactorizedPrior(channels)
    for p in prior.parameters():
        p.data += 0.3 * torch.randn_like(p)
    return prior


@pytest.mark.skipif(
    platform.system() == "Windows" or platform.machine() not in ("x86_64", "arm64"),
    reason="CompressAI has no wheel here",
)
def test_likelihoods_equal_compressai() -> None:
    from codec.peers.zoo import import_compressai

    import_compressai()
    from compressai.entropy_models import EntropyBottleneck

    prior = _random_prior(5)
    oracle = EntropyBottleneck(5)
    for i in range(5):
        names = [f"_matrix{i}", f"_bias{i}"] + ([f"_factor{i}"] if i < 4 else [])
        ours = [prior.matrices[i], prior.biases[i]] + ([prior.factors[i]] if i < 4 else [])
        for name, value in zip(names, ours, strict=True):
            target = getattr(oracle, name, None)
            if target is None:  # newer layout: lists of parameters
                target = getattr(oracle, {"_m": "matrices", "_b": "biases", "_f": "factors"}[name[:2]])[i]
            target.data.copy_(value.data)
    z = torch.randint(-30, 30, (2, 5, 4, 6)).float()
    expected = oracle.eval()._likelihood(z.transpose(0, 1).reshape(5, 1, -1))
    expected = expected[0] if isinstance(expected, tuple) else expected
    expected = expected.view(5, 2, 4, 6).transpose(0, 1).clamp(min=1e-9)
    assert torch.allclose(prior(z), expected, atol=1e-5)


def test_factorised_pmf_sums_to_one_and_matches_the_likelihoods() -> None:
    prior = _random_prior(3).double()
    for c, (first, pmf) in enumerate(prior.pmfs()):
        assert sum(pmf) == pytest.approx(1, abs=1e-9)
        assert pmf[-1] < 2**-16
        z = torch.zeros(1, 3, 1, len(pmf) - 1, dtype=torch.float64)
        z[0, c, 0] = torch.arange(first, first + len(pmf) - 1)
        assert torch.allclose(prior(z)[0, c, 0], torch.tensor(pmf[:-1], dtype=torch.float64), atol=1e-9)


def test_gaussian_likelihood_is_the_integral_over_a_unit_bin() -> None:
    sigma = torch.tensor([0.11, 0.5, 3.0, 20.0], dtype=torch.float64)
    r = torch.arange(-200, 201, dtype=torch.float64)[:, None].expand(-1, 4)
    p = gaussian_likelihood(r, sigma.expand(401, 4))
    assert torch.allclose(p.sum(0), torch.ones(4, dtype=torch.float64), atol=1e-6)
    normal = torch.distributions.Normal(0.0, sigma)
    assert torch.allclose(p[200], normal.cdf(torch.tensor(0.5)) - normal.cdf(torch.tensor(-0.5)), atol=1e-9)


def test_sigma_below_the_bound_can_grow_again() -> None:
    sigma = torch.tensor([0.01], requires_grad=True)
    (-gaussian_likelihood(torch.tensor([2.0]), sigma).log()).sum().backward()
    assert sigma.grad is not None and sigma.grad.item() < 0


def test_gaussian_likelihood_has_the_derivatives_of_its_formula() -> None:
    torch.manual_seed(0)
    residual = (3 * torch.randn(50, dtype=torch.float64)).requires_grad_()
    sigma = (0.2 + 3 * torch.rand(50, dtype=torch.float64)).requires_grad_()
    assert torch.autograd.gradcheck(gaussian_likelihood, (residual, sigma))
