"""What lanes of a wavefront go through between two symbols, compiled by numba into one function.

It takes the address of a Table's words, which step, and of which channel; it makes nothing and raises nothing, so that
it runs in processes that don't load numba (stored.py). ImportError without numba.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array
from numba.np.numpy_support import from_dtype

from codec.codecs.circuit import kernels
from codec.codecs.circuit.kernels import ALONE, compiled
from codec.codecs.circuit.network import LEVEL
from codec.codecs.circuit.product import dense

# isort: off
from codec.codecs.circuit.table import (
    ACTIVITY, AROUND, AT, BEYOND, BIAS, BINS, BOTH, CANVAS, CDF, CHANCES, CHANNEL, CHANNEL_HEAD, CHANNEL_HIDDEN,
    CHANNEL_LINE, CODE, CORNERS, COUNT, DEPTH, ENTRY, FACTOR, FAR, FEATURE1, FEATURE2, FEATURES, FINE, FINER,
    FIRST, HEAD, HIDDEN1, HIDDEN2, INPUTS, INSIDE, KINDS, LAYER_FEATURE1, LAYER_FEATURE2, LAYER_HIDDEN,
    LAYER_INPUT, LAYER_LINE, LEARN, LIMITS, LINES, LOOK, MU, NEAR, NUMBERS, ORIGIN, OUTSIDE, OWN, OWN_TAPS, PAIRS,
    PIXELS, PLAIN_BIAS, PLAIN_WEIGHT, POSTERIOR, RESULT, ROWS, SCRATCH, SETTLE, STAGE, START, TAPS, TRUNK, WEIGHT,
    WEIGHTS, WIDTH, X,
)  # fmt: skip
# isort: on

_LEVEL = np.float32(LEVEL)
_WORD = 8  # bytes


@intrinsic(prefer_literal=True)
def _array(typing, words, row):  # type: ignore[no-untyped-def]
    """The array of a row."""
    return _lowered(KINDS[row.literal_value], words, row)


@intrinsic(prefer_literal=True)
def _shifted(typing, words, row, kind):  # type: ignore[no-untyped-def]
    """The array of a row, which is of the kind of another."""
    return _lowered(KINDS[kind.literal_value], words, row, kind)


def _lowered(of: tuple[type, int], *arguments: Any) -> Any:
    kind, sides = of
    array = types.Array(from_dtype(np.dtype(kind)), sides, "C")

    def code(context: Any, builder: ir.IRBuilder, signature: Any, values: Any) -> Any:
        size = ir.IntType(64)
        start = builder.add(values[0], builder.mul(values[1], size(_WORD * WIDTH)))
        address, *shape = (
            builder.load(builder.inttoptr(builder.add(start, size(_WORD * i)), size.as_pointer()))
            for i in range(1 + sides)
        )
        strides: list[Any] = []
        step = size(np.dtype(kind).itemsize)
        for side in reversed(shape):
            strides.insert(0, step)
            step = builder.mul(step, side)
        made = make_array(array)(context, builder)
        data = builder.inttoptr(address, context.get_data_type(array.dtype).as_pointer())
        populate_array(made, data, shape, strides, np.dtype(kind).itemsize, None)
        return made._getvalue()

    return array(*arguments), code


@compiled
def _layer(words, layer, x, out):  # type: ignore[no-untyped-def]
    """What the layer of these rows makes of x, activated if `out` is int16."""
    dense(x, _shifted(words, layer, WEIGHT), _shifted(words, layer + 1, BIAS), _shifted(words, layer + 2, FACTOR), out)


@compiled
def _look(words):  # type: ignore[no-untyped-def]
    kernels.look(
        _array(words, CANVAS), _array(words, AT), _array(words, TAPS), _array(words, PAIRS), _array(words, CORNERS),
        _array(words, ACTIVITY), _LEVEL, _array(words, BOTH), _array(words, X),
    )  # fmt: skip


@compiled
def _learn(words):  # type: ignore[no-untyped-def]
    own, hidden, made = _array(words, OWN), _array(words, FEATURE1), _array(words, FEATURE2)
    kernels.own(_array(words, X), _array(words, PIXELS), _array(words, BOTH), _array(words, OWN_TAPS), _LEVEL, own)
    _layer(words, LAYER_FEATURE1, own, hidden)
    _layer(words, LAYER_FEATURE2, hidden, made)
    features, at = _array(words, FEATURES), _array(words, AT)
    for i in range(len(at)):
        for f in range(features.shape[1]):
            features[at[i], f] = made[i, f]


@compiled
def _code(words, channel):  # type: ignore[no-untyped-def]
    """To the pmfs of which eighth of the window; the first channel after what all have in common."""
    numbers, rows = _array(words, NUMBERS), channel * CHANNEL
    x, h2, lines, stage, head = (
        _array(words, X), _array(words, HIDDEN2), _array(words, LINES), _array(words, STAGE), _array(words, HEAD)
    )  # fmt: skip
    if channel:
        _layer(words, CHANNEL_HIDDEN + rows, h2, stage)
        _layer(words, CHANNEL_HEAD + rows, stage, head)
    else:
        h1 = _array(words, HIDDEN1)
        kernels.gather(_array(words, FEATURES), _array(words, AT), _array(words, AROUND), numbers[INPUTS], x)
        _layer(words, LAYER_INPUT, x, h1)
        _layer(words, LAYER_HIDDEN, h1, h2)
        _layer(words, LAYER_LINE, x, lines)
        _layer(words, CHANNEL_HEAD, h2, head)
    trunk, line = numbers[TRUNK], CHANNEL_LINE + rows
    kernels.windows(
        head, lines, channel, h2[:, trunk : trunk + 2 * channel],
        (
            _shifted(words, line, PLAIN_WEIGHT), _shifted(words, line + 1, PLAIN_BIAS),
            _shifted(words, line + 2, FACTOR),
        ),
        _array(words, BOTH), _array(words, FIRST), _array(words, POSTERIOR), _array(words, CHANCES),
        _array(words, CDF), numbers[DEPTH], _array(words, WEIGHTS), _array(words, MU), _array(words, START),
        _array(words, ENTRY), _array(words, ORIGIN), _array(words, ROWS), _array(words, SCRATCH),
    )  # fmt: skip


@compiled
def _fine(words):  # type: ignore[no-untyped-def]
    numbers = _array(words, NUMBERS)
    numbers[COUNT] = kernels.cells(
        _array(words, BINS), _array(words, START), _array(words, WEIGHTS), _array(words, ENTRY), _array(words, CDF),
        numbers[DEPTH], _array(words, RESULT), _array(words, INSIDE), _array(words, OUTSIDE), _array(words, FINER),
        _array(words, SCRATCH),
    )  # fmt: skip


@compiled
def _far(words):  # type: ignore[no-untyped-def]
    rows = _array(words, FAR)
    kernels.far(
        _array(words, OUTSIDE)[: len(rows)], _array(words, BINS), _array(words, START), _array(words, WEIGHTS),
        _array(words, ENTRY), _array(words, CDF), _array(words, NUMBERS)[DEPTH], _array(words, NEAR), rows,
        _array(words, SCRATCH),
    )  # fmt: skip


@compiled
def _settle(words, channel):  # type: ignore[no-untyped-def]
    numbers, both, h2 = _array(words, NUMBERS), _array(words, BOTH), _array(words, HIDDEN2)
    trunk = numbers[TRUNK]
    kernels.settle(
        _array(words, RESULT), _array(words, START), _array(words, ORIGIN), _array(words, WEIGHTS), _array(words, MU),
        _array(words, ENTRY), _array(words, CDF), numbers[DEPTH], channel, _array(words, LIMITS)[channel],
        _array(words, POSTERIOR), _array(words, FIRST), h2[:, trunk : trunk + 2 * (both.shape[1] - 1)],
        _array(words, PIXELS),
    )  # fmt: skip


def _step(words, which, channel):  # type: ignore[no-untyped-def]
    if which == LOOK:
        _look(words)
    elif which == LEARN:
        _learn(words)
    elif which == CODE:
        _code(words, channel)
    elif which == FINE:
        _fine(words)
    elif which == BEYOND:
        _far(words)
    elif which == SETTLE:
        _settle(words, channel)


def build() -> tuple[str, bytes]:
    """The name of the function in an object file, and that: as numba compiles it for this processor."""
    signature = types.void(types.int64, types.int64, types.int64)
    bare = ALONE | {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    step = njit(signature, **bare)(_step)
    result: Any = next(iter(step.overloads.values()))
    library, name = result.library, result.fndesc.llvm_func_name
    arguments = [str(a.type) for a in library.get_function(name).arguments]
    # Before our own come where to put what it gives and what it raises.
    if len(arguments) != 5 or arguments[2:] != ["i64"] * 3:
        raise NotImplementedError("numba calls functions otherwise than it did")
    _, _, (code, _) = library.serialize_using_object_code()
    return name, code
