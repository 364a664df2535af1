"""Layers and lanes as kernels read them: 16-bit integers in whole tiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.codecs.circuit.network import Layer

Int16 = NDArray[np.int16]

ROWS, BLOCK = 8, 16  # of a tile: lanes that are computed together, outputs that lie together


@dataclass(frozen=True, eq=False)
class Packed:
    """A layer, its outputs filled up to whole blocks."""

    weight: Int16  # [blocks, pairs of inputs, outputs of a block, 2]
    bias: NDArray[np.int32]
    factor: NDArray[np.float32]

    @classmethod
    def of(cls, layer: Layer) -> Packed:
        """OverflowError if a weight doesn't fit, as a tuned one may not."""
        if np.abs(layer.weight).max() > np.iinfo(np.int16).max:
            raise OverflowError("a weight has more than 16 bits")
        inputs, outputs = layer.weight.shape
        weight = np.zeros((-(-inputs // 2) * 2, whole(outputs)), np.int16)
        weight[:inputs, :outputs] = layer.weight
        bias, factor = np.zeros(whole(outputs), np.int32), np.ones(whole(outputs), np.float32)
        bias[:outputs], factor[:outputs] = layer.bias, layer.factor
        blocks = weight.reshape(-1, 2, len(bias) // BLOCK, BLOCK).transpose(2, 0, 3, 1)
        return cls(np.ascontiguousarray(blocks), bias, factor)


def whole(outputs: int) -> int:
    """So many outputs, in whole blocks."""
    return -(-outputs // BLOCK) * BLOCK


def tiled(n: int) -> int:
    """So many lanes, in whole tiles."""
    return -(-n // ROWS) * ROWS
