"""Layers in 16-bit integers give what they give in float32, by the code for each kind of processor."""

import numpy as np
import pytest

numba = pytest.importorskip("numba")

from numba.core.registry import cpu_target  # noqa: E402

from codec.codecs.circuit import packed, product  # noqa: E402
from codec.codecs.circuit.network import BOUND, TOP, Layer  # noqa: E402

# Triples and features; the last is code that any processor runs.
MACHINES = [("x86_64", "+avx512bw"), ("x86_64", "+avx2"), ("x86_64", ""), ("aarch64", "")]


def layer(inputs: int, outputs: int) -> Layer:
    """One whose sums come near the bound."""
    rng = np.random.default_rng(inputs)
    most = min((BOUND - 10000) // (TOP * inputs), 32767)
    weight = rng.integers(-most, most, (inputs, outputs), endpoint=True)
    weight[:, 0] = most
    bias, shift = rng.integers(-9000, 9000, outputs), rng.integers(-2, 20, outputs)
    return Layer(weight.astype(np.float32), bias.astype(np.float32), np.ldexp(1.0, -shift).astype(np.float32))


@pytest.mark.parametrize("triple, features", MACHINES)
def test_layers_are_those_of_numpy(triple: str, features: str, monkeypatch: pytest.MonkeyPatch) -> None:
    here, _, given = cpu_target.target_context.codegen().magic_tuple()
    if triple == "x86_64" and not (here.startswith(triple) and features in given):
        pytest.skip("this processor can't run it")
    machine = product._machine(triple, features)
    monkeypatch.setattr(product, "_machine", lambda triple, features: machine)
    dense = numba.njit(product.dense.py_func)
    rng = np.random.default_rng(0)
    for inputs, outputs in ((1, 1), (7, 16), (66, 33), (98, 48)):
        expected, n = layer(inputs, outputs), 19
        made = packed.Packed.of(expected)
        x = np.empty((packed.tiled(n), inputs + 3), np.int16)
        x[:] = rng.integers(-32768, 32768, x.shape)  # what nobody reads, too
        x[:n, :inputs] = rng.integers(0, TOP, (n, inputs), endpoint=True)
        x[0, :inputs] = TOP
        for kind in (np.int16, np.float32):
            out = np.empty((packed.tiled(n), packed.whole(outputs)), kind)
            dense(x, made.weight, made.bias, made.factor, out)
            known = x[:n, :inputs].astype(np.float32)
            wanted = expected.activate(known) if kind == np.int16 else expected(known)
            assert (out[:n, :outputs] == wanted).all()
