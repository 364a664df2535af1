"""Hidden Chow-Liu trees: structure, expected counts, EM, and a training run from idx files to coded bytes."""

from __future__ import annotations

import gzip
import itertools
import json
import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from codec.errors import CodecError, MediaError
from codec.models.research.circuit import circuit_of, log_marginal
from codec.models.research.hclt import HCLT, chow_liu_tree, mutual_information
from codec.research import hclt, idx
from codec.weights import fingerprint


def markov_images(count: int, variables: int, categories: int = 8, seed: int = 0) -> np.ndarray:
    """Each variable is the one before, or with one chance in four anything."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, categories, (count, variables))
    for v in range(1, variables):
        images[:, v] = np.where(rng.random(count) < 0.75, images[:, v - 1], images[:, v])
    return images.astype(np.uint8)


def learned(parent: np.ndarray, images: np.ndarray, states: int = 4, steps: int = 30) -> float:
    """Mean ln p after some full-batch steps."""
    model = HCLT(parent, states, 8)
    model.start_from(images)
    for _ in range(steps):
        model.maximise(model.flows(torch.from_numpy(images))[1], 0.1)
    return float(model.log_likelihood(torch.from_numpy(images)).mean())


def edges(parent: np.ndarray) -> set[frozenset[int]]:
    return {frozenset((v, int(p))) for v, p in enumerate(parent) if p >= 0}


def test_mutual_information_is_that_of_the_joint_histogram() -> None:
    images = markov_images(5000, 3)
    joint = np.zeros((8, 8))
    np.add.at(joint, (images[:, 0], images[:, 2]), 1 / 5000)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = joint * np.log(joint / (joint.sum(1, keepdims=True) * joint.sum(0)))
    information = mutual_information(images, 8)
    assert information[0, 2] == pytest.approx(np.nansum(terms), abs=1e-5)
    assert np.array_equal(information, information.T)


def test_the_tree_of_a_markov_chain_is_the_chain_rooted_in_its_middle() -> None:
    parent = chow_liu_tree(mutual_information(markov_images(4000, 9), 8))
    assert edges(parent) == {frozenset((v, v + 1)) for v in range(8)}
    assert parent[4] == -1


def test_the_tree_knows_no_geometry() -> None:
    images = markov_images(4000, 9)
    order = np.random.default_rng(1).permutation(9)
    parent = chow_liu_tree(mutual_information(images, 8))
    shuffled = chow_liu_tree(mutual_information(images[:, order], 8))
    assert {frozenset(int(order[v]) for v in edge) for edge in edges(shuffled)} == edges(parent)
    assert learned(shuffled, images[:, order]) == pytest.approx(learned(parent, images), rel=0.01)


def test_the_learned_tree_beats_one_that_ignores_the_data() -> None:
    images = markov_images(2000, 9)[:, [0, 5, 1, 6, 2, 7, 3, 8, 4]]
    assert learned(chow_liu_tree(mutual_information(images, 8)), images) > learned(np.arange(-1, 8), images) + 1


def test_constant_variables_do_not_crowd_one_node() -> None:
    images = np.zeros((500, 60), np.uint8)
    images[:, :9] = markov_images(500, 9)
    parent = chow_liu_tree(mutual_information(images, 8))
    assert (parent == -1).sum() == 1
    assert np.bincount(parent[parent >= 0]).max() <= 3
    assert chow_liu_tree(mutual_information(np.zeros((10, 5), np.uint8))).tolist().count(-1) == 1


def test_likelihoods_are_those_of_the_circuit() -> None:
    images = markov_images(50, 12)
    parent = chow_liu_tree(np.random.default_rng(2).random((12, 12)) + 0.1)
    model = HCLT(parent, 3, 8, seed=3)
    expected = log_marginal(circuit_of(model.to_tree()), images)
    assert model.log_likelihood(torch.from_numpy(images)).numpy() == pytest.approx(expected, abs=1e-4)


def test_flows_count_every_image_once_for_each_variable() -> None:
    images = torch.from_numpy(markov_images(70, 12))
    model = HCLT(chow_liu_tree(np.random.default_rng(4).random((12, 12)) + 0.1), 3, 8)
    _, flows = model.flows(images)
    torch.testing.assert_close(flows.root.sum(), torch.tensor(70.0))
    torch.testing.assert_close(flows.transitions[1:].sum((1, 2)), torch.full((11,), 70.0))
    histogram = torch.stack([torch.bincount(images[:, v].long(), minlength=8) for v in model.variable])
    torch.testing.assert_close(flows.emissions.sum(2), histogram.float())
    # What arrives at a state leaves it to each of its children.
    torch.testing.assert_close(flows.transitions[1:].sum(2), flows.emissions.sum(1)[model.parent[1:]])


def test_flows_are_gradients_of_the_likelihood() -> None:
    images = torch.from_numpy(markov_images(20, 6))
    model = HCLT(np.array([-1, 0, 0, 1, 1, 4]), 3, 8)
    parts = (model.root, model.transitions, model.emissions)
    _, flows = model.flows(images)
    for part, flow in zip(parts, flows.tensors(), strict=True):
        direction = torch.rand(part.shape, generator=torch.Generator().manual_seed(5)) - 0.5
        if part is model.transitions:
            direction[0] = 0
        kept, values = part.clone(), []
        for sign in (1, -1):
            part.copy_(kept * (1 + sign * 1e-3 * direction))
            values.append(float(log_of_unnormalised(model, images)))
        part.copy_(kept)
        assert (values[0] - values[1]) / 2e-3 == pytest.approx(float((flow * direction).sum()), rel=0.02, abs=0.01)


def log_of_unnormalised(model: HCLT, images: torch.Tensor) -> float:
    tree = model.to_tree()
    return float(log_marginal(circuit_of(tree), images.numpy()).sum())


def test_one_step_on_two_variables_is_as_computed_by_hand() -> None:
    model = HCLT(np.array([-1, 0]), 2, 2)
    model.root = torch.tensor([0.5, 0.5])
    model.transitions = torch.tensor([[[0.0, 0.0], [0.0, 0.0]], [[0.5, 0.5], [0.25, 0.75]]])
    model.emissions = torch.tensor([[[0.75, 0.25], [0.25, 0.75]], [[0.5, 0.5], [0.5, 0.5]]])
    log_p, flows = model.flows(torch.tensor([[0, 1]], dtype=torch.uint8))
    assert np.exp(log_p.item()) == pytest.approx(0.25)  # (0.5 * 0.75 + 0.5 * 0.25) * 0.5
    torch.testing.assert_close(flows.root, torch.tensor([0.75, 0.25]))
    torch.testing.assert_close(flows.transitions[1], torch.tensor([[0.375, 0.375], [0.0625, 0.1875]]))
    model.maximise(flows, 1e-9)
    torch.testing.assert_close(model.transitions[1], torch.tensor([[0.5, 0.5], [0.25, 0.75]]))
    torch.testing.assert_close(model.root, torch.tensor([0.75, 0.25]))


def test_full_batch_em_never_lowers_the_likelihood() -> None:
    images = markov_images(1000, 10)
    model = HCLT(chow_liu_tree(mutual_information(images, 8)), 5, 8)
    model.start_from(images)
    values = []
    for _ in range(25):
        log_p, flows = model.flows(torch.from_numpy(images))
        values.append(float(log_p.mean()))
        model.maximise(flows, 1e-6)
    assert all(b > a - 1e-6 * abs(a) for a, b in itertools.pairwise(values))
    assert values[-1] > values[0] + 1


def write_idx(path: Path, images: np.ndarray, side: int) -> None:
    data = struct.pack(">4I", 0x0803, len(images), side, side) + images.tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """600 and 90 images of 5 x 5, one file gzipped."""
    images = 32 * markov_images(690, 25, seed=6)
    write_idx(tmp_path / "train-images-idx3-ubyte.gz", images[:600], 5)
    write_idx(tmp_path / "t10k-images-idx3-ubyte", images[600:], 5)
    return tmp_path


def run(folder: Path, out: str, *more: str) -> list[dict[str, float]]:
    options = ["--states", "4", "--batch", "100", "--held-out", "50"]
    hclt.main(["--data", str(folder), "--out", str(folder / out), *options, *more])
    return [json.loads(line) for line in (folder / out / "log.jsonl").read_text().splitlines()]


def test_training_learns_and_ends_in_coded_test_images(folder: Path) -> None:
    log = run(folder, "run", "--epochs", "4")
    assert [line.get("epoch") for line in log] == [1, 2, 3, 4, None]
    assert log[3]["held_out_bpd"] < log[0]["held_out_bpd"] < 4
    assert log[4]["bpd"] == pytest.approx(8 * log[4]["bytes"] / (90 * 25), abs=1e-4)
    assert log[4]["bpd"] == pytest.approx(log[4]["model_bpd"], rel=0.01)


def test_a_resumed_run_is_the_run_that_was_not_stopped(folder: Path) -> None:
    run(folder, "whole", "--epochs", "3")
    run(folder, "parts", "--epochs", "3", "--stop-after", "0")  # after each epoch
    run(folder, "parts", "--epochs", "3")
    whole, parts = (fingerprint(folder / name / "hclt.safetensors") for name in ("whole", "parts"))
    assert whole == parts


def test_another_run_in_the_folder_is_not_overwritten(folder: Path) -> None:
    run(folder, "run", "--epochs", "1")
    with pytest.raises(CodecError, match="another run"):
        run(folder, "run", "--epochs", "2", "--states", "5")


@pytest.mark.parametrize("damage", [lambda d: d[:-1], lambda d: b"\0" * 20, lambda d: b"", lambda d: b"\x1f\x8b" + d])
def test_a_damaged_idx_file_is_named(folder: Path, damage) -> None:  # type: ignore[no-untyped-def]
    path = folder / "t10k-images-idx3-ubyte"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(MediaError, match="t10k-images"):
        idx.read_images(path)


def test_a_folder_without_idx_files_is_named(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=str(tmp_path)):
        idx.find_images(tmp_path, "train")
