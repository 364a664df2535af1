"""Files of integer networks: safetensors with the sizes of each network, by name, in their metadata."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file
from safetensors.numpy import save as to_bytes

from codec.errors import FormatError
from codec.output import write_whole
from codec.weights import read_header

BOUND = 1 << 24  # of sums: below it whole numbers are exact in float32
_TYPES = {"weight": np.int16, "bias": np.int32, "shift": np.int8}


class Config(Protocol):
    """The sizes of a network."""

    def to_dict(self) -> dict[str, Any]: ...


Sizes = TypeVar("Sizes", bound=Config)


def write_networks(
    path: Path, codec: str, networks: Mapping[str, tuple[Sizes, Mapping[str, NDArray[Any]]]], description: str
) -> None:
    """Write networks of a codec by name, each its sizes and its integer tensors."""
    tensors = {
        f"{name}.{key}": np.ascontiguousarray(value.astype(_TYPES[key.rpartition(".")[2]]))
        for name, (_, layers) in networks.items()
        for key, value in layers.items()
    }
    config = json.dumps({name: c.to_dict() for name, (c, _) in networks.items()}, sort_keys=True, separators=(",", ":"))
    write_whole(path, to_bytes(tensors, {"codec": codec, "config": config, "description": description}))


def read_networks(
    path: Path, codec: str, sizes: Callable[..., Sizes], what: str
) -> dict[str, tuple[Sizes, dict[str, NDArray[Any]]]]:
    """The networks of a weights file by name; FormatError if it is damaged or not the weights of `what`, this codec."""
    _, metadata, _ = read_header(path)
    if metadata.get("codec") != codec:
        raise FormatError(f"{path}: these are weights of {metadata.get('codec', 'no codec')}, not of {codec}")
    try:
        configs = {name: sizes(**given) for name, given in json.loads(metadata["config"]).items()}
        tensors = load_file(path)
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError, SafetensorError) as e:
        raise FormatError(f"{path}: not the weights of {what} ({str(e).splitlines()[0]})") from None
    return {
        name: (config, {k[len(name) + 1 :]: v for k, v in tensors.items() if k.startswith(f"{name}.")})
        for name, config in configs.items()
    }
