"""The exact arithmetic of circuits: sums, floors and bounds hold for all integers, not only for trained weights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.errors import FormatError
from codec.research.exact import MESSAGE_BITS, block_sums, check_exact, integer_pmf, renorm

positive = st.floats(0, 2**50, allow_nan=False).map(np.floor)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.lists(positive, min_size=2, max_size=256).filter(any), st.sampled_from([12, 16, 20]))
def test_integer_pmfs_have_their_sum_and_no_zero(numerators: list[float], precision: int) -> None:
    cumulative = np.cumsum(np.minimum(np.array(numerators), 2**53 // len(numerators)))
    pmf = integer_pmf(cumulative[None], precision)[0]
    assert pmf.dtype == np.int32
    assert pmf.sum() == 1 << precision
    assert pmf.min() >= 1
    ideal = np.array(numerators) / sum(numerators) * ((1 << precision) - len(numerators)) + 1
    if cumulative[-1] < 2**32:  # nothing was scaled, so the floors are those of exact fractions
        exact = [int(c) * ((1 << precision) - len(numerators)) // int(cumulative[-1]) for c in cumulative]
        assert np.array_equal(np.diff(exact, prepend=0) + 1, pmf)
    elif cumulative[-1] == sum(numerators):
        assert np.abs(pmf - ideal).max() < 2.001


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.lists(positive, min_size=1, max_size=40).filter(any))
def test_renorm_keeps_ratios_and_24_bits(values: list[float]) -> None:
    out = renorm(np.array(values))
    assert 2 ** (MESSAGE_BITS - 1) <= out.max() < 2**MESSAGE_BITS
    assert out.min() >= 1
    assert np.array_equal(out, np.floor(out))
    assert np.array_equal(renorm(out), out)
    assert np.abs(out - np.array(values) / max(values) * out.max()).max() <= 1.01


def test_no_product_of_extreme_weights_leaves_the_exact_integers() -> None:
    states, largest = 512, 0.0
    weights = np.ones((states, states))
    weights[:, 7] = 2**20 - states + 1  # every state leads to the same one
    message = np.full((1, states), 2.0**MESSAGE_BITS - 1)
    check_exact(weights)
    for product in (message @ weights, message @ weights.T):
        largest = max(largest, product.max())
    assert 2**52 < largest < 2**53
    exact = sum(int(m) * int(w) for m, w in zip(message[0], weights[:, 7], strict=True))
    assert exact == int((message @ weights)[0, 7])


def test_weights_whose_sums_are_not_exact_are_refused() -> None:
    weights = np.ones((513, 513))
    weights[:, 0] = 2**20
    with pytest.raises(FormatError, match="too large"):
        check_exact(weights)
    for bad in (0.5, -1.0, np.nan, np.inf):
        with pytest.raises(FormatError, match="whole numbers"):
            check_exact(np.array([[1.0, bad]]))


@pytest.mark.parametrize("categories", [1, 17, 250, 272])
def test_numbers_of_values_that_blocks_can_not_hold_are_refused(categories: int) -> None:
    with pytest.raises(FormatError, match=f"{categories} values"):
        block_sums(np.ones((2, categories)))
