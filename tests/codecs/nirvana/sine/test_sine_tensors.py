"""Integer tensors through the coder: both directions, the modes, and what damage and bad input give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from codec.codecs.nirvana.sine.tensors import LIMIT, code_tensors
from codec.entropy import Decoder, Encoder, laplace
from codec.errors import CodecError, FormatError

Tensors = dict[str, Any]


def encoded(tensors: Tensors, previous: Tensors | None = None) -> bytes:
    coder = Encoder()
    code_tensors(coder, tensors, shapes_of(tensors), previous)
    return coder.finish()


def decoded(data: bytes, shapes: dict[str, tuple[int, ...]], previous: Tensors | None = None) -> Tensors:
    coder = Decoder(data)
    tensors = code_tensors(coder, None, shapes, previous)
    coder.finish()
    return tensors


def shapes_of(tensors: Tensors) -> dict[str, tuple[int, ...]]:
    return {name: tensor.shape for name, tensor in tensors.items()}


def laplacian(width: float, size: int, seed: int = 0) -> Any:
    return np.rint(np.random.default_rng(seed).laplace(0, width, size)).astype(np.int32)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Tensors, Tensors | None]:
    """Tensors of up to three dimensions, and a reference that they may share tensors with."""
    shapes = draw(st.lists(hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=5), max_size=4))
    spread = draw(st.sampled_from((1, 9, LIMIT)))
    tensor = st.integers(-spread, spread)
    new = {f"t{k}": draw(hnp.arrays(np.int32, shape, elements=tensor)) for k, shape in enumerate(shapes)}
    if draw(st.booleans()):
        return new, None
    old = {name: draw(st.just(t) | hnp.arrays(np.int32, t.shape, elements=tensor)) for name, t in new.items()}
    return new, old


@settings(max_examples=60, deadline=None)
@given(pairs())
def test_any_tensors_come_back(pair: tuple[Tensors, Tensors | None]) -> None:
    new, old = pair
    result = decoded(encoded(new, old), shapes_of(new), old)
    assert list(result) == list(new)
    assert all(np.array_equal(result[name], new[name]) for name in new)


def test_equal_tensors_take_almost_nothing() -> None:
    tensors = {f"t{k}": laplacian(30, 5000, k) for k in range(10)}
    assert len(encoded(tensors, tensors)) <= 3


def test_near_tensors_are_coded_as_differences_and_others_are_not() -> None:
    old = {"a": laplacian(50, 4000, 1)}
    near = {"a": old["a"] + laplacian(0.5, 4000, 2)}
    far = {"a": laplacian(50, 4000, 3)}
    assert len(encoded(near, old)) < len(encoded(near)) / 3
    # The tensor as it is costs what it costs without a reference; its difference to another would be wider.
    assert len(encoded(far, old)) == len(encoded(far))


@pytest.mark.parametrize("width", [0.1, 0.3, 1, 4, 20, 100])
def test_a_tensor_takes_its_entropy(width: float) -> None:
    tensor = laplacian(width, 50_000)
    _, counts = np.unique(tensor, return_counts=True)
    entropy = float(-(counts * np.log2(counts / tensor.size)).sum())
    assert 8 * len(encoded({"a": tensor})) < 1.012 * entropy + 32


@pytest.mark.parametrize("width", [0.2, 3, 300])
def test_the_bits_that_decide_are_the_coders(width: float) -> None:
    tensor = laplacian(width, 20_000)
    bits, _ = laplace.cheapest(tensor)
    assert 8 * len(encoded({"a": tensor})) == pytest.approx(bits, rel=0.002, abs=24)


def test_tables_are_symmetric_and_get_wider() -> None:
    tables = laplace.tables()
    peaks = []
    for width in range(laplace.WIDTHS):
        *body, _ = tables.table(width).tolist()
        assert body == body[::-1] and tables.offsets[width] == -(len(body) // 2)
        # The tail is rounded as a whole, so that an entry may be a count above the next one inwards.
        assert np.diff(body[: len(body) // 2 + 1]).min() >= -1
        peaks.append(max(body))
    assert peaks == sorted(peaks, reverse=True)


def test_damage_is_told_or_changes_the_checksum() -> None:
    tensors = {"a": laplacian(3, 500), "b": laplacian(200, 50)}
    coder = Encoder()
    code_tensors(coder, tensors, shapes_of(tensors))
    data = coder.finish()
    for place in range(len(data)):
        other = Decoder(data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :])
        try:
            code_tensors(other, None, shapes_of(tensors))
            other.finish()
        except FormatError:
            continue
        assert other.checksum != coder.checksum


def test_decoded_weights_beyond_the_limit_are_damage() -> None:
    with pytest.raises(FormatError, match="out of range"):
        decoded(encoded({"a": np.full(9, 20_000)}, {"a": np.full(9, 19_999)}), {"a": (9,)}, {"a": np.full(9, LIMIT)})


def test_bad_tensors_are_refused() -> None:
    for wrong in ({}, {"a": np.zeros(4, np.int32)}, {"a": np.zeros(3)}, {"a": np.array([0, 0, LIMIT + 1])}):
        with pytest.raises(CodecError):
            code_tensors(Encoder(), wrong, {"a": (3,)})
