"""A layer in 16-bit integers, its product compiled by numba with the processor's own instruction for it.

What layers see and give fits 16 bits, as their weights do, and sums stay below 2^24, so sums in 32 bits are exact in
any order, and the layer's outputs are those of network.py. A processor with AVX-512 VNNI does twice as many of these
products in a second as of float32, and half as many bytes move. Numba has no name for the instruction (pmaddwd:
products of two pairs, added), so the innermost loops are written for LLVM, which fuses it with the sum where it can.
ImportError without numba.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from codec.codecs.circuit.kernels import compiled
from codec.codecs.circuit.network import TOP
from codec.codecs.circuit.packed import BLOCK, ROWS

_I16, _I32, _F32 = ir.IntType(16), ir.IntType(32), ir.FloatType()
_SIZE = ir.IntType(8 * np.dtype(np.intp).itemsize)


@compiled
def dense(x, weight, bias, factor, out):  # type: ignore[no-untyped-def]
    """A layer (a `Packed`'s arrays) of x [n, inputs] int16 into the first columns of `out`, in whole blocks.

    Of int16 `out` it is Layer.activate, of float32 Layer.__call__. n is a multiple of ROWS; with an odd number of
    inputs x has a column more, of whatever values.
    """
    blocks = weight.shape[0]
    for block in range(0, blocks - 1, 2):
        for row in range(0, x.shape[0], ROWS):
            _two_blocks(x, row, weight, block, bias, factor, out)
    if blocks % 2:
        for row in range(0, x.shape[0], ROWS):
            _one_block(x, row, weight, blocks - 1, bias, factor, out)


@intrinsic
def _two_blocks(typing, x, row, weight, block, bias, factor, out):  # type: ignore[no-untyped-def]
    return _signature(x, row, weight, block, bias, factor, out), _Tile(2)


@intrinsic
def _one_block(typing, x, row, weight, block, bias, factor, out):  # type: ignore[no-untyped-def]
    return _signature(x, row, weight, block, bias, factor, out), _Tile(1)


def _signature(*arguments: Any) -> Any:
    return types.void(*arguments)


class _Tile:
    """Code for ROWS lanes of some blocks of a layer."""

    def __init__(self, blocks: int) -> None:
        self.blocks = blocks

    def __call__(self, context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        triple, _, features = context.codegen().magic_tuple()
        machine = _machine(triple, features)
        x, row, weight, block, bias, factor, out = (
            _View(context, builder, kind, a) if isinstance(kind, types.Array) else a
            for kind, a in zip(signature.args, arguments, strict=True)
        )
        whole_numbers = signature.args[6].dtype == types.int16
        vectors = self.blocks * BLOCK // machine.lanes
        at_once = min(vectors, machine.vectors)
        for top in range(0, ROWS, machine.rows):
            rows = [builder.add(row, _number(top + r)) for r in range(machine.rows)]
            for left in range(0, vectors, at_once):
                sums = _sums(builder, machine, [x.at(r) for r in rows], weight, block, left, at_once)
                first = builder.add(builder.mul(block, _number(BLOCK)), _number(left * machine.lanes))
                for v in range(at_once):
                    column = builder.add(first, _number(v * machine.lanes))
                    shift = _load(builder, bias.at(column), ir.VectorType(_I32, machine.lanes))
                    scale = _load(builder, factor.at(column), ir.VectorType(_F32, machine.lanes))
                    for r, number in enumerate(rows):
                        value = builder.sitofp(builder.add(sums[r][v], shift), scale.type)
                        value = builder.fmul(value, scale)
                        value = _cut(builder, value) if whole_numbers else _floor(builder, value)
                        _store(builder, value, out.at(number, column))
        return context.get_dummy_value()


def _sums(
    builder: ir.IRBuilder, machine: _Machine, rows: list[Any], weight: _View, block: Any, left: int, vectors: int
) -> list[list[Any]]:
    """For each of the rows (their addresses) sums of so many vectors of outputs, from the block's vector `left` on."""
    total = ir.VectorType(_I32, machine.lanes)
    each = BLOCK // machine.lanes  # vectors of a block
    starts = [
        builder.add(weight.at(builder.add(block, _number(v // each))), _number(v % each * 4 * machine.lanes))
        for v in range(left, left + vectors)
    ]
    before, loop, after = builder.block, builder.append_basic_block("pairs"), builder.append_basic_block("sums")
    builder.branch(loop)  # there is at least one pair
    builder.position_at_end(loop)
    pair = builder.phi(_SIZE)
    sums = [[builder.phi(total) for _ in starts] for _ in rows]
    at, weights = builder.mul(pair, _number(4)), builder.mul(pair, _number(4 * BLOCK))
    columns = [_load(builder, builder.add(s, weights), ir.VectorType(_I16, 2 * machine.lanes)) for s in starts]
    added = []
    for address, line in zip(rows, sums, strict=True):
        two = _load(builder, builder.add(address, at), _I32)
        one = builder.insert_element(ir.Constant(total, ir.Undefined), two, ir.Constant(_I32, 0))
        zeros = ir.Constant(total, [0] * machine.lanes)
        inputs = builder.bitcast(builder.shuffle_vector(one, one, zeros), columns[0].type)
        products = [_products(builder, machine, inputs, c) for c in columns]
        added.append([builder.add(s, p) for s, p in zip(line, products, strict=True)])
    following = builder.add(pair, _number(1))
    pair.add_incoming(_number(0), before)
    pair.add_incoming(following, loop)
    for line, new in zip(sums, added, strict=True):
        for phi, value in zip(line, new, strict=True):
            phi.add_incoming(ir.Constant(total, [0] * machine.lanes), before)
            phi.add_incoming(value, loop)
    builder.cbranch(builder.icmp_signed("<", following, weight.shape[1]), loop, after)
    builder.position_at_end(after)
    return added


def _products(builder: ir.IRBuilder, machine: _Machine, a: Any, b: Any) -> Any:
    """a[2 i] b[2 i] + a[2 i + 1] b[2 i + 1] for each lane i."""
    total = ir.VectorType(_I32, machine.lanes)
    if machine.instruction:
        kind = ir.FunctionType(total, [a.type, b.type])
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, machine.instruction), [a, b])
    wide = ir.VectorType(_I32, 2 * machine.lanes)
    products = builder.mul(builder.sext(a, wide), builder.sext(b, wide))
    even, odd = (ir.Constant(total, list(range(start, 2 * machine.lanes, 2))) for start in (0, 1))
    return builder.add(*(builder.shuffle_vector(products, products, half) for half in (even, odd)))


def _cut(builder: ir.IRBuilder, value: Any) -> Any:
    """0 to TOP, as int16: cut to integers, what is not below 0 is rounded down."""
    for sign, limit in ((">", 0.0), ("<", float(TOP))):
        bound = ir.Constant(value.type, [limit] * value.type.count)
        value = builder.select(builder.fcmp_ordered(sign, value, bound), value, bound)
    whole_number = builder.fptosi(value, ir.VectorType(_I32, value.type.count))
    return builder.trunc(whole_number, ir.VectorType(_I16, value.type.count))


def _floor(builder: ir.IRBuilder, value: Any) -> Any:
    name = f"llvm.floor.v{value.type.count}f32"
    kind = ir.FunctionType(value.type, [value.type])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [value])


class _View:
    """An array in the code: addresses, as numbers, of what its first indices stand for."""

    def __init__(self, context: Any, builder: ir.IRBuilder, kind: types.Array, value: Any) -> None:
        array = cgutils.create_struct_proxy(kind)(context, builder, value)
        self.builder = builder
        self.start = builder.ptrtoint(array.data, _SIZE)
        self.shape, self.strides = (cgutils.unpack_tuple(builder, t) for t in (array.shape, array.strides))

    def at(self, *index: Any) -> Any:
        address = self.start
        for i, stride in zip(index, self.strides, strict=False):
            address = self.builder.add(address, self.builder.mul(i, stride))
        return address


def _number(value: int) -> Any:
    return ir.Constant(_SIZE, value)


def _load(builder: ir.IRBuilder, address: Any, kind: Any) -> Any:
    return builder.load(builder.inttoptr(address, kind.as_pointer()), align=2)


def _store(builder: ir.IRBuilder, value: Any, address: Any) -> None:
    builder.store(value, builder.inttoptr(address, value.type.as_pointer()), align=2)


@dataclass(frozen=True)
class _Machine:
    """What a processor has: 32-bit lanes of a register, the name of its pmaddwd; and the rows and vectors of sums
    that its registers hold."""

    lanes: int
    instruction: str | None
    rows: int
    vectors: int


def _machine(triple: str, features: str) -> _Machine:
    given = features.split(",")
    if not triple.startswith(("x86_64", "i686")):
        return _Machine(4, None, 4, 4)
    if "+avx512bw" in given:
        return _Machine(16, "llvm.x86.avx512.pmaddw.d.512", 8, 2)
    if "+avx2" in given:
        return _Machine(8, "llvm.x86.avx2.pmadd.wd", 4, 2)
    return _Machine(4, "llvm.x86.sse2.pmadd.wd", 2, 4)
