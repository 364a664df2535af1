"""A clip of three scenes with sound, and its file."""

from pathlib import Path

import pytest
from helpers.coded_videos import SHORT, scenes
from helpers.commands import QUICK, call
from helpers.video_clips import video_file


@pytest.fixture(scope="session")
def source() -> bytes:
    """A Matroska file of three scenes, with sound."""
    return video_file(scenes(lengths=SHORT), sound=True)


@pytest.fixture(scope="session")
def ncf(source: bytes, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """It encoded."""
    path = tmp_path_factory.mktemp("encoded") / "clip.mkv"
    path.write_bytes(source)
    call("encode", *QUICK, path)
    return path.with_suffix(".ncf").read_bytes()


@pytest.fixture
def clip(here: Path, source: bytes) -> str:
    Path("clip.mkv").write_bytes(source)
    return "clip.mkv"


@pytest.fixture
def coded(here: Path, ncf: bytes) -> str:
    Path("clip.ncf").write_bytes(ncf)
    return "clip.ncf"
