"""The coder of any structured-decomposable circuit: the scheme of Liu, Mandt and Van den Broeck (ICLR 2022).

Variables are coded in the vtree's order. What the next one needs is a path of the vtree: below the
lowest node that holds all variables so far, everything left of the path keeps its value, everything
right of it is unseen, and above it nothing depends on the data. On a balanced vtree that touches
|p| log D units instead of the |p| D of a full evaluation for every variable.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.entropy import Coder
from codec.models.research.circuit import Circuit, Layer
from codec.research.exact import Float, Int32, block_sums, check_exact, code_values, quantise, renorm


@dataclass
class Work:
    """What was evaluated again for each image: vtree nodes on the paths, and edges of the circuit in them."""

    nodes: int = 0
    edges: int = 0


def quantised(circuit: Circuit) -> Circuit:
    """The circuit with integer weights of sum 2^20, as `code_images` takes it."""
    layers = []
    for layer in circuit.layers:
        inputs = None if layer.inputs is None else quantise(layer.inputs)
        weights = None if layer.weights is None else quantise(layer.weights)
        layers.append(Layer(inputs, layer.pairs, weights))
    return Circuit(circuit.vtree, layers)


def code_images(
    coder: Coder, images: NDArray[np.integer] | None, count: int, circuit: Circuit, work: Work | None = None
) -> Int32:
    """Codes `images` [B, D], or decodes `count` of them, with a `quantised` circuit; returns them as int32 [B, D]."""
    for layer in circuit.layers:
        for matrix in (layer.inputs, layer.weights):
            if matrix is not None:
                check_exact(matrix)
    vtree, work = circuit.vtree, work or Work()
    parents, leaves = vtree.parents, vtree.leaves()
    prior = top_down(circuit)
    values: dict[int, Float] = {}  # units [B, N] of the nodes whose variables are all coded
    out = np.empty((count, len(leaves)), np.int32)
    for leaf in leaves:
        path = path_to(leaf, leaves[0], parents)
        belief = np.broadcast_to(prior[path[-1]], (count, prior[path[-1]].shape[-1]))
        for node, child in zip(path[:0:-1], path[-2::-1], strict=True):
            left = int(vtree.children[node, 0])
            belief = descend(circuit, node, child, belief, None if child == left else values[left])
        variable, layer = vtree.variable[leaf], circuit.layers[leaf]
        assert layer.inputs is not None
        known = None if images is None else images[:, variable].astype(np.int32)
        out[:, variable] = code_values(coder, known, elements_of(layer, belief), block_sums(layer.inputs))
        values[leaf] = ascend(layer, renorm(layer.inputs.T[out[:, variable]]), None)
        for node, child in zip(path[1:], path, strict=False):
            left, right = vtree.children[node]
            if child == left:
                break  # this node and those above it have unseen variables
            values[node] = ascend(circuit.layers[node], values[left], values[right])
        work.nodes += len(path)
        work.edges += sum(circuit.layers[node].edges for node in path)
    return out


def path_to(leaf: int, first: int, parents: NDArray[np.int64]) -> list[int]:
    """The nodes from a leaf up to the lowest one that also holds the first leaf."""
    spine = set()
    node = first
    while node >= 0:
        spine.add(node)
        node = int(parents[node])
    path = [leaf]
    while path[-1] not in spine:
        path.append(int(parents[path[-1]]))
    return path


def top_down(circuit: Circuit) -> list[Float]:
    """The probability, for every node [1, N], that a unit is reached from the root when nothing is seen."""
    prior = [np.ones((1, layer.units)) for layer in circuit.layers]
    prior[-1] = renorm(prior[-1])
    for node in reversed(range(len(prior))):
        for child in circuit.vtree.children[node]:
            if child >= 0:
                prior[child] = descend(circuit, node, int(child), prior[node], None)
    return prior


def elements_of(layer: Layer, belief: Float) -> Float:
    """Belief over a layer's units [B, N] -> over its elements [B, K]."""
    return belief if layer.weights is None else renorm(belief @ layer.weights)


def descend(circuit: Circuit, node: int, child: int, belief: Float, other: Float | None) -> Float:
    """Belief over a node's units -> over those of a child, given the other child's units (None: unseen)."""
    layer = circuit.layers[node]
    assert layer.pairs is not None
    mine, others = layer.pairs if child == circuit.vtree.children[node, 0] else layer.pairs[::-1]
    elements = elements_of(layer, belief)
    if other is not None:
        elements = renorm(elements * other[:, others])
    chosen = np.zeros((layer.elements, circuit.layers[child].units))
    chosen[np.arange(layer.elements), mine] = 1
    return renorm(elements @ chosen)


def ascend(layer: Layer, left: Float, right: Float | None) -> Float:
    """The units of a node [B, N] from those of its two children, or of a leaf from the values of its inputs."""
    elements = left
    if right is not None:
        assert layer.pairs is not None
        elements = renorm(left[:, layer.pairs[0]] * right[:, layer.pairs[1]])
    return elements if layer.weights is None else renorm(elements @ layer.weights.T)
