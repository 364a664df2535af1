"""The learned start of a preset's key groups: a weights file of integers, found like all weights by its fingerprint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file
from safetensors.numpy import save as to_bytes

from codec import weights
from codec.codecs.nirvana import CODEC
from codec.codecs.nirvana.sine.latents import STEP_LIMIT, Weights
from codec.codecs.nirvana.sine.presets import PRESETS
from codec.codecs.nirvana.sine.tensors import checked
from codec.errors import CodecError, FormatError, WeightsMissing
from codec.output import write_whole


def shipped(preset: str) -> Path | None:
    """The file of the preset's start in assets or CODEC_WEIGHTS, if it has one."""
    try:
        return weights.default(CODEC.name, f"{CODEC.name}-{preset}")
    except WeightsMissing:
        return None


def load(path: Path) -> tuple[str, Weights]:
    """The preset that a file is for, and its start. Raises FormatError for a file that is none."""
    _, metadata, _ = weights.read_header(path)
    preset = metadata.get("config", "").removeprefix("sine-")
    try:
        if preset not in PRESETS or metadata.get("codec") != CODEC.name:
            raise CodecError("of another codec")
        tensors = load_file(path)
        shapes = PRESETS[preset].shape.tensors()
        steps = checked(tensors, {"steps": (len(shapes),)})["steps"]
        if np.abs(steps).max() > STEP_LIMIT:
            raise CodecError("steps out of range")
        return preset, Weights(checked(tensors, shapes), steps)
    except (SafetensorError, CodecError) as error:
        raise FormatError(f"{path}: no start of a sine network, or damaged; get a whole copy") from error


def save(path: Path, preset: str, start: Weights, description: str) -> None:
    """Writes a preset's start."""
    tensors = {name: tensor.astype(np.int16) for name, tensor in {**start.tensors, "steps": start.steps}.items()}
    write_whole(path, to_bytes(tensors, {"codec": CODEC.name, "config": f"sine-{preset}", "description": description}))
