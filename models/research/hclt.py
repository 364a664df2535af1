"""Hidden Chow-Liu trees: structure from mutual information, likelihoods, and learning by EM.

Every pixel hangs on a hidden variable with M states, and the hidden variables form the maximum
spanning tree of the pixels' mutual information. Passes are in the linear domain with a scale for each
message, a level of the tree at once. Coding happens elsewhere, in integers; this is for training.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codec.models.research.circuit import LatentTree

_BINS = 8
# Pseudo-counts of other distributions, for each one of an emission's; from held-out MNIST, flat around here.
_TRANSITIONS = 0.1
_HISTOGRAMS = 300.0
_INDEPENDENT = 1e-6  # nats; less than this between two variables counts as nothing


def mutual_information(images: NDArray[np.uint8], categories: int = 256) -> NDArray[np.float64]:
    """Mutual information of all pairs of variables, [D, D] in nats, from `images` [N, D] in 8 bins."""
    bins = min(_BINS, categories)
    count, variables = images.shape
    joint = torch.zeros(variables * bins, variables * bins)
    for rows in np.array_split(images, -(-count // 2000)):
        binned = torch.from_numpy(rows.astype(np.int64) * bins // categories)
        hot = torch.nn.functional.one_hot(binned, bins).flatten(1).float()
        joint += hot.T @ hot
    p = joint.view(variables, bins, variables, bins) / count
    information = torch.empty(variables, variables, dtype=torch.float64)
    for i in range(variables):
        pair = p[i].double()  # [bins of i, D, bins]
        mine, others = pair.sum(2, keepdim=True), pair.sum(0, keepdim=True)
        information[i] = torch.xlogy(pair, pair / (mine * others).clamp_min(1e-30)).sum((0, 2))
    return ((information + information.T) / 2).numpy()


def chow_liu_tree(information: NDArray[np.float64]) -> NDArray[np.int64]:
    """The parent of every variable [D] in a maximum spanning tree; -1 at its root, the middle of a longest path.

    Variables that tell nothing about any other would make one node's hundreds of children; any tree of
    them is maximal, so they get a balanced one.
    """
    from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

    information = information.copy()
    np.fill_diagonal(information, 0)
    free = np.flatnonzero(information.max(1) < _INDEPENDENT)
    tied = np.setdiff1d(np.arange(len(information)), free)
    if not len(tied):
        free, tied = free[1:], free[:1]
    inner = information[np.ix_(tied, tied)]
    tree = minimum_spanning_tree(inner.max() + 1 - inner)  # entries of 0 would be no edges
    end, _ = _farthest(tree, 0)
    other, before = _farthest(tree, end)
    path = [other]
    while path[-1] != end:
        path.append(int(before[path[-1]]))
    _, before = breadth_first_order(tree, path[len(path) // 2], directed=False)
    parent = np.full(len(information), -1, np.int64)
    inside = before >= 0
    parent[tied[inside]] = tied[before[inside]]
    root = tied[path[len(path) // 2]]
    for place, variable in enumerate(free):
        parent[variable] = free[(place - 1) // 2] if place else root
    return parent


def _farthest(tree: NDArray[np.float64], start: int) -> tuple[int, NDArray[np.int32]]:
    """A node with the most edges to `start`, and every node's predecessor on the way from there."""
    from scipy.sparse.csgraph import breadth_first_order

    order, before = breadth_first_order(tree, start, directed=False)
    return int(order[-1]), before  # breadth first: the last one reached is farthest


