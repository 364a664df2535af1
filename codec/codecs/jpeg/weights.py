"""Weights of JPEG recompression: a safetensors file of integer networks, one for each kind of component."""

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

from codec.codecs.jpeg.network import Network
from codec.errors import FormatError
from codec.models.jpeg.shape import KINDS, CoefficientConfig
from codec.output import write_whole
from codec.weights import read_header

NAME = "jpeg"
TYPES = {"weight": np.int16, "bias": np.int32, "shift": np.int8}


def save(
    path: Path, networks: Mapping[str, tuple[CoefficientConfig, Mapping[str, NDArray[Any]]]], description: str
) -> None:
    """Write networks by kind, each its sizes and its integer tensors."""
    tensors = {
        f"{kind}.{key}": np.ascontiguousarray(value.astype(TYPES[key.rpartition(".")[2]]))
        for kind, (_, layers) in networks.items()
        for key, value in layers.items()
    }
    config = json.dumps({kind: c.to_dict() for kind, (c, _) in networks.items()}, sort_keys=True, separators=(",", ":"))
    write_whole(path, to_bytes(tensors, {"codec": NAME, "config": config, "description": description}))


def load(path: Path) -> dict[str, Network]:
    """The networks of a weights file by kind. FormatError if it is damaged or its arithmetic would not be exact."""
    _, metadata, _ = read_header(path)
    if metadata.get("codec") != NAME:
        raise FormatError(f"{path}: these are weights of {metadata.get('codec', 'no codec')}, not of {NAME}")
    try:
        configs = {kind: CoefficientConfig(**sizes) for kind, sizes in json.loads(metadata["config"]).items()}
        tensors = load_file(path)
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError, SafetensorError) as e:
        raise FormatError(f"{path}: not the weights of JPEG recompression ({str(e).splitlines()[0]})") from None
    if set(configs) != set(KINDS) or any(c.kind != kind for kind, c in configs.items()):
        raise FormatError(f"{path}: not networks of {', '.join(KINDS)}; get a whole copy of the weights")
    networks = {}
    for kind, config in configs.items():
        prefix = f"{kind}."
        networks[kind] = Network(config, {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)})
    return networks
