"""A trained context network as the integers that the codec runs (codec/circuit/network.py).

Each hidden channel is scaled so that 10 bits hold all but a ten-thousandth of its values on sample pictures; each
row of weights then gets the largest power of two for which no sum can reach 2^24.
"""

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codec.circuit.canvas import embed, inside
from codec.circuit.leaves import NATS, SUBLEVELS
from codec.circuit.network import BOUND, TOP, layer_inputs
from codec.circuit.networks import save
from codec.models.context import ContextNet, Stage
from codec.models.context_shape import (
    ACTIVITY,
    FEATURE_NEIGHBOURS,
    LEVELS,
    MARGIN,
    MIN_SCALE,
    NEIGHBOURS,
    SCALES_PER_OCTAVE,
)

from .circuit import averaged, load_photos

QUANTILE = 0.9999
SAMPLES, SAMPLE = 16, 320  # pictures that activations are scaled by, and their sides
LARGEST_WEIGHT = 2**15 - 1

Float = NDArray[np.float64]
Tensors = dict[str, NDArray[np.int32]]


def _stages(model: ContextNet) -> list[Stage]:
    return [stage for stage in model.stages if isinstance(stage, Stage)]


def integers(model: ContextNet, pictures: Sequence[NDArray[np.uint8]]) -> Tensors:
    """Tensors for `Network`: of every layer weight [out, in], bias [out], shift [out]; pictures [H, W, C]."""
    c = model.config
    units = {name: peak / TOP for name, peak in _peaks(model, pictures).items()}
    # What one step of an input or an output is worth in the float network.
    taps = np.full(len(NEIGHBOURS) * c.channels + c.channels, LEVELS)
    level = np.concatenate([taps, np.full(c.channels, ACTIVITY / 32)])
    k = c.mixtures
    parameters = np.repeat([1 / NATS, 1 / SUBLEVELS, math.log(2) / SCALES_PER_OCTAVE], k)
    mean = np.full(c.channels, 1 / SUBLEVELS)
    read = np.tile(units["feature2"], len(FEATURE_NEIGHBOURS))
    layers = {
        "feature1": (_array(model.feature1.weight), model.feature1.bias, np.full(model.feature1.in_features, LEVELS),
                     units["feature1"]),
        "feature2": (_array(model.feature2.weight), model.feature2.bias, units["feature1"], units["feature2"]),
        "input": (np.concatenate([_array(model.input.weight), _array(model.read.weight)], 1), model.input.bias,
                  np.concatenate([level, read]), units["input"]),
        "line": (_array(model.line.weight), None, level, mean),
        "hidden": (_array(model.hidden.weight), model.hidden.bias, units["input"], units["hidden"]),
        "head": (_array(model.head.weight), _head_bias(model.head.bias, k), units["hidden"], parameters),
    }  # fmt: skip
    for i, stage in enumerate(_stages(model), 1):
        # Steps are told in half levels, surprises in sixteenths.
        told = np.tile([LEVELS, 2 * LEVELS / SUBLEVELS], i)
        weight = np.concatenate([_array(stage.trunk.weight), _array(stage.known.weight)], 1)
        unit = units[f"stage{i}"]
        layers[f"stage{i}.hidden"] = (weight, stage.trunk.bias, np.concatenate([units["hidden"], told]), unit)
        layers[f"stage{i}.head"] = (_array(stage.head.weight), _head_bias(stage.head.bias, k), unit, parameters)
        layers[f"stage{i}.line"] = (_array(stage.line.weight), None, told, mean[:1])
    result: Tensors = {}
    for name, largest in layer_inputs(c).items():
        weight, bias, into, out = layers[name]
        shift = np.zeros(len(weight)) if bias is None else _array(bias)
        result |= _quantise(name, weight * into / out[:, None], shift / out, largest)
    return result


def _quantise(name: str, weight: Float, bias: Float, largest: NDArray[np.int64]) -> Tensors:
    """Rows scaled by the largest powers of two that keep every sum below the bound; floors become roundings."""
    bias = bias + 0.5
    reach = np.abs(weight) @ largest + np.abs(bias)
    # Rounding may add half a unit for every input.
    room = BOUND - 1 - (largest.sum() + 1) / 2
    peak = np.maximum(np.abs(weight).max(1), 1e-9)
    shift = np.floor(np.log2(np.minimum(room / reach, LARGEST_WEIGHT / peak))).clip(-24, 24)
    factor = np.ldexp(1.0, shift.astype(int))
    return {
        f"{name}.weight": np.rint(weight * factor[:, None]).astype(np.int32),
        f"{name}.bias": np.rint(bias * factor).astype(np.int32),
        f"{name}.shift": shift.astype(np.int32),
    }


def _head_bias(bias: Tensor, k: int) -> Tensor:
    """Scale numbers count from the smallest scale."""
    bias = bias.detach().clone()
    bias[2 * k :] -= math.log(MIN_SCALE)
    return bias


def _array(t: Tensor) -> Float:
    return t.detach().cpu().double().numpy()


@torch.no_grad()
def _peaks(model: ContextNet, pictures: Sequence[NDArray[np.uint8]]) -> dict[str, Float]:
    """The upper quantile of every hidden channel over all pixels of some pictures."""
    seen: dict[str, list[Float]] = {}

    def keep(name: str, h: Tensor) -> None:
        seen.setdefault(name, []).append(np.quantile(h.flatten(0, -2).relu().numpy(), QUANTILE, 0))

    told: dict[int, Tensor] = {}
    handles = [
        model.feature1.register_forward_hook(lambda m, i, o: keep("feature1", o)),
        model.feature2.register_forward_hook(lambda m, i, o: keep("feature2", o)),
        model.hidden.register_forward_pre_hook(lambda m, i: keep("input", i[0])),
        model.hidden.register_forward_hook(lambda m, i, o: keep("hidden", o)),
    ]
    for n, stage in enumerate(_stages(model), 1):
        handles.append(stage.trunk.register_forward_hook(lambda m, i, o, n=n: told.__setitem__(n, o)))
        handles.append(stage.known.register_forward_hook(lambda m, i, o, n=n: keep(f"stage{n}", o + told[n])))
    for p in pictures:
        arrays = embed(p, MARGIN), inside(p, MARGIN)
        model(*(torch.from_numpy(a)[None] for a in arrays))
    for h in handles:
        h.remove()
    return {name: np.maximum(np.max(values, 0), 1e-3) for name, values in seen.items()}


def main(argv: list[str] | None = None) -> None:
    """Entry point of `python -m codec.train.quantise`."""
    p = argparse.ArgumentParser(description="Turn runs of `codec train circuit` into a weights file.")
    p.add_argument("--photo", type=Path, required=True, help="folder of the run for colour")
    p.add_argument("--grey", type=Path, help="folder of the run for grey")
    p.add_argument("--data", nargs="+", required=True, help="tar files or folders of photos, to scale activations by")
    p.add_argument("-o", "--output", type=Path, required=True, help="the .safetensors file to write")
    p.add_argument("--description", default="", help="one line for `codec models`")
    a = p.parse_args(sys.argv[1:] if argv is None else argv)
    made = {}
    for name, run in (("photo", a.photo), ("grey", a.grey)):
        if run is not None:
            weights, config = averaged(run)
            model = ContextNet(config)
            model.load_state_dict(weights)
            pictures = [q[:SAMPLE, :SAMPLE] for q in load_photos(a.data, name == "grey")[:SAMPLES]]
            made[name] = config, integers(model.eval(), pictures)
    save(a.output, made, a.description)


if __name__ == "__main__":
    main()
