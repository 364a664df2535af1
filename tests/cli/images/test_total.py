"""`codec encode --target-total`: pictures share bytes at one quality, and get their names when all are made."""

import json
from pathlib import Path

import pytest
from helpers.commands import call, refused
from helpers.pictures import picture
from helpers.video_clips import moving, video_file
from PIL import Image


@pytest.fixture
def folder(here: Path) -> Path:
    for number in range(17):
        path = Path(f"in/{'deep/' * (number % 2)}{number}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(64, 64, seed=number)).save(path)
    return here


def everything(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.parts[-1][0] != "."}


def test_a_folder_keeps_to_its_total_at_one_quality(folder: Path) -> None:
    Path("in/broken.png").write_bytes(b"no picture")
    Path("in/clip.mkv").write_bytes(video_file(moving(32, 48, 3)))
    result = call("encode", "-r", "in", "-o", "out", "--target-total", "4k", "--json", code=1)
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    made = [row for row in rows if "error" not in row]
    assert {row["file"] for row in rows} - {row["file"] for row in made} == {"in/broken.png", "in/clip.mkv"}
    assert "--target-total goes with images" in next(row["error"] for row in rows if row["file"] == "in/clip.mkv")
    assert len(made) == 17 and len({row["quality"] for row in made}) == 1
    assert all(Path(row["output"]).stat().st_size == row["bytes"] for row in made)
    assert 0.98 * 4000 <= sum(row["bytes"] for row in made) <= 4000
    assert len([path for path in Path("out").rglob("*") if path.is_file()]) == 17  # and nothing hidden is left


def test_what_can_not_be_had_leaves_nothing(folder: Path) -> None:
    before = everything(folder)
    assert "it can't be so small: the least is " in refused("encode", "-r", "in", "--target-total", 500)
    assert everything(folder) == before and not list(folder.glob("**/.codec*"))
    row = json.loads(call("encode", "-r", "in", "--target-total", "9k", "--dry-run", "--json").stdout.splitlines()[0])
    assert row["dry_run"] and everything(folder) == before


def test_more_than_can_be_used_is_said(folder: Path) -> None:
    result = call("encode", "in/0.png", "in/2.png", "-o", "out/", "--target-total", "1M")
    assert "the highest quality takes " in result.stderr and "2 encoded" in result.stderr
    assert "exists already" in call("encode", "in/0.png", "-o", "out/", "--target-total", "1M", code=1).stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--lossless",), "--lossless keeps every bit; leave out --target-total"),
        (("--codec", "circuit"), "--codec circuit keeps every bit; leave out --target-total"),
        (("-q", 3), "are two goals; choose one"),
        (("--skip-existing",), "leave out --skip-existing"),
    ],
)
def test_what_makes_no_sense_is_told(folder: Path, options: tuple[object, ...], says: str) -> None:
    assert says in refused("encode", "in/0.png", "--target-total", "9k", *options, code=2)
    assert "not standard input or output" in refused("encode", "in/0.png", "-o", "-", "--target-total", "9k", code=2)
