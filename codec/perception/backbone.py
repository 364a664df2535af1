"""Weights of networks that come from elsewhere: heads in installed packages, backbones in files of the user's."""

from __future__ import annotations

import hashlib
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from codec.errors import CodecError

if TYPE_CHECKING:
    import torch


def tensors(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors or PyTorch file, in memory of the CPU; nothing of it is run. CodecError if damaged.

    Where the name ends in a dash and 8 hex digits, as torchvision's do, they must start the file's SHA-256.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        named = re.search(r"-([0-9a-f]{8})\.(pth|pt|safetensors)$", path.name)
        if named and not digest(path).startswith(named[1]):
            raise CodecError(f"{path}: SHA-256 doesn't start with {named[1]} as its name says; get a whole copy")
        if path.suffix == ".safetensors":
            return load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as e:
        raise CodecError(f"{path}: can't be read ({e.strerror}); name a file of weights") from None
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as e:
        if isinstance(e, CodecError):
            raise
        raise CodecError(f"{path}: holds no weights, or more than weights; get a whole copy") from None
    if not isinstance(found, dict) or not all(isinstance(v, torch.Tensor) for v in found.values()):
        raise CodecError(f"{path}: holds other things than named tensors; save its state_dict")
    return found


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fill(module: torch.nn.Module, found: dict[str, torch.Tensor], path: Path) -> None:
    """Put tensors into a module that is then for scoring only; CodecError if one is missing or has another shape.

    Others in the file (a classifier's last layers) don't matter.
    """
    wanted = module.state_dict()
    for name, tensor in wanted.items():
        if name not in found or found[name].shape != tensor.shape:
            shape = "x".join(map(str, tensor.shape))
            raise CodecError(f"{path}: no tensor {name} of {shape}; is this the network that is asked for?")
    module.load_state_dict({name: found[name] for name in wanted})
    module.eval().requires_grad_(False)


def convolutional(found: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The convolutional part of torchvision's tensors, named by the numbers of its layers."""
    return {k.removeprefix("features."): v for k, v in found.items() if k.startswith("features.")}
