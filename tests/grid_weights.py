"""Untrained weights of the practical video network, with which it codes all the same: its basis is a plain DCT."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from codec.nirvana import nets
from codec.train.nirvana_grid import Nets


def write_weights(folder: Path, seed: int = 0) -> Path:
    """A weights file under the name that encoders look for."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    made = Nets()
    vectors, deviations = _cosines()
    for coder in made.values():
        coder.start_from(vectors, deviations)  # type: ignore[operator]
    path = folder / "nirvana-grid.safetensors"
    nets.export(made.state_dict(), path, "untrained, for tests")
    return path


@contextmanager
def installed(folder: Path) -> Iterator[Path]:
    """Such a file where files look for the weights that they name."""
    with pytest.MonkeyPatch.context() as patch:
        path = write_weights(folder)
        patch.setenv("CODEC_WEIGHTS", str(folder))
        yield path


def _cosines() -> tuple[torch.Tensor, torch.Tensor]:
    """The DCT of 4 x 4 samples of each of the 6 channels, low frequencies first: vectors [96, 96], deviations [96]."""
    k, x = torch.arange(4.0)[:, None], torch.arange(4.0)
    dct = torch.cos(math.pi * k * (2 * x + 1) / 8) / 2**0.5
    dct[0] /= 2**0.5
    vectors = torch.kron(torch.eye(6), torch.kron(dct, dct))
    frequency = (k + x).flatten().repeat(6)
    order = frequency.argsort(stable=True)
    return vectors[order], 0.3 / (1 + frequency[order]) ** 1.5
