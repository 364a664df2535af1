"""Circuits for tests: vtrees of simple shapes, and random circuits over them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from codec.models.research.circuit import Circuit, Float, Layer, Vtree


def balanced_vtree(variables: int) -> Vtree:
    """Halves down to single variables, which keep their order."""
    return _vtree(variables, lambda first, last: (first + last + 1) // 2)


def chain_vtree(variables: int) -> Vtree:
    """Right-linear: each node parts its first variable from the rest."""
    return _vtree(variables, lambda first, last: first + 1)


def _vtree(variables: int, split: Callable[[int, int], int]) -> Vtree:
    spans: list[tuple[int, int]] = []
    todo = [(0, variables)]
    while todo:
        first, last = todo.pop()
        spans.append((first, last))
        if last - first > 1:
            middle = split(first, last)
            todo += [(middle, last), (first, middle)]
    spans.reverse()
    place = {span: node for node, span in enumerate(spans)}
    children = np.full((len(spans), 2), -1, np.int64)
    variable = np.full(len(spans), -1, np.int64)
    for (first, last), node in place.items():
        if last - first == 1:
            variable[node] = first
        else:
            middle = split(first, last)
            children[node] = place[first, middle], place[middle, last]
    return Vtree(children, variable)


def random_circuit(vtree: Vtree, units: int, categories: int, rng: np.random.Generator) -> Circuit:
    """Sums over `units` random products of the children's units everywhere, with random weights."""
    layers: list[Layer] = []
    for node, (left, right) in enumerate(vtree.children):
        if left < 0:
            layers.append(Layer(inputs=_random_rows(rng, units, categories)))
            continue
        pairs = np.stack([rng.integers(0, layers[child].units, 2 * units) for child in (left, right)])
        outputs = 1 if node == len(vtree.variable) - 1 else units
        layers.append(Layer(pairs=pairs, weights=_random_rows(rng, outputs, 2 * units)))
    if len(layers) == 1:
        layers[0] = Layer(inputs=layers[0].inputs, weights=_random_rows(rng, 1, units))
    return Circuit(vtree, layers)


def _random_rows(rng: np.random.Generator, rows: int, columns: int) -> Float:
    rows_ = rng.random((rows, columns)) ** 3 + 1e-3
    normalised: Float = rows_ / rows_.sum(1, keepdims=True)
    return normalised
