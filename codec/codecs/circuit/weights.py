"""Weights of the image codec: a safetensors file of integer networks, one for colour and perhaps one for grey."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file
from safetensors.numpy import save as to_bytes

from codec.codecs.circuit import CODEC
from codec.codecs.circuit.network import Network
from codec.errors import FormatError
from codec.models.circuit.shape import ContextConfig
from codec.output import write_whole
from codec.weights import read_header

TYPES = {"weight": np.int16, "bias": np.int32, "shift": np.int8}


def save(
    path: Path, networks: Mapping[str, tuple[ContextConfig, Mapping[str, NDArray[Any]]]], description: str
) -> None:
    """Write networks by name ("photo", "grey"), each its sizes and its integer tensors."""
    tensors = {
        f"{name}.{key}": np.ascontiguousarray(value.astype(TYPES[key.rpartition(".")[2]]))
        for name, (_, layers) in networks.items()
        for key, value in layers.items()
    }
    config = json.dumps({name: c.to_dict() for name, (c, _) in networks.items()}, sort_keys=True, separators=(",", ":"))
    write_whole(path, to_bytes(tensors, {"codec": CODEC.name, "config": config, "description": description}))


def load(path: Path) -> dict[str, Network]:
    """The networks of a weights file by name. FormatError if it is damaged or its arithmetic would not be exact."""
    _, metadata, _ = read_header(path)
    if metadata.get("codec") != CODEC.name:
        raise FormatError(f"{path}: these are weights of {metadata.get('codec', 'no codec')}, not of {CODEC.name}")
    try:
        configs = {name: ContextConfig(**sizes) for name, sizes in json.loads(metadata["config"]).items()}
        tensors = load_file(path)
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError, SafetensorError) as e:
        raise FormatError(f"{path}: not the weights of a circuit codec ({str(e).splitlines()[0]})") from None
    networks = {}
    for name, config in configs.items():
        prefix = f"{name}."
        own = {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}
        networks[name] = Network(config, own)
    return networks
