"""A picture's file."""

from pathlib import Path

import pytest
from PIL import Image

import codec


@pytest.fixture(scope="session")
def encoded(picture: Image.Image) -> bytes:
    return codec.encode(picture, quality=40)


@pytest.fixture
def ncf(tmp_path: Path, encoded: bytes) -> Path:
    """An .ncf file, alone in a directory."""
    path = tmp_path / "photo.ncf"
    path.write_bytes(encoded)
    return path
