"""Checkpoints as safetensors in parts of bounded size, with a JSON file beside them; nothing is unpickled."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as save_tensors
from torch import Tensor

from codec.errors import CodecError
from codec.weights import finite

STATE = "state.json"
PART_BYTES = 15 * 2**20  # below the 16 MiB that some machines let out in one file


def save(folder: Path, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
    """Write a checkpoint folder; a kill at any moment leaves either the old one or the new one whole."""
    fresh, old = folder.with_name(folder.name + ".new"), folder.with_name(folder.name + ".old")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        for i, part in enumerate(_parts(tensors)):
            # Not by save_file, whose files nobody else may read.
            data = save_tensors({k: v.contiguous() for k, v in part.items()})
            (fresh / f"part-{i:03d}.safetensors").write_bytes(data)
        (fresh / STATE).write_text(json.dumps(dict(state)))
    except OSError as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise OSError(error.errno, error.strerror, os.fspath(folder)) from error
    if folder.exists():  # or else the old one is all that there is
        shutil.rmtree(old, ignore_errors=True)
        os.replace(folder, old)
    os.replace(fresh, folder)
    shutil.rmtree(old, ignore_errors=True)


def load(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """The tensors and the state of a checkpoint folder, or None where there is none; CodecError if it is damaged."""
    for candidate in (folder, folder.with_name(folder.name + ".old")):
        parts = sorted(candidate.glob("part-*.safetensors"))
        if not parts and not (candidate / STATE).exists():
            continue
        try:
            state = json.loads((candidate / STATE).read_text())
            if not isinstance(state, dict):
                raise ValueError(f"no object in {STATE}")
            if not parts:
                raise ValueError("no tensors")
            tensors: dict[str, Tensor] = {}
            for part in parts:
                tensors.update(load_file(part))
        except (ValueError, SafetensorError, FileNotFoundError) as error:
            raise damaged(candidate, error) from error
        return tensors, state
    return None


def damaged(folder: Path, error: Exception) -> CodecError:
    """What to say of a checkpoint that isn't whole."""
    cause = " ".join(str(error).split())[:200]
    return CodecError(f"{folder}: a damaged checkpoint ({cause}); put a whole one there, or remove it to train anew")


def stamp(folder: Path) -> int:
    """Which one of the checkpoints that were written here it is; 0: none."""
    try:
        return (folder / STATE).stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def weights(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a weights file to start from; CodecError if it is none, or has values that aren't finite."""
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise CodecError(f"{path}: no weights can be read there ({error}); name a .safetensors file") from error
    if not finite(tensors.values()):
        raise CodecError(f"{path}: weights that aren't finite; start from others")
    return tensors


def _parts(tensors: Mapping[str, Tensor]) -> list[dict[str, Tensor]]:
    parts: list[dict[str, Tensor]] = [{}]
    room = PART_BYTES
    for name, t in tensors.items():
        size = t.numel() * t.element_size()
        if size > room and parts[-1]:
            parts.append({})
            room = PART_BYTES
        parts[-1][name] = t
        room -= size
    return parts


def optimizer_tensors(optimizer: torch.optim.Optimizer, name: str = "optimizer") -> dict[str, Tensor]:
    """Flat view of an Adam-like optimizer's state: '<name>.<index>.<field>'."""
    state = optimizer.state_dict()["state"]
    return {f"{name}.{i}.{k}": torch.as_tensor(v) for i, fields in state.items() for k, v in fields.items()}


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor], name: str = "optimizer") -> None:
    """Inverse of `optimizer_tensors`."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, t in tensors.items():
        if key.startswith(name + "."):
            _, i, field = key.split(".")
            state.setdefault(int(i), {})[field] = t
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
