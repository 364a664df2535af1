"""The coder of latent trees: one walk over the tree, O(|p|) for an image, whatever the tree's shape.

At a node it keeps the belief over its hidden state from everything coded outside its subtree, and the
likelihood of what is coded inside. Depth first, a subtree is finished before anything around it
changes, so every edge is crossed once down and at most once up. Images go through it in lock-step.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from codec.entropy import Coder
from codec.models.research.circuit import LatentTree
from codec.research.exact import Float, Int32, block_sums, check_exact, code_values, renorm


@dataclass
class Work:
    """Matrix products of a walk for each image: `down` and `up` M x M, `leaves` M x C."""

    down: int = 0
    up: int = 0
    leaves: int = 0


@dataclass(frozen=True, eq=False)
class Tour:
    """A latent tree of integer weights, laid out for coding; `prepare` makes it."""

    tree: LatentTree
    sums: Float = field(repr=False)  # [D, M, C], emissions as `block_sums`
    columns: Float = field(repr=False)  # [D, C, M], the likelihood of each value


def prepare(tree: LatentTree) -> Tour:
    """Lay out a tree whose rows are integers of sum 2^20; FormatError if its products would not be exact."""
    for matrix in (tree.root[None], tree.transitions[1:], tree.emissions):
        if matrix.size:
            check_exact(matrix)
    columns = renorm(np.ascontiguousarray(tree.emissions.swapaxes(1, 2)))
    return Tour(tree, block_sums(tree.emissions), columns)


def code_images(
    coder: Coder, images: NDArray[np.integer] | None, count: int, tour: Tour, work: Work | None = None
) -> Int32:
    """Codes `images` [B, D] of the tree's variables, or decodes `count` of them; returns them as int32 [B, D]."""
    tree, work = tour.tree, work or Work()
    out = np.empty((count, len(tree.parent)), np.int32)
    stack: list[int] = []
    beliefs: list[Float] = []  # for each node on the stack, [B, M]: outside its subtree
    likelihoods: list[Float] = []  # [B, M]: what is coded inside it
    for node, (parent, variable) in enumerate(zip(tree.parent.tolist(), tree.variable.tolist(), strict=True)):
        while stack and stack[-1] != parent:
            done = stack.pop()
            beliefs.pop()
            message = renorm(likelihoods.pop() @ tree.transitions[done].T)
            likelihoods[-1] = renorm(likelihoods[-1] * message)
            work.up += 1
        if stack:
            belief = renorm(renorm(beliefs[-1] * likelihoods[-1]) @ tree.transitions[node])
            work.down += 1
        else:
            belief = np.broadcast_to(renorm(tree.root), (count, len(tree.root)))
        values = None if images is None else images[:, variable].astype(np.int32)
        out[:, variable] = code_values(coder, values, belief, tour.sums[node])
        work.leaves += 1
        stack.append(node)
        beliefs.append(belief)
        likelihoods.append(tour.columns[node][out[:, variable]])
    return out