@dataclass(eq=False)
class Flows:
    """Expected counts of use: `root` [M], `transitions` [D, M, M], `emissions` [D, C, M], of `images` images."""

    root: Tensor
    transitions: Tensor
    emissions: Tensor
    images: float = 0.0

    def add(self, other: Flows) -> None:
        self.images += other.images
        for mine, its in zip(self.tensors(), other.tensors(), strict=True):
            mine.add_(its)

    def approach(self, other: Flows, step: float) -> None:
        """Move towards another's flows for each image: a running mean that forgets."""
        for mine, its in zip(self.tensors(), other.tensors(), strict=True):
            mine.lerp_(its / other.images, step)
        self.images = 1.0

    def tensors(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.root, self.transitions, self.emissions


class HCLT:
    """A hidden Chow-Liu tree of D variables with C values and M states, float32.

    Nodes are ordered by level; `variable[i]` is the observed variable of node i. `root` [M],
    `transitions` [D, M, M] (rows of [i]: p(z_i | z_parent)), `emissions` [D, C, M] (columns: p(x_i | z_i)).
    """

    def __init__(self, parent: NDArray[np.int64], states: int, categories: int = 256, seed: int = 0) -> None:
        """`parent` [D] of the observed variables; random weights that break the states' symmetry."""
        depth = _depths(parent)
        # Within a level first children come first, then second ones: each such run has distinct parents.
        rank = _ranks(parent)
        self.variable = np.lexsort((rank, depth))
        place = np.argsort(self.variable)
        self.parent = torch.from_numpy(np.where(parent < 0, -1, place[parent])[self.variable])
        self._runs = _runs(depth[self.variable], rank[self.variable])
        self.states, self.categories = states, categories
        generator = torch.Generator().manual_seed(seed)
        self.root = _normalised(0.1 + torch.rand(states, generator=generator))
        shape = (len(parent), states, states)
        self.transitions = _normalised(0.1 + torch.rand(shape, generator=generator))
        noise = 0.2 + torch.rand((len(parent), states, categories), generator=generator)
        self.emissions = _normalised(noise).mT.contiguous()

    def start_from(self, images: NDArray[np.uint8]) -> None:
        """Multiply the random emissions with each variable's own histogram in `images` [N, D]."""
        histogram = np.stack([np.bincount(images[:, v], minlength=self.categories) for v in self.variable])
        smooth = torch.from_numpy(histogram).float() + 0.1
        self.emissions = _normalised((self.emissions * smooth[:, :, None]).mT).mT.contiguous()

    def no_flows(self) -> Flows:
        """Zeros, to be added to or to approach others."""
        root, transitions, emissions = (torch.zeros_like(t) for t in (self.root, self.transitions, self.emissions))
        return Flows(root, transitions, emissions)

    def log_likelihood(self, images: Tensor) -> Tensor:
        """ln p of `images` [B, D] (uint8, variables in their own order), float64 [B]."""
        return self._upward(images)[0]

    def flows(self, images: Tensor) -> tuple[Tensor, Flows]:
        """ln p [B] and the expected counts for `images` [B, D]."""
        log_p, index, beta, message = self._upward(images)
        post = beta  # node by node from the root, the posterior takes the likelihood's place
        post[0] = _normalised(beta[0] * self.root)
        transitions = torch.zeros_like(self.transitions)
        for run in self._levels():
            ratio = post[self.parent[run]] / message[run].clamp_min(1e-30)
            torch.bmm(ratio.mT, beta[run], out=transitions[run])
            post[run] *= torch.bmm(ratio, self.transitions[run])
        transitions *= self.transitions
        emissions = torch.zeros_like(self.emissions)
        emissions.view(-1, self.states).index_add_(0, index.flatten(), post.view(-1, self.states))
        return log_p, Flows(post[0].sum(0), transitions, emissions, float(len(images)))

    def maximise(self, flows: Flows, smoothing: float = 10.0, scale: float | None = None) -> None:
        """The M-step. `smoothing`: pseudo-counts for each distribution, for `scale` images (default: the flows' own).

        A state's emissions are smoothed towards its variable's histogram, and that towards the histogram
        of all variables: values are many and most of them rare.
        """
        pseudo = smoothing * flows.images / (scale or flows.images)
        self.root = _normalised(flows.root + _TRANSITIONS * pseudo / self.states)
        self.transitions = _normalised(flows.transitions + _TRANSITIONS * pseudo / self.states)
        histograms = flows.emissions.sum(2)
        everywhere = _normalised(histograms.sum(0) + _TRANSITIONS * pseudo / self.categories)
        histograms = _normalised(histograms + _HISTOGRAMS * pseudo * everywhere)
        emissions = flows.emissions + pseudo * histograms[:, :, None]
        self.emissions = emissions / emissions.sum(1, keepdim=True)

    def to_tree(self) -> LatentTree:
        """The tree for coding: nodes in depth-first preorder, smaller subtrees first, in float64."""
        parent = self.parent.tolist()
        sizes = np.ones(len(parent), np.int64)
        for node in range(len(parent) - 1, 0, -1):
            sizes[parent[node]] += sizes[node]
        below: list[list[int]] = [[] for _ in parent]
        for node in sorted(range(1, len(parent)), key=lambda n: (sizes[n], n)):
            below[parent[node]].append(node)
        order, stack = [], [0]
        while stack:
            order.append(stack.pop())
            stack += reversed(below[order[-1]])
        place = np.argsort(order)
        parents = np.array([-1 if parent[n] < 0 else place[parent[n]] for n in order], np.int64)
        transitions, emissions = self.transitions[order].double().numpy(), self.emissions[order].mT.double().numpy()
        return LatentTree(parents, self.variable[order], self.root.double().numpy(), transitions, emissions)

    def _levels(self) -> Iterator[slice]:
        for level in self._runs[1:]:
            yield slice(level[0].start, level[-1].stop)

    def _upward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """ln p, rows of the emission table [D, B], likelihoods beta [D, B, M] of sum 1, messages [D, B, M]."""
        values = images.T[self.variable].long()
        index = values + torch.arange(len(values))[:, None] * self.categories
        sums = self.emissions.sum(2)
        table = self.emissions / sums[:, :, None]
        beta = table.view(-1, self.states)[index.flatten()].view(*index.shape, self.states)
        log_p = sums.view(-1)[index.flatten()].view(index.shape).log().double().sum(0)
        message = torch.empty_like(beta)
        for level in self._runs[:0:-1]:
            for run in level:
                torch.bmm(beta[run], self.transitions[run].mT, out=message[run])
                parents = self.parent[run]
                product = beta[parents] * message[run]
                scale = product.sum(2, keepdim=True)  # after each child: float32 has no room for two
                beta[parents] = product / scale
                log_p += scale.log().double().sum((0, 2))
        return log_p + (beta[0] @ self.root).log().double(), index, beta, message


def _normalised(values: Tensor) -> Tensor:
    return values / values.sum(-1, keepdim=True)


def _depths(parent: NDArray[np.int64]) -> NDArray[np.int64]:
    depth = np.zeros(len(parent), np.int64)
    above = parent.copy()
    while (above >= 0).any():
        depth += above >= 0
        above = np.where(above >= 0, parent[above], -1)
    return depth


def _ranks(parent: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many nodes with the same parent come before each."""
    seen: dict[int, int] = {}
    ranks = np.empty(len(parent), np.int64)
    for node, above in enumerate(parent.tolist()):
        ranks[node] = seen[above] = seen.get(above, -1) + 1
    return ranks


def _runs(depth: NDArray[np.int64], rank: NDArray[np.int64]) -> list[list[slice]]:
    """Runs of nodes of one rank, for each level."""
    edges = np.flatnonzero((np.diff(depth) != 0) | (np.diff(rank) != 0)) + 1
    starts = [0, *edges.tolist()]
    levels: list[list[slice]] = [[] for _ in range(int(depth[-1]) + 1)]
    for start, stop in zip(starts, [*starts[1:], len(depth)], strict=True):
        levels[depth[start]].append(slice(start, stop))
    return levels
