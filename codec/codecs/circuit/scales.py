"""How the float context network and its integers correspond: tensors, and what a step of each is worth."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codec.codecs.circuit.leaves import NATS, SUBLEVELS
from codec.codecs.circuit.network import TOP
from codec.models.circuit.shape import (
    ACTIVITY,
    FEATURE_NEIGHBOURS,
    LEVELS,
    MIN_SCALE,
    NEIGHBOURS,
    SCALES_PER_OCTAVE,
    ContextConfig,
)

Float = NDArray[np.float64]
ACTIVATION = 1 / 64  # a step of a hidden channel, where any value does
CEILING = TOP * ACTIVATION


def parameters(config: ContextConfig) -> dict[str, tuple[list[str], str | None]]:
    """The names, for every layer, of the float weights that are its columns, and of its bias."""
    result: dict[str, tuple[list[str], str | None]] = {
        name: ([f"{name}.weight"], f"{name}.bias") for name in ("feature1", "feature2", "hidden", "head")
    }
    result["input"] = ["input.weight", "read.weight"], "input.bias"
    result["line"] = ["line.weight"], None
    if config.candidates:
        result["copy"] = ["copy.weight"], "copy.bias"
    for c in range(1, config.channels):
        stage = f"stages.{c - 1}"
        result[f"stage{c}.hidden"] = [f"{stage}.trunk.weight", f"{stage}.known.weight"], f"{stage}.trunk.bias"
        result[f"stage{c}.head"] = [f"{stage}.head.weight"], f"{stage}.head.bias"
        result[f"stage{c}.line"] = [f"{stage}.line.weight"], None
    return result


def scales(config: ContextConfig, units: Mapping[str, Float] | None = None) -> dict[str, tuple[Float, Float]]:
    """What a step of each input and of each output of every layer is worth in the float network.

    `units` holds the steps of the activations by the names of hidden layers, "stage1" for stages.
    """
    c = config
    sizes = {"feature1": c.feature_hidden, "feature2": c.features, "input": c.hidden, "hidden": c.trunk}
    sizes |= {f"stage{i}": c.stage for i in range(1, c.channels)}
    units = units or {name: np.full(size, ACTIVATION) for name, size in sizes.items()}
    seen = len(NEIGHBOURS) * c.channels + c.channels
    level = np.full(c.inputs, LEVELS)
    level[seen : seen + c.channels] = ACTIVITY / 32
    taps = np.full((1 + len(FEATURE_NEIGHBOURS)) * c.channels, LEVELS)
    logistics = np.repeat([1 / NATS, 1 / SUBLEVELS, math.log(2) / SCALES_PER_OCTAVE], c.mixtures)
    mean = np.full(c.channels, 1 / SUBLEVELS)
    result = {
        "feature1": (taps, units["feature1"]),
        "feature2": (units["feature1"], units["feature2"]),
        "input": (np.concatenate([level, np.tile(units["feature2"], len(FEATURE_NEIGHBOURS))]), units["input"]),
        "line": (level, mean),
        "hidden": (units["input"], units["hidden"]),
        "head": (units["hidden"], logistics),
    }
    if c.candidates:
        result["copy"] = units["hidden"], np.full(1 + c.candidates, 1 / NATS)
    for i in range(1, c.channels):
        # Steps are told in half levels, surprises in sixteenths.
        told = np.tile([LEVELS, 2 * LEVELS / SUBLEVELS], i)
        result[f"stage{i}.hidden"] = np.concatenate([units["hidden"], told]), units[f"stage{i}"]
        result[f"stage{i}.head"] = units[f"stage{i}"], logistics
        result[f"stage{i}.line"] = told, mean[:1]
    return result


def origin(config: ContextConfig, layer: str) -> Float | float:
    """What a layer's integers count from: in heads, scale numbers from the smallest scale."""
    return np.repeat([0, 0, math.log(MIN_SCALE)], config.mixtures) if layer.endswith("head") else 0.0


def dequantise(config: ContextConfig, tensors: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    """The float network, of activations cut at CEILING, that computes what the integer one does, but for roundings."""
    result: dict[str, Tensor] = {}
    for layer, (into, out) in scales(config).items():
        weights, bias = parameters(config)[layer]
        unit = np.ldexp(out, -tensors[f"{layer}.shift"].astype(np.int64))
        floats = torch.from_numpy(tensors[f"{layer}.weight"] * unit[:, None] / into).float()
        result |= zip(weights, split(floats, config, layer), strict=True)
        if bias is not None:
            # Half a step makes the integers' floor a rounding.
            value = tensors[f"{layer}.bias"] * unit - out / 2 + origin(config, layer)
            result[bias] = torch.from_numpy(value).float()
    return result


def split(weight: Tensor, config: ContextConfig, layer: str) -> list[Tensor]:
    """The float weights of a layer from its columns."""
    if layer == "input":
        first = config.inputs
    elif layer.startswith("stage") and layer.endswith("hidden"):
        first = config.trunk
    else:
        return [weight]
    return [weight[:, :first], weight[:, first:]]
