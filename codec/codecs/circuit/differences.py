"""A network tuned to one picture: differences to the integers of the shipped one, and how they are coded.

A difference is a small number times a power of two. Most are 0, and those that are not share rows (what a unit
computes) and columns (what it reads): a row says how large its entries are, columns show it from row to row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from codec.codecs.circuit.network import Network, layer_inputs
from codec.codecs.networks import BOUND
from codec.entropy import Coder, Tables
from codec.errors import FormatError

Int = NDArray[np.int64]
Shapes = Mapping[str, tuple[int, ...]]

STEPS = 16  # steps are 2^1 to 2^15 units; 0 says that a tensor has no differences
LARGEST = 1 << 24  # magnitude of a difference in units

PRECISION = 16
_UNITS = 1024  # in which mean magnitudes count
# Mean magnitudes, four an octave: each has a table of its own.
_MEANS = np.array([0, *((4 + i % 4) << (i // 4) for i in range(56))], np.int64)
_ROW_STEP = 2  # a row names every second of them
_ROWS = len(_MEANS[::_ROW_STEP])
_PATIENCE = 2 * _UNITS  # magnitude that a column must have shown to count for as much as its row says
_LONGEST = 255  # entries of a table on each side


@dataclass(frozen=True, eq=False)
class Difference:
    """`values` [...] of a tensor's shape, in steps of 2^step of its units; `step`: 1 to 15."""

    step: int
    values: NDArray[np.int32]


Differences = dict[str, Difference]


def shapes(network: Network) -> dict[str, tuple[int, ...]]:
    """What may differ, in the order of the code: all weights and biases."""
    return {k: t.shape for k, t in sorted(network.tensors.items()) if not k.endswith("shift")}


def tuned(network: Network, differences: Differences) -> Network:
    """The network with these differences. FormatError if they are too large, KeyError for unknown tensors."""
    tensors = {k: np.array(t, np.int64) for k, t in network.tensors.items()}
    for name, d in differences.items():
        if (np.abs(d.values.astype(np.int64)) << d.step).max(initial=0) > LARGEST:
            raise _damaged()
        tensors[name] += d.values.astype(np.int64) << d.step
    for name, largest in layer_inputs(network.config).items():
        _settle(tensors[f"{name}.weight"], tensors[f"{name}.bias"], tensors[f"{name}.shift"], largest)
    try:
        return Network(network.config, tensors)
    except FormatError:
        raise _damaged() from None


def _settle(weight: Int, bias: Int, shift: Int, largest: Int) -> None:
    """Halve rows, in place, until their sums are exact."""
    while (high := np.abs(weight) @ largest + np.abs(bias) >= BOUND).any():
        weight[high] = (weight[high] + 1) >> 1
        bias[high] = (bias[high] + 1) >> 1
        shift[high] -= 1


def code_differences(coder: Coder, differences: Differences | None, shapes: Shapes) -> Differences:
    """Codes differences to tensors of these shapes, or (None) decodes them. FormatError if they are damaged."""
    found: Differences = {}
    for name, shape in shapes.items():
        own = None if differences is None else differences.get(name)
        given = None if differences is None else np.array([own.step if own else 0])
        step = int(coder.code_pmfs(given, _uniform(STEPS, 1), PRECISION)[0])
        if step:
            values = None if own is None else own.values.reshape(-1, shape[-1]).astype(np.int64)
            rows = 1 if len(shape) == 1 else shape[0]
            found[name] = Difference(step, _code_rows(coder, values, rows, shape[-1]).reshape(shape))
    return found


def _code_rows(coder: Coder, values: Int | None, rows: int, columns: int) -> NDArray[np.int32]:
    largest = None if values is None else _levels(np.abs(values).sum(1), columns)
    levels = coder.code_pmfs(largest, _uniform(_ROWS, rows), PRECISION)
    result = np.zeros((rows, columns), np.int32)
    shown, expected = np.zeros(columns, np.int64), 0
    for r in np.flatnonzero(levels).tolist():
        mean = int(_MEANS[_ROW_STEP * levels[r]])
        by_column = (_UNITS * shown + _PATIENCE) * mean // (expected + _PATIENCE)
        index = np.clip(np.searchsorted(_MEANS, by_column), 1, len(_MEANS) - 1)
        given = None if values is None else values[r]
        result[r] = coder.code(given, index, _tables())
        shown += np.minimum(np.abs(result[r].astype(np.int64)), _LONGEST)
        expected += mean
    return result


def _levels(sums: Int, columns: int) -> Int:
    """The numbers of rows by the sums of their magnitudes; 0 only where there is nothing."""
    means = _MEANS[::_ROW_STEP]
    level = np.abs(sums[:, None] * _UNITS - means * columns).argmin(1)
    return np.where(sums > 0, np.maximum(level, 1), 0)


def _uniform(size: int, count: int) -> NDArray[np.int32]:
    edges = np.arange(size + 1) * (1 << PRECISION) // size
    return np.broadcast_to(np.diff(edges), (count, size)).astype(np.int32)


@lru_cache(maxsize=1)
def _tables() -> Tables:
    """Two-sided geometric distributions, the sum of each side that of the mean: integers from the first."""
    pmfs = []
    for mean in _MEANS.tolist():
        mean = max(mean, 1)
        # Of magnitude k: (1 - r) r^k with r = mean / (1 + mean), on both sides half of it.
        tail, masses = 1 << 60, list[int]()
        while len(masses) <= _LONGEST and tail >> 44:
            after = tail * mean // (_UNITS + mean)
            masses.append(tail - after)
            tail = after
        sides = [m // 2 for m in masses[1:]]
        pmfs.append(_pmf([*sides[::-1], masses[0], *sides, tail]))
    sizes = np.array([len(p) for p in pmfs])
    return Tables(np.concatenate(pmfs), sizes, -(sizes // 2 - 1), PRECISION)


def _pmf(masses: list[int]) -> Int:
    """A pmf of sum 2^16, every entry at least 1, from whole numbers of any size."""
    total, cumulative, edges = sum(masses), 0, [0]
    for i, mass in enumerate(masses, 1):
        cumulative += mass
        edges.append(cumulative * ((1 << PRECISION) - len(masses)) // total + i)
    return np.diff(np.array(edges))


def _damaged() -> FormatError:
    return FormatError("the network's differences are damaged; get a whole copy of the file")
