"""Weights of the image codec: integer networks, one for colour and perhaps one for grey ("photo", "grey")."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from codec.codecs.circuit import CODEC
from codec.codecs.circuit.network import Network
from codec.codecs.networks import read_networks, write_networks
from codec.models.circuit.shape import ContextConfig


def save(
    path: Path, networks: Mapping[str, tuple[ContextConfig, Mapping[str, NDArray[Any]]]], description: str
) -> None:
    """Write networks by name, each its sizes and its integer tensors."""
    write_networks(path, CODEC.name, networks, description)


def load(path: Path) -> dict[str, Network]:
    """The networks of a weights file by name. FormatError if it is damaged or its arithmetic would not be exact."""
    found = read_networks(path, CODEC.name, ContextConfig, "a circuit codec")
    return {name: Network(config, tensors) for name, (config, tensors) in found.items()}
