"""Circuits and their coders: marginals by brute force, three coders with equal bytes, exact counts of work."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from helpers.circuits import balanced_vtree, chain_vtree, random_circuit
from helpers.naive_circuit import integers, latent_tree, naive_code, probabilities

from codec.entropy import Decoder, Encoder
from codec.models.research.circuit import Circuit, Vtree, circuit_of, log_marginal
from codec.research import general, tour
from codec.research.general import path_to

VTREES = [balanced_vtree(6), chain_vtree(6)]


def encoded(code, images: np.ndarray, model) -> bytes:  # type: ignore[no-untyped-def]
    """The bytes of images, which are checked to come back."""
    encoder = Encoder()
    code(encoder, images, len(images), model)
    data = encoder.finish()
    decoder = Decoder(data)
    assert np.array_equal(code(decoder, None, len(images), model), images)
    decoder.finish()
    assert decoder.checksum == encoder.checksum
    return data


class Recorder(Encoder):
    """An encoder that keeps the pmfs it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.pmfs: list[np.ndarray] = []

    def code_pmfs(self, symbols, pmfs, precision):  # type: ignore[no-untyped-def]
        self.pmfs.append(np.asarray(pmfs))
        return super().code_pmfs(symbols, pmfs, precision)


@pytest.mark.parametrize("vtree", VTREES)
def test_probabilities_of_all_values_sum_to_one(vtree: Vtree) -> None:
    circuit = random_circuit(vtree, 3, 3, np.random.default_rng(1))
    every = np.array(list(itertools.product(range(3), repeat=6)))
    p = np.exp(log_marginal(circuit, every))
    assert p.sum() == pytest.approx(1, abs=1e-12)
    seen = np.array([True, False, True, True, False, False])
    same = (every[:, seen] == every[100, seen]).all(1)
    assert p[same].sum() == pytest.approx(np.exp(log_marginal(circuit, every[100:101], seen))[0], rel=1e-12)


@pytest.mark.parametrize("shape", ["chain", "star", "random"])
def test_a_latent_tree_as_a_circuit_is_the_sum_over_its_states(shape: str) -> None:
    tree = latent_tree(shape, 4)
    images = np.random.default_rng(2).integers(0, 4, (5, 4))
    p = np.zeros(5)
    for z in itertools.product(range(3), repeat=4):
        joint = np.full(5, tree.root[z[0]])
        for node in range(4):
            joint *= tree.emissions[node, z[node], images[:, tree.variable[node]]]
            if node:
                joint *= tree.transitions[node, z[tree.parent[node]], z[node]]
        p += joint
    assert np.exp(log_marginal(circuit_of(tree), images)) == pytest.approx(p, rel=1e-12)


@pytest.mark.parametrize("vtree", VTREES)
def test_the_path_coder_gives_the_bytes_of_the_naive_one(vtree: Vtree) -> None:
    circuit = general.quantised(random_circuit(vtree, 4, 32, np.random.default_rng(3)))
    images = np.random.default_rng(4).integers(0, 32, (20, 6))
    naive = encoded(lambda *a: naive_code(*a)[0], images, circuit)
    assert encoded(general.code_images, images, circuit) == naive


@pytest.mark.parametrize("shape", ["chain", "star", "random"])
def test_tour_path_and_naive_coder_give_the_same_bytes(shape: str) -> None:
    tree = integers(latent_tree(shape, 9, categories=32))
    images = np.random.default_rng(5).integers(0, 32, (20, 9))
    naive = encoded(lambda *a: naive_code(*a)[0], images, circuit_of(tree))
    assert encoded(general.code_images, images, circuit_of(tree)) == naive
    assert encoded(tour.code_images, images, tour.prepare(tree)) == naive


def test_coded_conditionals_are_ratios_of_marginals() -> None:
    tree = integers(latent_tree("random", 6))
    images = np.random.default_rng(6).integers(0, 4, (200, 6))
    recorder = Recorder()
    tour.code_images(recorder, images, len(images), tour.prepare(tree))
    circuit, seen = circuit_of(probabilities(tree)), np.zeros(6, bool)
    before = np.zeros(len(images))
    for variable, pmf in zip(tree.variable, recorder.pmfs, strict=True):
        seen[variable] = True
        after = log_marginal(circuit, images, seen)
        coded = pmf[np.arange(len(images)), images[:, variable]] / 2**20
        assert np.abs(coded - np.exp(after - before)).max() < 2e-5
        before = after


