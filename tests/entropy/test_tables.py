"""Probability tables: near the distributions they stand for, stored and checked."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from codec.entropy import Tables, gaussian_tables, tables_from_pmfs
from codec.errors import CodecError, FormatError

LOW, HIGH = -(2**31), 2**31 - 1
proved = settings(derandomize=True, deadline=None, max_examples=150)

GAUSSIANS = gaussian_tables([0.05, 0.4, 1.0, 7.0, 90.0])
PEAKED = tables_from_pmfs([[1.0, 1e-6, 1e-7, 0.0], [0.1, 0.9], [1] * 300], [-1, 0, 100], precision=20)
SHORT = Tables(np.array([255, 1, 1, 255, 128, 128]), np.array([2, 2, 2]), np.array([LOW, 0, HIGH]), 8)


GOOD_ARRAYS = {
    "pmf": np.array([200, 56, 100, 156]),
    "sizes": np.array([2, 2]),
    "offsets": np.array([0, 0]),
    "precision": np.array([8]),
}


def test_tables_survive_storage_as_arrays() -> None:
    for tables in (GAUSSIANS, PEAKED, SHORT, Tables.from_arrays(GOOD_ARRAYS)):
        arrays = tables.to_arrays()
        again = Tables.from_arrays(arrays)
        assert all(array.dtype == np.int32 for array in arrays.values())
        assert all(np.array_equal(array, again.to_arrays()[name]) for name, array in arrays.items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pmf": np.array([200, 55, 100, 156])}, "table 0 sums to 255"),
        ({"pmf": np.array([200, 56, 256, 0])}, "below 1"),
        ({"pmf": np.array([200, 56, 257, -1])}, "below 1"),
        ({"pmf": np.array([200, 56, 100])}, "adding up"),
        ({"pmf": np.array([200.0, 56, 100, 156])}, "integers"),
        ({"pmf": np.array([[200, 56], [100, 156]])}, "dimensions"),
        ({"pmf": np.array([200, 56, 100, 2**32 + 156])}, "int32"),
        ({"sizes": np.array([3, 1])}, "below 2"),
        ({"sizes": np.array([5, -1])}, "below 2"),
        ({"sizes": np.array([], int), "offsets": np.array([], int), "pmf": np.array([], int)}, "0 sizes"),
        ({"offsets": np.array([0])}, "1 offsets"),
        ({"pmf": np.array([1] * 256), "sizes": np.array([256]), "offsets": np.array([HIGH])}, "beyond int32"),
        ({"precision": np.array([7])}, "precision"),
        ({"precision": np.array([21])}, "precision"),
        ({"precision": np.array([8.0])}, "precision"),
        ({"precision": np.array([8, 8])}, "precision"),
    ],
)
def test_damaged_tables_are_refused(change: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(FormatError, match=message) as error:
        Tables.from_arrays(GOOD_ARRAYS | change)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", list(GOOD_ARRAYS))
def test_missing_arrays_are_named(name: str) -> None:
    with pytest.raises(FormatError, match=name):
        Tables.from_arrays({key: array for key, array in GOOD_ARRAYS.items() if key != name})


def test_tables_do_not_follow_the_arrays_they_came_from() -> None:
    pmf = np.array([200, 56], np.int32)
    tables = Tables(pmf, np.array([2]), np.array([0]), 8)
    pmf[0] = 0
    assert tables.pmf.tolist() == [200, 56]
    with pytest.raises(ValueError, match="read-only"):
        tables.pmf[0] = 0


# Building tables


@pytest.mark.parametrize("precision", [8, 16, 20])
def test_gaussian_tables_are_symmetric_and_near_the_true_pmf(precision: int) -> None:
    total = 1 << precision
    scales = [s for s in (1e-6, 0.05, 0.11, 0.3, 1.0, 3.7, 20.0, 64.0, 256.0, 1024.0) if s <= 1 << (precision - 6)]
    tables = gaussian_tables(scales, precision)
    assert len(tables) == len(scales)
    for number, scale in enumerate(scales):
        table = tables.table(number)
        body, half = table[:-1], -int(tables.offsets[number])
        assert len(body) == 2 * half + 1
        assert table.sum() == total
        assert np.array_equal(body, body[::-1])
        assert (np.diff(body[half:]) <= 0).all() or scale > 1 << (precision - 12)
        edges = [math.erf((k + 0.5) / (scale * math.sqrt(2))) / 2 for k in range(-half - 1, half + 1)]
        true = np.diff(edges)
        # Entries raised to 1 are paid for by the others, in proportion.
        raised = np.maximum(1 - true * total, 0).sum() + 1
        assert np.abs(body - true * total).max() <= 2 + raised * true.max()
        both = np.append(true, max(1 - true.sum(), 1e-300))
        loss = (both * (np.log2(both) - np.log2(table / total))).sum()
        assert loss < (0.06 if precision == 8 else 0.004)


def test_gaussian_tables_end_where_a_symbol_is_not_worth_an_entry() -> None:
    tables = gaussian_tables([1.0, 10.0])
    for number, scale in enumerate([1.0, 10.0]):
        half = -int(tables.offsets[number])
        mass = [
            math.erfc((k - 0.5) / (scale * 2**0.5)) - math.erfc((k + 0.5) / (scale * 2**0.5)) for k in (half, half + 1)
        ]
        assert mass[0] / 2 >= 2**-17 > mass[1] / 2


@pytest.mark.parametrize("scale", [0.0, -1.0, math.nan, math.inf, 1025.0])
def test_scales_that_make_no_table_are_refused(scale: float) -> None:
    with pytest.raises(CodecError, match="scale"):
        gaussian_tables([1.0, scale])


pmf_arrays = npst.arrays(np.float64, st.integers(2, 256), elements=st.floats(0, 1e300) | st.floats(0, 1))


@proved
@given(pmf_arrays, st.sampled_from([8, 12, 16, 20]))
def test_any_pmf_becomes_a_table_near_it(pmf: np.ndarray, precision: int) -> None:
    if not 0 < pmf.sum() < math.inf:
        return
    table = tables_from_pmfs([pmf], [0], precision).table(0).astype(float)
    share = pmf / pmf.max() / (pmf / pmf.max()).sum() * (1 << precision)
    assert table.sum() == 1 << precision
    assert (table <= np.maximum(share + 1 + 1e-6, 1)).all()  # nothing is raised except up to 1 or the next integer
    free = share - np.maximum(1 - share, 0).sum() * share / share[share >= 1].sum()
    if (free[share >= 1] >= 1).all():
        assert (table[share >= 1] >= free[share >= 1] - 1 - 1e-6).all()


def test_exact_pmfs_are_kept() -> None:
    counts = np.array([1, 2, 3, 250])
    assert tables_from_pmfs([counts / 256], [0], 8).pmf.tolist() == counts.tolist()
    assert tables_from_pmfs([[1 / 256] * 256], [0], 8).pmf.tolist() == [1] * 256
    assert tables_from_pmfs([[0, 0, 1, 0]], [0], 8).pmf.tolist() == [1, 1, 253, 1]


@pytest.mark.parametrize(
    "pmf", [[1.0], [], [0.0, 0.0], [0.5, -0.5], [math.nan, 1.0], [math.inf, 1.0], [[0.5, 0.5]], [1.0] * 257]
)
def test_weights_that_are_no_pmf_are_refused(pmf: Any) -> None:
    with pytest.raises(CodecError, match="pmf"):
        tables_from_pmfs([pmf], [0], 8)


@pytest.mark.parametrize("build", [lambda: gaussian_tables([]), lambda: tables_from_pmfs([], [])])
def test_no_tables_at_all_are_refused(build: Callable[[], Tables]) -> None:
    with pytest.raises(CodecError):
        build()
