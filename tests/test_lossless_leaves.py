"""Integer mixtures of logistics: pmfs that sum up, values at the edges, both directions alike."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.circuit.leaves import (
    CDF_BITS,
    WEIGHT_BITS,
    code_values,
    integer_pmf,
    leaves,
    prior,
    renorm,
)
from codec.entropy import Decoder, Encoder
from codec.models.context_shape import SCALES

K = 5


def mixtures(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights, means and scales over their whole ranges, means beyond both ends too."""
    rng = np.random.default_rng(seed)
    weights = prior(rng.integers(-400, 400, (n, K)).astype(np.float64))
    return weights, rng.integers(-400 * 16, 700 * 16, (n, K)), rng.integers(0, SCALES, (n, K))


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
