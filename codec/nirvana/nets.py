"""The weights file of the practical network: whole numbers for the decoder, bfloat16 for what only encoders have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from codec import weights
from codec.entropy import Tables
from codec.entropy.tables import gaussian_tables
from codec.errors import FormatError
from codec.models.nirvana_grid import LATENTS, LOW, Coder
from codec.nirvana.exact import LAST, ONE, SCALE_STEPS, Network, Steps, whole
from codec.nirvana.method import position

KINDS = ("key", "inter")
STEPS = ("step", "inverse", "log2_step")
_QUALITIES = 201


@dataclass(frozen=True)
class Nets:
    """For `key` and `inter` frames: the exact decoder, the float copy that fits go through, and all step sizes.

    `log2_steps[kind]`: int32 [201, 96], by stored quality; `steps` and `inverses` too: with 12 bits below the point.
    """

    fingerprint: bytes
    exact: Mapping[str, Network]
    fits: Mapping[str, Coder]
    steps: Mapping[str, tuple[Tensor, Tensor, Tensor]]
    device: torch.device

    def whole_steps(self, kind: str, quality: int) -> Steps:
        """For the exact decoder."""
        return Steps(*(s[quality].to(self.device, torch.float64).view(-1, 1, 1) for s in self.steps[kind]))

    def log2_steps(self, kind: str, quality: int) -> Tensor:
        """[1, 96, 1, 1], for fits."""
        return (self.steps[kind][2][quality].to(self.device, torch.float32) / ONE).view(1, -1, 1, 1)


@lru_cache(maxsize=4)
def load(path: Path, device: str) -> Nets:
    """Read a weights file; FormatError for one that isn't ours or is damaged."""
    try:
        found = load_file(path)
        tables = Tables.from_arrays(
            {k.removeprefix("tables."): v.numpy() for k, v in found.items() if k[:7] == "tables."}
        )
        where = torch.device(device)
        exact, fits, steps = {}, {}, {}
        for kind in KINDS:
            ints = {k.removeprefix(f"{kind}.decoder."): v for k, v in found.items() if k.startswith(f"{kind}.decoder.")}
            size, inverse, log2 = (found[f"{kind}.{name}"] for name in STEPS)
            if any(s.shape != (_QUALITIES, LATENTS) for s in (size, inverse, log2)) or int(size.min()) < 1:
                raise FormatError("damaged step sizes")
            if max(int(s.abs().max()) for s in (size, inverse, log2)) >= 1 << 20:
                raise FormatError("step sizes beyond what sums stay exact with")
            steps[kind] = size, inverse, log2
            coder = Coder()
            state = {f"decoder.{k}": v.float() / ONE for k, v in ints.items()}
            state |= {
                k.removeprefix(f"{kind}."): v.float() for k, v in found.items() if k.startswith(f"{kind}.analysis.")
            }
            # Only training goes by the formula; here the steps of all qualities are listed.
            lowest, highest = log2[0].float() / ONE, log2[-1].float() / ONE
            state |= {"decoder.step_a": (lowest + highest) / 2, "decoder.step_b": (lowest - highest) / 2}
            coder.load_state_dict(state)
            exact[kind] = Network(ints, tables, where)
            fits[kind] = coder.requires_grad_(False).to(where, memory_format=torch.channels_last)  # type: ignore[call-overload]
    except (SafetensorError, KeyError, RuntimeError, FormatError) as error:
        raise FormatError(f"{path}: no weights of this video codec, or damaged; get a whole copy") from error
    return Nets(weights.fingerprint(path), exact, fits, steps, where)


def parameters(path: Path) -> dict[str, Tensor]:
    """The inverse of `export`, as far as its rounding allows: to go on training from a weights file."""
    fits = load(path, "cpu").fits
    return {f"{kind}.{name}": value for kind, coder in fits.items() for name, value in coder.state_dict().items()}


def export(state: Mapping[str, Tensor], path: Path, description: str) -> None:
    """Write a weights file from trained parameters, named as in codec.train.nirvana_grid.Nets."""
    tensors: dict[str, Tensor] = {}
    for kind in KINDS:
        coder = Coder()
        coder.load_state_dict({k.removeprefix(f"{kind}."): v for k, v in state.items() if k.startswith(f"{kind}.")})
        for name, value in coder.state_dict().items():
            if name.startswith("analysis."):
                tensors[f"{kind}.{name}"] = value.to(torch.bfloat16)
            elif not name.startswith("decoder.step_"):
                tensors[f"{kind}.{name}"] = whole(value)
        logs = torch.cat([coder.decoder.log2_steps(position(q)).detach().view(1, -1) for q in range(_QUALITIES)])
        logs = logs.double()
        for name, values in zip(STEPS, (torch.exp2(logs), torch.exp2(-logs), logs), strict=True):
            tensors[f"{kind}.{name}"] = whole(values)
    scales = [2.0 ** (LOW + i / SCALE_STEPS) for i in range(LAST + 1)]
    tables = gaussian_tables(scales).to_arrays()
    tensors |= {f"tables.{k}": torch.from_numpy(np.array(v)) for k, v in tables.items()}
    save_file(
        {k: v.contiguous() for k, v in tensors.items()}, path,
        {"codec": "nirvana", "config": "grid", "description": description},
    )  # fmt: skip
