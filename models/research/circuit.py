"""Smooth, structured-decomposable probabilistic circuits over a vtree, as plain arrays.

A vtree is a binary tree whose leaves are the variables; a circuit gives every vtree node a layer of
units that all have the node's variables as their scope. With that, a marginal is one bottom-up pass
in which the units of unseen variables are 1, and what a variable changes is the path above its leaf.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Int = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Vtree:
    """Nodes 0..2D-2, children before parents, the root last.

    `children`: int [2D-1, 2], left and right; -1 at leaves. `variable`: int [2D-1], the leaf's
    variable; -1 at inner nodes.
    """

    children: Int
    variable: Int

    @property
    def parents(self) -> Int:
        """int [2D-1]; -1 for the root."""
        parents = np.full(len(self.variable), -1, np.int64)
        for node, pair in enumerate(self.children):
            if pair[0] >= 0:
                parents[pair] = node
        return parents

    def leaves(self) -> list[int]:
        """The leaves from left to right: the order in which variables are coded."""
        found, stack = [], [len(self.variable) - 1]
        while stack:
            node = stack.pop()
            left, right = self.children[node]
            if left < 0:
                found.append(node)
            else:
                stack += [int(right), int(left)]
        return found


@dataclass(frozen=True, eq=False)
class Layer:
    """The N units of one vtree node: mixtures of K elements.

    `inputs`: [K, C], the elements of a leaf, distributions over the variable's C values; else None.
    `pairs`: int [2, K], the elements of an inner node, products of a left and a right unit; else None.
    `weights`: [N, K], rows sum to 1; None if the units are the elements themselves.
    """

    inputs: Float | None = None
    pairs: Int | None = None
    weights: Float | None = None

    @property
    def elements(self) -> int:
        if self.inputs is not None:
            return len(self.inputs)
        assert self.pairs is not None
        return self.pairs.shape[1]

    @property
    def units(self) -> int:
        return self.elements if self.weights is None else len(self.weights)

    @property
    def edges(self) -> int:
        """Edges into the sums, and into the products below them."""
        return (0 if self.pairs is None else self.pairs.size) + (0 if self.weights is None else self.weights.size)


@dataclass(frozen=True, eq=False)
class Circuit:
    """A layer for every vtree node; the root's has one unit. Raises ValueError for layers that do not fit."""

    vtree: Vtree
    layers: list[Layer]

    def __post_init__(self) -> None:
        if len(self.layers) != len(self.vtree.variable) or self.layers[-1].units != 1:
            raise ValueError("A circuit needs one layer for each vtree node and one unit at the root.")
        for node, layer in enumerate(self.layers):
            left, right = self.vtree.children[node]
            if (left < 0) != (layer.inputs is not None) or (layer.pairs is None) != (layer.inputs is not None):
                raise ValueError(f"Layer {node} must have inputs at a leaf and pairs at an inner node.")
            if layer.weights is not None and layer.weights.shape[1] != layer.elements:
                raise ValueError(f"Layer {node} has {layer.weights.shape[1]} weights for {layer.elements} elements.")
            if layer.pairs is not None and (
                layer.pairs.min() < 0
                or layer.pairs[0].max() >= self.layers[left].units
                or layer.pairs[1].max() >= self.layers[right].units
            ):
                raise ValueError(f"Layer {node} multiplies units that its children do not have.")

    @property
    def edges(self) -> int:
        """|p|, the size of the circuit."""
        return sum(layer.edges for layer in self.layers)


def log_marginal(circuit: Circuit, values: NDArray[np.integer], seen: NDArray[np.bool_] | None = None) -> Float:
    """ln p of the seen variables (default: all), [B], for `values` [B, D]; `seen` is [D] or [B, D]."""
    values = np.asarray(values)
    seen = np.broadcast_to(True if seen is None else seen, values.shape)
    results: list[tuple[Float, Float]] = []  # units [B, N] with their largest scaled to 1, ln scale [B]
    for node, layer in enumerate(circuit.layers):
        if layer.inputs is not None:
            variable = circuit.vtree.variable[node]
            elements = np.where(seen[:, variable, None], layer.inputs.T[values[:, variable]], 1.0)
            scale = np.zeros(len(values))
        else:
            assert layer.pairs is not None
            left, right = (results[child] for child in circuit.vtree.children[node])
            elements = left[0][:, layer.pairs[0]] * right[0][:, layer.pairs[1]]
            scale = left[1] + right[1]
        units = elements if layer.weights is None else elements @ layer.weights.T
        largest = units.max(1)
        results.append((units / largest[:, None], scale + np.log(largest)))
    return results[-1][1] + np.log(results[-1][0][:, 0])


@dataclass(frozen=True, eq=False)
class LatentTree:
    """A tree of D hidden variables with M states, each with one observed variable of C values.

    Nodes are in depth-first preorder, so `parent[i]` < i, and `parent[0]` is -1. `variable`: int [D],
    the observed variable of each node. `root`: [M]. `transitions`: [D, M, M], the rows of [i] are
    p(z_i | z_parent); [0] is unused. `emissions`: [D, M, C]. All rows are distributions.
    """

    parent: Int
    variable: Int
    root: Float
    transitions: Float
    emissions: Float


def circuit_of(tree: LatentTree) -> Circuit:
    """The latent tree as a circuit, coding its variables in the order of the tree's nodes.

    At node i the leaf of its variable is multiplied with its children's subtrees one after another;
    the last product is summed over z_i into one unit for each state of the parent.
    """
    count, states = len(tree.parent), len(tree.root)
    below: list[list[int]] = [[] for _ in range(count)]
    for node in range(1, count):
        below[tree.parent[node]].append(node)
    same = np.tile(np.arange(states), (2, 1))
    children: list[tuple[int, int]] = []
    variable: list[int] = []
    layers: list[Layer] = []
    top = [0] * count  # the vtree node of each subtree
    for node in reversed(range(count)):
        weights = tree.root[None] if node == 0 else tree.transitions[node]
        here = len(layers)
        children.append((-1, -1))
        variable.append(int(tree.variable[node]))
        layers.append(Layer(inputs=tree.emissions[node], weights=None if below[node] else weights))
        for child in below[node]:
            children.append((here, top[child]))
            variable.append(-1)
            here = len(layers)
            layers.append(Layer(pairs=same, weights=weights if child == below[node][-1] else None))
        top[node] = here
    return Circuit(Vtree(np.array(children, np.int64), np.array(variable, np.int64)), layers)
