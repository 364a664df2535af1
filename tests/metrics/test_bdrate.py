"""BD-rate against closed forms and against SciPy's PCHIP."""

import numpy as np
import pytest
from scipy.interpolate import PchipInterpolator

from codec.metrics.bdrate import bd_rate


def test_half_the_rate_at_equal_quality_is_minus_fifty_per_cent() -> None:
    q = [27.0, 30.0, 33.5, 36.0]
    r = np.array([0.1, 0.25, 0.6, 1.0])
    assert bd_rate(r / 2, q, r, q) == pytest.approx(-50)
    assert bd_rate(r, q, r, q) == pytest.approx(0)


def test_swapping_the_curves_inverts_the_ratio() -> None:
    a = ([0.1, 0.3, 0.7, 1.5], [27.0, 30.0, 34.0, 38.0])
    b = ([0.2, 0.5, 0.9, 1.4], [28.0, 31.5, 33.0, 36.0])
    forward, back = bd_rate(*a, *b), bd_rate(*b, *a)
    assert forward is not None and back is not None
    assert (1 + forward / 100) * (1 + back / 100) == pytest.approx(1)


@pytest.mark.parametrize("seed", range(20))
def test_equals_scipy_pchip(seed: int) -> None:
    rng = np.random.default_rng(seed)
    curves = []
    for _ in range(2):
        n = int(rng.integers(2, 9))
        curves.append((np.sort(rng.uniform(0.05, 3, n)), np.sort(rng.uniform(25, 42, n))))
    (r1, q1), (r2, q2) = curves
    lo, hi = max(q1[0], q2[0]), min(q1[-1], q2[-1])
    result = bd_rate(r1, q1, r2, q2)
    if hi <= lo:
        assert result is None
        return
    means = [PchipInterpolator(q, np.log(r)).integrate(lo, hi) / (hi - lo) for r, q in curves]
    assert result == pytest.approx(100 * (np.exp(means[0] - means[1]) - 1), rel=1e-9)


def test_order_of_points_does_not_matter_and_no_overlap_gives_none() -> None:
    assert bd_rate([0.4, 0.1], [33, 28], [0.2, 0.8], [28, 33]) == pytest.approx(-50)
    assert bd_rate([0.1, 0.2], [20, 22], [0.1, 0.2], [30, 32]) is None
