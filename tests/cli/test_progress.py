"""What is told of work under way: parts that are true, a time left that comes true, an object a line for programs."""

import json
from pathlib import Path

import pytest
from helpers.commands import call
from PIL import Image

import codec
from codec.cli import progress
from codec.cli.progress import BatchLine
from codec.codecs.options import VideoProgress


class Clock:
    """A time that passes when it is told to."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(progress, "time", found)
    return found


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    found: list[dict] = []
    monkeypatch.setattr(progress, "note", lambda text: found.append(json.loads(text)))
    return found


def test_what_comes_before_the_first_step_is_not_expected_again(clock: Clock, told: list[dict]) -> None:
    line = BatchLine("encoding", 1, as_json=True)
    line.show("a")
    clock.now += 30  # loading
    for done in range(1, 11):
        clock.now += 2
        line.show("a", done, 10)
    left = [row["seconds_left"] for row in told[3:-1]]
    assert left == [2.0 * n for n in range(7, 0, -1)]
    line.passed("a", worked=True)
    assert (told[-1]["progress"], told[-1]["files_done"], told[-1]["files"]) == (1.0, 1, 1)


def test_a_batch_counts_the_files_to_come(clock: Clock, told: list[dict]) -> None:
    line = BatchLine("encoding", 4, as_json=True)
    for name in "ab":
        line.show(name)
        for done in range(1, 5):
            clock.now += 5
            line.show(name, done, 4)
        line.passed(name, worked=True)
    assert told[-1]["seconds_left"] == 40
    assert told[2]["seconds_left"] == pytest.approx(70, rel=1 / 3)


def test_files_beside_one_another_share_the_time(clock: Clock, told: list[dict]) -> None:
    line = BatchLine("encoding", 6, as_json=True)
    for pair in ("ab", "cd", "ef"):
        clock.now += 12 if pair == "ab" else 0  # loading
        for done in range(5):
            for name in pair:
                line.show(name, done, 4)
            clock.now += 5 if done < 4 else 0
        for name in pair:
            line.passed(name, worked=True)
    left = {(row["files_done"], row["file"], row["progress"]): row["seconds_left"] for row in told}
    assert left[0, "a", 0.25] is None  # a first step may have waited for much else
    assert left[0, "b", 0.75] == pytest.approx(45, rel=0.1)
    assert left[4, "f", 0.5] == pytest.approx(10, rel=0.1) and told[-1]["seconds_left"] == 0


class Stages:
    """Tells an EncodingLine of frames that take their time, and keeps what it shows."""

    def __init__(self, clock: Clock, frames: int, stages: dict[str, float], searched: bool = False) -> None:
        self.shown: list[tuple[float, float | None, float]] = []  # part, seconds left, when
        self.clock = clock
        line = lambda done, steps, text, left: self.shown.append((done / steps, left, clock.now))  # noqa: E731
        self.line = progress.EncodingLine(frames, line, stages, searched)

    def work(self, stage: str, frames: int, seconds: float) -> None:
        for _ in range(frames):
            self.clock.now += seconds
            self.line(VideoProgress(stage, 1, 0.0, 0.0))


def test_the_time_left_of_a_video_comes_true_within_a_third(clock: Clock) -> None:
    """Also where a stage takes another time than was thought, once it has begun."""
    video = Stages(clock, 100, {"base": 1.0, "fit": 1.0})
    clock.now += 20  # loading
    video.work("base", 100, 0.1)
    video.work("fit", 100, 0.2)
    parts = [part for part, _, _ in video.shown]
    assert parts == sorted(parts) and parts[-1] == 1
    for _, left, now in video.shown[110:-5]:
        assert left == pytest.approx(clock.now - now, rel=1 / 3)


def test_a_search_for_a_quality_moves_and_ends_when_it_does(clock: Clock) -> None:
    video = Stages(clock, 10, {"base": 1.0, "fit": 1.0}, searched=True)
    video.work("search", 50, 1.0)
    begun = video.shown[-1][0]
    video.work("base", 10, 1.0)
    video.work("fit", 10, 1.0)
    parts = [part for part, _, _ in video.shown]
    assert 0.3 < begun < 0.8 and parts == sorted(parts) and parts[-1] == 1
    assert all(left is None or left > 0 for _, left, _ in video.shown[:-1])


def test_nothing_is_at_100_per_cent_while_work_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(progress, "status", shown.append)
    line = BatchLine("decoding", 1)
    line.show("a", 3, 3)
    assert "99 %" in shown[0]
    told: list[str] = []
    monkeypatch.setattr(progress, "note", told.append)
    line = BatchLine("decoding", 1, as_json=True)
    line.show("a", 3, 3)
    line.passed("a", worked=True)
    assert [json.loads(row)["progress"] for row in told] == [0.999, 1]


def test_programs_get_an_object_a_line(here: Path, picture: Image.Image) -> None:
    for name in "ab":
        picture.crop((0, 0, 24, 16)).save(f"{name}.png")
    lines = call("encode", "--lossless", "-e", 1, "a.png", "b.png", "--progress", "json", "-v").stderr.splitlines()
    rows = [json.loads(line) for line in lines if line.startswith("{")]
    for name in "ab":
        parts = [row["progress"] for row in rows if row["file"] == f"{name}.png"]
        assert parts == sorted(parts) and parts[0] == 0 and parts[-1] == 1 and len(parts) > 3
    assert rows[-1]["files_done"] == rows[-1]["files"] == 2 and rows[-1]["file"] == "b.png"
    assert sum(" s] " in line for line in lines) == 2 and lines[-1].endswith(" s in all")
    assert "{" not in call("encode", "a.png", "--progress", "none", "-o", "c.ncf").stderr


def test_the_library_shows_its_functions() -> None:
    assert {"encode", "decode", "info", "CodecError"} <= set(dir(codec)) and set(codec.__all__) <= set(dir(codec))