@pytest.mark.parametrize(("variables", "nodes"), [(8, 25), (64, 385), (256, 2049), (1024, 10241)])
def test_the_path_coder_touches_d_log_d_nodes_of_a_balanced_vtree(variables: int, nodes: int) -> None:
    circuit = general.quantised(random_circuit(balanced_vtree(variables), 1, 2, np.random.default_rng(7)))
    work = general.Work()
    general.code_images(Encoder(), np.zeros((1, variables), np.int32), 1, circuit, work)
    assert work.nodes == nodes == variables * (variables.bit_length() - 1) + 1


def test_edges_of_the_path_coder_grow_like_size_times_log_d() -> None:
    ratios = []
    for variables in (8, 32, 128):
        circuit = general.quantised(random_circuit(balanced_vtree(variables), 2, 4, np.random.default_rng(8)))
        work = general.Work()
        general.code_images(Encoder(), np.zeros((1, variables), np.int32), 1, circuit, work)
        ratios.append(work.edges / (circuit.edges * np.log2(variables)))
    assert max(ratios) < 1
    assert max(ratios) < 1.3 * min(ratios)


def test_the_naive_coder_evaluates_every_node_for_every_variable() -> None:
    for variables in (4, 8, 16):
        circuit = general.quantised(random_circuit(balanced_vtree(variables), 1, 2, np.random.default_rng(9)))
        _, nodes = naive_code(Encoder(), np.zeros((1, variables), np.int32), 1, circuit)
        assert nodes == variables * (2 * variables - 1)


def test_a_chain_costs_the_path_coder_d_squared() -> None:
    """So the counter counts: depth is what it pays for."""
    vtree = chain_vtree(100)
    parents, leaves = vtree.parents, vtree.leaves()
    nodes = sum(len(path_to(leaf, leaves[0], parents)) for leaf in leaves)
    circuit, work = general.quantised(random_circuit(vtree, 1, 2, np.random.default_rng(10))), general.Work()
    general.code_images(Encoder(), np.zeros((1, 100), np.int32), 1, circuit, work)
    assert work.nodes == nodes
    assert 100**2 / 2 < nodes < 1.1 * 100**2 / 2


@pytest.mark.parametrize("shape", ["chain", "star", "random"])
@pytest.mark.parametrize("count", [1, 2, 40, 300])
def test_the_tour_crosses_each_edge_once_down_and_at_most_once_up(shape: str, count: int) -> None:
    tree, work = integers(latent_tree(shape, count, states=2, categories=2)), tour.Work()
    tour.code_images(Encoder(), np.zeros((1, count), np.int32), 1, tour.prepare(tree), work)
    depth, node = 0, count - 1
    while tree.parent[node] >= 0:
        depth, node = depth + 1, tree.parent[node]
    assert (work.leaves, work.down) == (count, count - 1)
    assert work.up == count - 1 - depth  # nothing after the last node asks for what lies above it


def test_a_batch_of_one_gets_the_pmfs_it_has_among_others() -> None:
    model = tour.prepare(integers(latent_tree("random", 12, states=5, categories=48)))
    images = np.random.default_rng(11).integers(0, 48, (64, 12))
    together, alone = Recorder(), Recorder()
    tour.code_images(together, images, 64, model)
    tour.code_images(alone, images[37:38], 1, model)
    assert all(np.array_equal(a[37:38], b) for a, b in zip(together.pmfs, alone.pmfs, strict=True))


def test_real_bytes_are_the_likelihood() -> None:
    tree = integers(latent_tree("random", 30, states=4, categories=256))
    images = np.random.default_rng(12).integers(0, 256, (300, 30))
    data = encoded(tour.code_images, images, tour.prepare(tree))
    ideal = -log_marginal(circuit_of(probabilities(tree)), images).sum() / np.log(2) / 8
    assert len(data) == pytest.approx(ideal, rel=0.002)


def test_layers_that_do_not_fit_are_refused() -> None:
    circuit = random_circuit(balanced_vtree(2), 2, 3, np.random.default_rng(13))
    for layers in (circuit.layers[:-1], [*circuit.layers[:-1], circuit.layers[0]]):
        with pytest.raises(ValueError):
            Circuit(circuit.vtree, layers)
