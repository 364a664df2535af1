"""Sessions whose chains begin from networks of an earlier one are the same bytes however they are made."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.archived import verdicts
from helpers.filter_clips import drawn
from helpers.video_clips import video_file

from codec import archive
from codec.codecs.nirvana import references
from codec.codecs.options import Target, VideoOptions
from codec.media.video import Planes, read_video

OPTIONS = VideoOptions(Target(quality=30), 1, base="x264")


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Halves of one clip, each of two scenes."""
    clip: list[Planes] = drawn(40, (64, 96))
    folder = tmp_path_factory.mktemp("sources")
    made = []
    for number, half in enumerate((clip[:20], clip[20:])):
        made.append(folder / f"{number}.mkv")
        made[-1].write_bytes(video_file([*half[:12], *[(255 - y, v, u) for y, u, v in half[12:]]]))
    return made


def add(path: Path, source: Path, jobs: int = 1) -> None:
    with archive.writing(path, device="cpu") as writer, open(path.with_name("part"), "w+b") as part:
        opened = read_video(str(source), audio=False)
        writer.add(source.stem, opened, part, options=OPTIONS, jobs=jobs, source=str(source), date=1)


def begun(path: Path) -> Iterator[list[references.Reference]]:
    """The references of each chain of the second session."""
    with archive.opened(path) as found:
        session = found.earlier(2).session(1)
        for number in range(session.units):
            yield references.of(session.header, session.unit(number))


def test_any_number_of_processes_makes_the_same_bytes(sources: list[Path], tmp_path: Path) -> None:
    path = tmp_path / "all.ncf"
    archive.create(path)
    add(path, sources[0])
    first, made = path.read_bytes(), []
    for jobs in (1, 2):
        path.write_bytes(first)
        add(path, sources[1], jobs)
        made.append(path.read_bytes())
    assert made[0] == made[1]
    assert verdicts(path) == {"0": "", "1": ""}
    wanted = list(begun(path))
    assert len(wanted) == 2 and all(wanted)
    with archive.opened(path) as found:
        assert found.needed(1) == [0, 1]
