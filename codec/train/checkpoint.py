"""Checkpoints as safetensors in parts of bounded size, with a JSON file beside them; nothing is unpickled."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

PART_BYTES = 15 * 2**20  # below the 16 MiB that some machines let out in one file


def save(folder: Path, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
    """Write a checkpoint folder; a kill at any moment leaves either the old one or the new one whole."""
    fresh, old = folder.with_name(folder.name + ".new"), folder.with_name(folder.name + ".old")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for i, part in enumerate(_parts(tensors)):
        save_file({k: v.contiguous() for k, v in part.items()}, fresh / f"part-{i:03d}.safetensors")
    (fresh / "state.json").write_text(json.dumps(dict(state)))
    if folder.exists():  # or else the old one is all that there is
        shutil.rmtree(old, ignore_errors=True)
        os.replace(folder, old)
    os.replace(fresh, folder)
    shutil.rmtree(old, ignore_errors=True)


def load(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """The tensors and the state of a checkpoint folder, or None where there is none."""
    for candidate in (folder, folder.with_name(folder.name + ".old")):
        if (candidate / "state.json").exists():
            tensors: dict[str, Tensor] = {}
            for part in sorted(candidate.glob("part-*.safetensors")):
                tensors.update(load_file(part))
            return tensors, json.loads((candidate / "state.json").read_text())
    return None


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
