"""Statistics of scores against closed forms, against SciPy, and on cases where they must refuse."""

import math

import numpy as np
import pytest
from scipy.stats import binomtest, spearmanr

from codec.evaluate.correlation import correlations, spearman
from codec.metrics.statistics import (
    bd_rate_by_score,
    bd_rate_of,
    bd_rates_of,
    interval,
    isotonic,
    mcnemar,
    pooled,
    rate_at,
)

RATES = [0.1, 0.2, 0.4, 0.8, 1.6]


def test_pooled_scores_weigh_items_by_what_they_count() -> None:
    words = np.array([[2.0, 4.0], [0.0, 36.0]])  # errors, words
    assert pooled(words, "ratio") == pytest.approx(2 / 40)
    assert pooled(words, "mean") == pytest.approx(1)
    hits = np.array([[3.0, 4.0, 1.0, 4.0], [3.0, 4.0, 1.0, 4.0]])
    assert pooled(hits, "f") == pytest.approx(2 * 0.75 * 0.25 / (0.75 + 0.25))
    assert math.isnan(pooled(np.zeros((2, 2)), "ratio"))
    for nothing_right in ([[0, 4, 0, 5]], [[0, 0, 0, 5]], [[0, 4, 0, 0]]):
        assert pooled(np.array(nothing_right, float), "f") == 0
    assert math.isnan(pooled(np.zeros((1, 4)), "f"))


def test_an_interval_of_a_mean_is_that_of_theory() -> None:
    values = np.random.default_rng(1).normal(5, 2, (400, 1))
    score, low, high = interval(values, None, "mean")
    assert score == pytest.approx(values.mean())
    half = 1.96 * values.std() / 20
    assert low == pytest.approx(score - half, abs=0.03) and high == pytest.approx(score + half, abs=0.03)


def test_pairing_takes_out_what_items_share() -> None:
    rng = np.random.default_rng(2)
    hard = rng.normal(0, 10, (200, 1))
    coded = hard - 0.5 + rng.normal(0, 0.1, (200, 1))
    change, low, high = interval(coded, hard, "mean")
    assert -0.53 < low < change < high < -0.47
    assert interval(hard, hard, "mean") == (0, 0, 0)


@pytest.mark.parametrize(("lost", "won"), [(0, 0), (1, 0), (2, 5), (30, 12)])
def test_mcnemar_is_the_exact_binomial_test(lost: int, won: int) -> None:
    before = [1] * lost + [0] * won + [1] * 7 + [0] * 3
    after = [0] * lost + [1] * won + [1] * 7 + [0] * 3
    expected = binomtest(lost, lost + won).pvalue if lost + won else 1
    assert mcnemar(before, after) == (lost, won, pytest.approx(expected))


def test_isotonic_curves_rise_and_keep_their_mean() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        y = rng.normal(0, 1, 12) + np.arange(12) / 4
        fitted = isotonic(y)
        assert (np.diff(fitted) >= 0).all() and fitted.mean() == pytest.approx(y.mean())
    assert isotonic([1, 2, 3]).tolist() == [1, 2, 3]


def test_a_rate_at_a_score_lies_between_its_points_and_never_beyond() -> None:
    scores = [0.2, 0.4, 0.6, 0.8, 0.9]
    assert rate_at(RATES, scores, 0.4) == (0.2, "")
    assert rate_at(RATES[::-1], scores[::-1], 0.5)[0] == pytest.approx(math.sqrt(0.2 * 0.4))
    assert rate_at(RATES, scores, 0.95) == (None, "> 1.6")
    assert rate_at(RATES, scores, 0.1) == (None, "< 0.1")


def test_half_the_rate_at_equal_scores_is_minus_fifty_per_cent() -> None:
    scores = [0.3, 0.5, 0.7, 0.8, 0.85]
    half = [r / 2 for r in RATES]
    assert bd_rate_by_score(half, scores, RATES, scores, None).value == pytest.approx(-50)
    found = bd_rate_of(half, [20, 25, 30, 35, math.inf], RATES, [20, 25, 30, 35, math.inf])
    assert (found.value, found.low, found.high) == (pytest.approx(-50), 20, 35)


