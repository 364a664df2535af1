"""Integer mixtures of logistics: pmfs that sum up, values at the edges, both directions alike."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.codecs.circuit.leaves import (
    CDF_BITS,
    WEIGHT_BITS,
    code_choice,
    code_values,
    integer_pmf,
    leaves,
    prior,
    renorm,
)
from codec.entropy import Decoder, Encoder
from codec.models.circuit.shape import SCALES

K = 5


def mixtures(n: int, seed: int, depth: int = 8) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights, means and scales over their whole ranges, means beyond both ends too."""
    rng = np.random.default_rng(seed)
    weights = prior(rng.integers(-400, 400, (n, K)).astype(np.float64))
    means = rng.integers(-400 * 16, ((1 << depth) + 444) * 16, (n, K))
    return weights, means, rng.integers(0, SCALES, (n, K))


@given(st.lists(st.integers(0, 2**30), min_size=2, max_size=256))
def test_integer_pmf_sums_to_its_total_and_has_no_zero(numerators: list[int]) -> None:
    cumulative = np.cumsum(np.array(numerators, np.float64))[None] + 1
    pmf = integer_pmf(cumulative)
    assert pmf.sum() == 1 << 16
    assert pmf.min() >= 1


@pytest.mark.parametrize("seed", range(3))
def test_every_value_survives_every_mixture(seed: int) -> None:
    values = np.tile(np.arange(256), 4)
    mixture = mixtures(len(values), seed)
    encoder = Encoder()
    _, conditioned = code_values(encoder, values, *mixture)
    decoder = Decoder(encoder.finish())
    decoded, again = code_values(decoder, None, *mixture)
    decoder.finish()
    assert (decoded == values).all()
    assert (again == conditioned).all()


@pytest.mark.parametrize("seed", range(8))
def test_values_cost_what_the_float_mixture_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights = prior(rng.integers(-60, 1, (1, K)).astype(np.float64))
    means, scales = rng.integers(0, 255 * 16, (1, K)), rng.integers(8, 40, (1, K))
    edges = np.arange(1, 256)[:, None] - 0.5
    cdf = 1 / (1 + np.exp(-(edges * 16 - means) / (0.05 * 2 ** (scales / 4) * 16)))
    p = np.diff((cdf * weights).sum(1) / weights.sum(), prepend=0, append=1)
    values = rng.choice(256, 4000, p=p)
    encoder = Encoder()
    code_values(encoder, values, *(np.repeat(a, len(values), 0) for a in (weights, means, scales)))
    assert len(encoder.finish()) * 8 == pytest.approx(-np.log2(p[values]).sum(), rel=0.01)


@pytest.mark.parametrize("depth", [9, 12, 16])
@pytest.mark.parametrize("everywhere", [False, True])
def test_every_value_of_many_bits_survives_every_mixture(depth: int, everywhere: bool) -> None:
    values = np.random.default_rng(depth).integers(0, 1 << depth, 2000)
    values[:8] = [0, 0, 0, 1, 1, (1 << depth) - 2, (1 << depth) - 1, (1 << depth) - 1]
    weights, means, scales = mixtures(len(values), depth, depth)
    if not everywhere:  # all components about the value, some of them escaping nearby
        means = values[:, None] * 16 + means % (800 * 16) - 400 * 16
    encoder = Encoder()
    _, conditioned = code_values(encoder, values, weights, means, scales, depth)
    decoder = Decoder(encoder.finish())
    decoded, again = code_values(decoder, None, weights, means, scales, depth)
    decoder.finish()
    assert (decoded == values).all()
    assert (again == conditioned).all()


def cost(value: int, mean: int, scale: int, depth: int) -> float:
    """Bits of a value for a mixture of equal logistics."""
    n = 100
    encoder = Encoder()
    values, one = np.full(n, value), np.ones((n, 1))
    code_values(encoder, values, one * 1000, (one * mean * 16).astype(int), (one * scale).astype(int), depth)
    return len(encoder.finish()) * 8 / n


@pytest.mark.parametrize("value", [40, 100, 120, 140, 160])
def test_values_of_many_bits_cost_what_those_of_8_bits_do(value: int) -> None:
    assert cost(value + 5000, 5100, 30, 16) == pytest.approx(cost(value, 100, 30, 8), abs=0.1)


def test_far_values_cost_the_logarithm_of_their_distance() -> None:
    costs = [cost(30000 + (1 << k), 30000, 30, 16) for k in range(9, 15)]
    assert np.diff(costs) == pytest.approx(1, abs=0.5)
    assert costs[0] < 40


def test_conditioning_moves_weight_to_the_component_that_was_right() -> None:
    weights = np.full((1, 2), 1000.0)
    means, scales = np.array([[50 * 16, 200 * 16]]), np.array([[20, 20]])
    _, after = code_values(Encoder(), np.array([200]), weights, means, scales)
    assert after[0, 1] > 1000 * after[0, 0]


@given(st.lists(st.integers(0, 2**33), min_size=2, max_size=6))
def test_renormalised_weights_have_14_bits_and_never_die(values: list[int]) -> None:
    w = renorm(np.array([values], np.float64) + 1)
    assert 1 << (WEIGHT_BITS - 1) <= w.max() < 1 << WEIGHT_BITS
    assert w.min() >= 1


def test_the_largest_product_of_a_mixture_is_exact() -> None:
    largest = K * float(1 << WEIGHT_BITS) * (1 << CDF_BITS)
    assert largest * (1 << 16) + largest < 2**53
    assert leaves().cdf.max() <= 1 << CDF_BITS
    assert leaves().weights.max() <= 1 << WEIGHT_BITS


def test_a_choice_costs_what_its_weight_says_and_equal_candidates_share_theirs() -> None:
    n = 3000
    logits = np.tile([0.0, 16, 0, 16], (n, 1))  # in sixteenths of a nat
    candidates = np.tile([5.0, 7, 5], (n, 1))
    shares = np.array([1, 2 * np.e, 1]) / (2 + 2 * np.e)  # of other pixels, of 5 and of 7
    symbols = np.random.default_rng(0).choice(3, n, p=shares)
    pixels = np.array([9.0, 5, 7])[symbols]
    encoder = Encoder()
    chosen = code_choice(encoder, pixels, candidates, logits)
    data = encoder.finish()
    assert len(data) * 8 == pytest.approx(-np.log2(shares[symbols]).sum(), rel=0.005)
    decoder = Decoder(data)
    assert (code_choice(decoder, None, candidates, logits) == chosen).all()
    assert (chosen == symbols - 1).all()


def test_a_certain_choice_costs_next_to_nothing() -> None:
    logits, candidates = np.tile([0.0, 1000], (10000, 1)), np.full((10000, 1), 3.0)
    encoder = Encoder()
    code_choice(encoder, np.full(10000, 3.0), candidates, logits)
    assert len(encoder.finish()) < 4
