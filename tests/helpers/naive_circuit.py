"""What tests and benches of the circuit coders share: latent trees of given shapes, and the naive coder."""

from __future__ import annotations

import numpy as np

from codec.entropy.coder import Coder
from codec.models.research.circuit import Circuit, LatentTree
from codec.research.exact import block_sums, code_values, quantise, renorm
from codec.research.general import ascend, descend, elements_of


def rows(rng: np.random.Generator, *shape: int) -> np.ndarray:
    values = rng.random(shape) ** 4 + 1e-4
    return values / values.sum(-1, keepdims=True)


def preorder(parent: np.ndarray) -> np.ndarray:
    """The same tree with its nodes in depth-first preorder."""
    order, stack = [], [0]
    while stack:
        order.append(stack.pop())
        stack += np.flatnonzero(parent == order[-1])[::-1].tolist()
    place = np.argsort(order)
    return np.array([-1 if parent[node] < 0 else place[parent[node]] for node in order])


def latent_tree(shape: str, count: int, states: int = 3, categories: int = 4, seed: int = 0) -> LatentTree:
    rng = np.random.default_rng(seed)
    parents = {
        "chain": np.arange(-1, count - 1),
        "star": np.minimum(np.arange(-1, count - 1), 0),
        "random": np.array([-1] + [int(rng.integers(node)) for node in range(1, count)]),
    }
    variable, root = rng.permutation(count), rows(rng, states)
    return LatentTree(
        preorder(parents[shape]), variable, root, rows(rng, count, states, states), rows(rng, count, states, categories)
    )


def integers(tree: LatentTree) -> LatentTree:
    weights = (quantise(part) for part in (tree.root, tree.transitions, tree.emissions))
    return LatentTree(tree.parent, tree.variable, *weights)


def probabilities(tree: LatentTree) -> LatentTree:
    return LatentTree(
        tree.parent, tree.variable, *(part / 2**20 for part in (tree.root, tree.transitions, tree.emissions))
    )


def naive_code(coder: Coder, images: np.ndarray | None, count: int, circuit: Circuit) -> tuple[np.ndarray, int]:
    """For each variable every node bottom-up, then down from the root: the values and the nodes evaluated."""
    vtree = circuit.vtree
    out = np.zeros((count, len(vtree.leaves())), np.int32)
    seen, nodes = np.zeros(out.shape[1], bool), 0
    parents = vtree.parents
    for leaf in vtree.leaves():
        units: list[np.ndarray] = []
        for node, layer in enumerate(circuit.layers):
            left, right = vtree.children[node]
            if layer.inputs is not None:
                variable = vtree.variable[node]
                inputs = layer.inputs.T[out[:, variable]] if seen[variable] else np.ones((count, len(layer.inputs)))
                units.append(ascend(layer, renorm(inputs), None))
            else:
                units.append(ascend(layer, units[left], units[right]))
            nodes += 1
        path = [leaf]
        while parents[path[-1]] >= 0:
            path.append(int(parents[path[-1]]))
        belief = renorm(np.ones((count, 1)))
        for node, child in zip(path[:0:-1], path[-2::-1], strict=True):
            left, right = vtree.children[node]
            belief = descend(circuit, node, child, belief, units[right if child == left else left])
        variable, layer = vtree.variable[leaf], circuit.layers[leaf]
        known = None if images is None else images[:, variable].astype(np.int32)
        out[:, variable] = code_values(coder, known, elements_of(layer, belief), block_sums(layer.inputs))
        seen[variable] = True
    return out, nodes