def test_bd_rates_of_many_curves_are_those_of_each() -> None:
    rng = np.random.default_rng(3)
    rates, ref_rates = (np.sort(rng.uniform(0.1, 2, (40, n)), 1) for n in (5, 4))
    quality, ref_quality = (25 + 4 * np.log(r) + rng.normal(0, 0.4, r.shape) for r in (rates, ref_rates))
    quality[0, 2], quality[1, 1], ref_quality[2], quality[3] = math.inf, quality[1, 2], 60, math.inf
    found = bd_rates_of(rates, quality, ref_rates, ref_quality)
    each = [bd_rate_of(*lines).value for lines in zip(rates, quality, ref_rates, ref_quality, strict=True)]
    assert [math.isnan(v) for v in found] == [v is None for v in each] and np.isnan(found).sum() >= 2
    assert [v for v in found if v == v] == pytest.approx([v for v in each if v is not None])


def test_what_is_as_good_as_uncompressed_does_not_count() -> None:
    scores = [0.3, 0.5, 0.7, 0.8, 0.889, 0.9]
    rates = [*RATES, 40.0]  # the last point would be worth much
    found = bd_rate_by_score([r / 2 for r in rates[:-1]] + [400.0], scores, rates, scores, 0.89)
    assert found.value == pytest.approx(-50) and found.high == 0.8


def test_a_noisy_curve_is_made_monotone_first() -> None:
    noisy = [0.3, 0.5, 0.72, 0.68, 0.8]
    found = bd_rate_by_score([r / 2 for r in RATES], noisy, RATES, noisy, None)
    assert found.value == pytest.approx(-50)


@pytest.mark.parametrize(
    ("scores", "other", "top", "why"),
    [
        ([0.1, 0.2, 0.3, 0.4, 0.5], [0.6, 0.7, 0.8, 0.85, 0.9], None, "overlap"),
        ([0.1, 0.2, 0.3, 0.4, 0.5], [0.38, 0.5, 0.6, 0.7, 0.8], None, "overlap"),
        ([0.1, 0.2, 0.3, 0.9, 0.9], [0.1, 0.2, 0.3, 0.4, 0.5], 0.9, "3 different points"),
    ],
)
def test_a_bd_rate_is_refused_with_a_reason(
    scores: list[float], other: list[float], top: float | None, why: str
) -> None:
    found = bd_rate_by_score(RATES, scores, RATES, other, top)
    assert found.value is None and why in found.why


@pytest.mark.parametrize("seed", range(5))
def test_rank_correlation_is_scipys(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 6, (2, 30)).astype(float)  # with ties
    assert spearman(a, b) == pytest.approx(spearmanr(a, b).statistic)
    assert spearman(a, np.ones(30)) is None
    assert spearman(np.array([1, 2, math.inf]), np.array([1.0, 2, 9])) == pytest.approx(1)  # a lossless setting


def test_correlations_find_the_metric_that_knows() -> None:
    rng = np.random.default_rng(0)
    rows = [{"file": f, "codec": "original", "bpp": 9.0} | seen(0.0) for f in "abcdefgh"]
    for q, damage in ((10, 3.0), (20, 2.0), (40, 1.0), (80, 0.5)):
        for f in "abcdefgh":
            kl = damage * rng.uniform(0.5, 1.5)
            rows.append(
                {"file": f, "codec": f"jpeg:q={q}", "bpp": q / 40, "deep.efflite0": kl, "psnr": 40 - damage} | seen(kl)
            )
    for row in rows:
        row |= {"psnr": row.get("psnr", math.inf), "deep.efflite0": row.get("deep.efflite0", 0.0)}
    found = {(r["metric"], r["score"]): r for r in correlations(rows)}
    assert found["deep.efflite0", "kl"]["within"] == 1 and found["deep.efflite0", "kl"]["settings"] == 1
    assert found["psnr", "kl"]["settings"] == 1 and found["psnr", "kl"]["within"] is None


def seen(kl: float) -> dict[str, object]:
    return {"task.classify.kl": kl, "task.classify.agree": 1.0, "task.classify.model": "x"}
