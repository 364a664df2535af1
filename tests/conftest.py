"""What several tests share: a generated photo, and the command run as users run it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

# The tests' tensors are tiny: a second thread only makes them wait for each other on a busy machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture(scope="session")
def picture() -> Image.Image:
    """96 x 64, RGB: smooth shapes and some noise."""
    y, x = np.mgrid[0:64, 0:96]
    waves = [128 + 90 * np.sin(x / (7 + 5 * c) + c) * np.cos(y / (11 - 2 * c)) for c in range(3)]
    noise = np.random.default_rng(0).normal(0, 4, (64, 96, 3))
    return Image.fromarray((np.stack(waves, -1) + noise).clip(0, 255).astype(np.uint8))


@pytest.fixture
def photo(tmp_path: Path, picture: Image.Image) -> Path:
    """The picture as a PNG file, alone in a directory."""
    path = tmp_path / "photo.png"
    picture.save(path)
    return path


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run `codec ARGUMENTS` in the test's directory; stdin, stdout and stderr are bytes and no terminals."""

    def run(*arguments: object, stdin: bytes = b"", **environment: str) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            [sys.executable, "-m", "codec.cli.main", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            cwd=tmp_path,
            env={**os.environ, **environment},
            timeout=120,
        )

    return run
