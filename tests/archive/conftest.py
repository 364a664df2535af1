"""An archive of four videos: a clip, the same again, a part of it, and one that is half new."""

from pathlib import Path

import pytest
from helpers.archived import add
from helpers.coded_videos import scenes
from helpers.video_clips import moving, video_file

from codec import archive
from codec.media.video import Planes


@pytest.fixture(scope="session")
def clip() -> list[Planes]:
    """36 frames of three scenes."""
    return scenes(lengths=(13, 15, 8))


@pytest.fixture(scope="session")
def made(clip: list[Planes], tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[archive.Added]]:
    """The file, and what was told of each session."""
    path = tmp_path_factory.mktemp("archive") / "all.ncf"
    archive.create(path)
    added = [
        add(path, "clip", clip, metadata={"audio": b"no sound"}),
        add(path, "copy", clip, metadata={"audio": b"no sound"}),
        add(path, "part", video_file(clip[7:19])),
        add(path, "half", [*moving(32, 48, 6), *clip[3:17], *moving(32, 48, 5)]),
    ]
    return path.read_bytes(), added


@pytest.fixture
def path(tmp_path: Path, made: tuple[bytes, list[archive.Added]]) -> Path:
    (tmp_path / "all.ncf").write_bytes(made[0])
    return tmp_path / "all.ncf"
