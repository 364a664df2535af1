"""Weights of a latent tree in a safetensors file: one byte for each weight, integers of sum 2^20 once loaded.

A byte is a small float, (1 + m / 8) 2^-e with e in its upper five bits and m in the lower three: what a
circuit needs of a weight is its range, not its digits (0.0001 bits a dimension against full precision).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file
from safetensors.numpy import save as to_bytes

from codec.errors import FormatError
from codec.models.research.circuit import LatentTree
from codec.output import write_whole
from codec.research.exact import WEIGHT_BITS, Float, integer_pmf
from codec.research.tour import Tour, prepare
from codec.weights import read_header

CODEC = "hclt"
_LARGEST = 31


def to_codes(rows: Float) -> NDArray[np.uint8]:
    """The nearest codes of probabilities; below 2^-31 is 2^-31."""
    exponent = np.clip(-np.floor(np.log2(np.maximum(rows, 2.0**-_LARGEST))), 0, _LARGEST)
    mantissa = np.rint((rows * 2.0**exponent - 1) * 8).clip(0)
    carried = (mantissa == 8) & (exponent > 0)
    exponent -= carried
    mantissa = np.where(carried, 0, mantissa).clip(0, 7)
    return np.ascontiguousarray((exponent * 8 + mantissa).astype(np.uint8))  # safetensors ignores strides


def from_codes(codes: NDArray[np.uint8]) -> Float:
    """Codes [..., C] of distributions as integers of sum 2^20, every entry at least 1."""
    values = np.ldexp((8 + (codes & 7)).astype(np.float64), _LARGEST - (codes >> 3).astype(np.int32))
    return integer_pmf(values.cumsum(-1), WEIGHT_BITS).astype(np.float64)


def save(path: Path, tree: LatentTree, description: str = "") -> None:
    """Write a tree of probabilities to `path`."""
    tensors: dict[str, NDArray[Any]] = {
        "parent": tree.parent.astype(np.int16),
        "variable": tree.variable.astype(np.int16),
        "root": to_codes(tree.root),
        "transitions": to_codes(tree.transitions),
        "emissions": to_codes(tree.emissions),
    }
    config = json.dumps({"states": len(tree.root), "categories": tree.emissions.shape[2]})
    write_whole(path, to_bytes(tensors, {"codec": CODEC, "config": config, "description": description}))


def load(path: Path) -> Tour:
    """The tree in `path`, ready for coding. Raises FormatError if it is damaged or its arithmetic not exact."""
    _, metadata, _ = read_header(path)
    if metadata.get("codec") != CODEC:
        raise FormatError(f"{path}: these are weights of {metadata.get('codec', 'no codec')}, not of {CODEC}")
    try:
        tensors = load_file(path)
        parent, variable = (tensors[name].astype(np.int64) for name in ("parent", "variable"))
        codes = [tensors[name] for name in ("root", "transitions", "emissions")]
    except (SafetensorError, KeyError, TypeError) as error:
        raise FormatError(f"{path}: the weights are damaged ({error}); get a whole copy") from None
    root, transitions, emissions = codes
    count, states = len(parent), root.size
    shapes = root.ndim == 1 and transitions.shape == (count, states, states) and states >= 1
    shapes = shapes and emissions.ndim == 3 and emissions.shape[:2] == (count, states)
    if not shapes or any(c.dtype != np.uint8 for c in codes):
        raise FormatError(f"{path}: the weights have wrong shapes or types; get a whole copy")
    if not _is_preorder(parent) or sorted(variable.tolist()) != list(range(count)):
        raise FormatError(f"{path}: the weights hold no tree of their variables; get a whole copy")
    return prepare(LatentTree(parent, variable, *(from_codes(c) for c in codes)))


def _is_preorder(parent: NDArray[np.int64]) -> bool:
    """Whether nodes come depth first: each node's parent is the one before it or one of that one's ancestors."""
    if parent.ndim != 1 or not len(parent) or parent[0] != -1:
        return False
    stack = [0]
    for node in range(1, len(parent)):
        while stack and stack[-1] != parent[node]:
            stack.pop()
        if not stack:
            return False
        stack.append(node)
    return True
