"""What is told of work under way: parts that are true, a time left that comes true, an object a line for programs."""

import json
from pathlib import Path

import pytest
from helpers.commands import call
from PIL import Image

import codec
from codec.cli import progress
from codec.cli.progress import BatchLine


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


def test_nothing_is_at_100_per_cent_while_work_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(progress, "status", shown.append)
    line = BatchLine("decoding", 1)
    line.show("a", 3, 3)
    assert "99 %" in shown[0]


def test_programs_get_an_object_a_line(here: Path, picture: Image.Image) -> None:
    for name in "ab":
        picture.crop((0, 0, 24, 16)).save(f"{name}.png")
    lines = call("encode", "--lossless", "-e", 1, "a.png", "b.png", "--progress", "json", "-v").stderr.splitlines()
    rows = [json.loads(line) for line in lines if line.startswith("{")]
    assert [row["progress"] for row in rows] == [0, 0.5, 1, 1] * 2
    assert rows[-1]["files_done"] == rows[-1]["files"] == 2 and rows[-1]["file"] == "b.png"
    assert sum(" s] " in line for line in lines) == 2 and lines[-1].endswith(" s in all")
    assert "{" not in call("encode", "a.png", "--progress", "none", "-o", "c.ncf").stderr


def test_the_library_shows_its_functions() -> None:
    assert {"encode", "decode", "info", "CodecError"} <= set(dir(codec)) and set(codec.__all__) <= set(dir(codec))
