"""Weights of JPEG recompression: integer networks, one for each kind of component."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from codec.codecs.jpeg.network import Network
from codec.codecs.networks import read_networks, write_networks
from codec.errors import FormatError
from codec.models.jpeg.shape import KINDS, CoefficientConfig

NAME = "jpeg"


def save(
    path: Path, networks: Mapping[str, tuple[CoefficientConfig, Mapping[str, NDArray[Any]]]], description: str
) -> None:
    """Write networks by kind, each its sizes and its integer tensors."""
    write_networks(path, NAME, networks, description)


def load(path: Path) -> dict[str, Network]:
    """The networks of a weights file by kind. FormatError if it is damaged or its arithmetic would not be exact."""
    found = read_networks(path, NAME, CoefficientConfig, "JPEG recompression")
    if set(found) != set(KINDS) or any(config.kind != kind for kind, (config, _) in found.items()):
        raise FormatError(f"{path}: not networks of {', '.join(KINDS)}; get a whole copy of the weights")
    return {kind: Network(config, tensors) for kind, (config, tensors) in found.items()}
