"""The weights file of a latent tree: one byte a weight, refused when damaged, coding alike under any thread count."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from codec.entropy import Decoder, Encoder
from codec.errors import FormatError
from codec.models.research.circuit import LatentTree
from codec.research import tour, weights
from codec.weights import read_header


def make_tree(variables: int = 7, states: int = 3, categories: int = 32) -> LatentTree:
    rng = np.random.default_rng(0)

    def rows(*shape: int) -> np.ndarray:
        values = rng.random(shape) ** 8 + 1e-7
        return values / values.sum(-1, keepdims=True)

    parent = np.array([-1, *(node // 2 for node in range(variables - 1))])[: min(variables, 3)]
    parent = np.append(parent, np.arange(len(parent) - 1, variables - 1))
    root, transitions = rows(states), rows(variables, states, states)
    return LatentTree(parent, rng.permutation(variables), root, transitions, rows(variables, states, categories))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "hclt.safetensors"
    weights.save(file, make_tree(), "a test")
    return file


def test_codes_are_within_a_sixteenth_of_probabilities_of_any_size() -> None:
    p = np.append(2.0 ** -np.linspace(0, 30, 1000), [1.0, 0.5, 2.0**-31])
    codes = weights.to_codes(p)
    values = (1 + (codes & 7) / 8) * 2.0 ** -(codes >> 3).astype(float)
    assert np.abs(values / p - 1).max() <= 1 / 16
    assert (weights.to_codes(np.array([0.0, 1e-30])) == 31 * 8).all()


def test_every_combination_of_codes_becomes_a_distribution() -> None:
    rng = np.random.default_rng(1)
    rows = [np.zeros(256), np.full(256, 255), *rng.integers(0, 256, (50, 256))]
    integers = weights.from_codes(np.array(rows).astype(np.uint8))
    assert (integers.sum(1) == 2**20).all()
    assert integers.min() >= 1


def test_a_loaded_tree_is_the_saved_one_to_the_precision_of_its_codes(path: Path) -> None:
    tree, loaded = make_tree(), weights.load(path).tree
    assert np.array_equal(loaded.parent, tree.parent)
    assert np.array_equal(loaded.variable, tree.variable)
    for name in ("root", "transitions", "emissions"):
        before, after = getattr(tree, name), getattr(loaded, name) / 2**20
        assert np.abs(after - before).max() < 0.1
        large = before > 1e-3
        assert np.abs(after / before - 1)[large].max() < 0.14


def refused(path: Path, **changes: object) -> None:
    tensors, (_, metadata, _) = load_file(path), read_header(path)
    for name, value in changes.items():
        if value is None:
            del tensors[name]
        else:
            tensors[name] = np.ascontiguousarray(value)
    save_file(tensors, path, metadata)
    with pytest.raises(FormatError):
        weights.load(path)


def test_a_file_without_a_tree_of_its_variables_is_refused(path: Path) -> None:
    intact = path.read_bytes()
    tensors = load_file(path)
    parent, variable = tensors["parent"], tensors["variable"]
    for changes in (
        {"parent": np.where(parent < 0, 0, parent)},
        {"parent": np.append(parent[:-1], np.int16(6))},
        {"parent": np.array([-1, 0, 0, 1, 3, 4, 5], np.int16)},  # not depth first
        {"parent": parent[:-1]},
        {"parent": parent[:, None]},
        {"variable": np.append(variable[:-1], variable[0])},
        {"variable": variable + 1},
    ):
        refused(path, **changes)
        path.write_bytes(intact)


def test_a_file_of_wrong_shapes_or_types_is_refused(path: Path) -> None:
    intact = path.read_bytes()
    tensors = load_file(path)
    for name in ("root", "transitions", "emissions"):
        for value in (None, tensors[name][:-1], tensors[name].astype(np.float32), tensors[name][..., None]):
            refused(path, **{name: value})
            path.write_bytes(intact)
    refused(path, emissions=tensors["emissions"][..., :17])


def test_other_weights_and_other_files_are_refused(path: Path) -> None:
    tensors = load_file(path)
    save_file(tensors, path, {"codec": "s2lic"})
    with pytest.raises(FormatError, match="s2lic"):
        weights.load(path)
    path.write_bytes(b"no weights at all")
    with pytest.raises(FormatError):
        weights.load(path)


PROGRAM = """
import sys, numpy as np
from pathlib import Path
from codec.research import tour, weights
from codec.entropy import Decoder, Encoder
model = weights.load(Path(sys.argv[1]))
encoder = Encoder()
images = np.random.default_rng(2).integers(0, 32, (200, 7))
tour.code_images(encoder, images, 200, model)
sys.stdout.buffer.write(encoder.finish())
assert "torch" not in sys.modules
"""


@pytest.mark.parametrize("threads", ["1", "2"])
def test_other_threads_and_processors_write_the_same_bytes(path: Path, threads: str) -> None:
    caps = {"OPENBLAS_CORETYPE": "Nehalem", "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3"} if threads == "2" else {}
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = {**os.environ, **dict.fromkeys(names, threads), **caps}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path)], capture_output=True, check=True, env=environment, cwd=path.parent
    )
    images = np.random.default_rng(2).integers(0, 32, (200, 7))
    encoder = Encoder()
    tour.code_images(encoder, images, 200, weights.load(path))
    assert encoder.finish() == done.stdout
    decoder = Decoder(done.stdout)
    assert np.array_equal(tour.code_images(decoder, None, 200, weights.load(path)), images)
