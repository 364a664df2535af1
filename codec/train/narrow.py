"""A narrower context network from a wider one: the units that matter most, whose training then goes on.

What a unit matters is the norm of the weights out of it, since the integers of all units have the same range.
"""

from pathlib import Path

import torch
from torch import Tensor

from codec.codecs.circuit import weights
from codec.codecs.circuit.scales import dequantise
from codec.errors import CodecError
from codec.models.circuit.shape import FEATURE_NEIGHBOURS, ContextConfig

Weights = dict[str, Tensor]


def narrowed(path: Path, config: ContextConfig) -> Weights:
    """Float weights of a network of `config`'s sizes from the network of as many channels in a weights file.

    CodecError if the file has none that differs in nothing but in width.
    """
    widths = ("hidden", "trunk", "feature_hidden", "features", "stage")
    for network in weights.load(path).values():
        wide = network.config.to_dict()
        same = all(wide[k] == v for k, v in config.to_dict().items() if k not in widths)
        if same and all(wide[k] >= getattr(config, k) for k in widths):
            return _cut(dequantise(network.config, network.tensors), network.config, config)
    raise CodecError(f"{path} has no network of these sizes or wider; name another file or another --config")


def _cut(state: Weights, wide: ContextConfig, config: ContextConfig) -> Weights:
    stages = [f"stages.{i}" for i in range(config.channels - 1)]
    heads = ["head", *(["copy"] if config.candidates else [])]
    _keep(state, ["feature1"], ["feature2"], config.feature_hidden)
    _keep(state, ["feature2"], ["read"], config.features, len(FEATURE_NEIGHBOURS))
    _keep(state, ["input", "read"], ["hidden"], config.hidden)
    _keep(state, ["hidden"], [*heads, *(f"{s}.trunk" for s in stages)], config.trunk)
    for stage in stages:
        _keep(state, [f"{stage}.trunk", f"{stage}.known"], [f"{stage}.head"], config.stage)
    return state


def _keep(state: Weights, into: list[str], out: list[str], count: int, times: int = 1) -> None:
    """Keep `count` units that layers `into` make and layers `out` read, there `times` over."""

    def columns(name: str) -> Tensor:
        weight = state[f"{name}.weight"]
        return weight.unflatten(1, (times, -1))  # [out, times, units]

    norm = torch.stack([columns(name).square().sum((0, 1)) for name in out]).sum(0)
    kept = norm.topk(count).indices.sort().values
    for name in out:
        state[f"{name}.weight"] = columns(name)[..., kept].flatten(1).contiguous()
    for name in into:
        for part in ("weight", "bias"):
            if f"{name}.{part}" in state:
                state[f"{name}.{part}"] = state[f"{name}.{part}"][kept].contiguous()
