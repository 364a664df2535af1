"""`codec encode --dry-run`: names, codecs, about how much; nothing is written, and no torch is loaded."""

import json
from importlib.resources import files
from pathlib import Path

import pytest
from helpers.commands import call, refused
from helpers.imports import loaded_after
from helpers.pictures import picture
from helpers.video_clips import moving, video_file
from PIL import Image

import codec
from codec.media.look import look

PHOTO = picture(256, 320)


@pytest.fixture
def folder(here: Path) -> Path:
    Path("in/deep").mkdir(parents=True)
    Image.fromarray(PHOTO).save("in/a.png")
    Image.fromarray(PHOTO).save("in/deep/b.jpg", quality=90)
    Path("in/c.mkv").write_bytes(video_file(moving(32, 48, 3)))
    Path("in/d.png").write_bytes(b"no picture")
    return here


def everything(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_is_told_and_left_as_it_is(folder: Path) -> None:
    before = everything(folder)
    rows = [
        json.loads(line)
        for line in call("encode", "-r", "in", "-o", "out", "--dry-run", "--json", code=1).stdout.splitlines()
    ]
    told = {row["file"]: row for row in rows}
    assert set(told) == {"in/a.png", "in/deep/b.jpg", "in/c.mkv", "in/d.png"}
    for name, out in (("in/a.png", "out/a.ncf"), ("in/deep/b.jpg", "out/deep/b.ncf")):
        row = told[name]
        assert (row["output"], row["codec"], row["quality"], row["dry_run"]) == (out, "s2lic", 50, True)
        assert row["pixels"] == 256 * 320 and row["expected_bytes"] > 0 < row["expected_s"]
    assert told["in/c.mkv"]["codec"] == "nirvana" and "expected_bytes" not in told["in/c.mkv"]
    assert "is not an image" in told["in/d.png"]["error"]
    assert everything(folder) == before and not Path("out").exists()
    summary = call("encode", "-r", "in", "--dry-run", code=1).stderr.splitlines()[-1]
    assert summary.startswith("3 to encode, 1 failed; ") and "-> ~" in summary
    assert everything(folder) == before


@pytest.mark.parametrize("options", [("--lossless", "-e", 1), ("-q", 30), ("--target-psnr", 36), ("--target-bpp", 1)])
def test_what_is_expected_of_a_photo_is_about_what_it_takes(here: Path, options: tuple[object, ...]) -> None:
    with Image.open(str(files("codec.assets") / "kodim23.png")) as whole:
        part = whole.crop((300, 150, 492, 278))
    part.save("a.png")
    part.save("b.jpg", quality=90)
    for name in ("a.png", "b.jpg"):
        row = json.loads(call("encode", name, "--dry-run", "--json", *options).stdout)
        made = json.loads(call("encode", name, "--json", *options).stdout)
        assert row["codec"] == made["codec"] and row["output"] == made["output"]
        assert made["bytes"] / 3 < row["expected_bytes"] < made["bytes"] * 3


def test_refusals_are_those_of_encoding(folder: Path) -> None:
    Path("a.ncf").write_bytes(codec.encode(PHOTO[:9]))
    assert "exists already" in refused("encode", "in/a.png", "-o", "a.ncf", "--dry-run")
    assert "more than the 100 allowed" in refused("encode", "in/a.png", "--dry-run", "--max-pixels", 100)
    assert "--time-budget is for" in refused(
        "encode", "in/a.png", "--dry-run", "--codec", "s2lic", "--time-budget", "3s"
    )
    assert "no s2lic weights 'none'" in refused("encode", "in/a.png", "--dry-run", "--weights", "none")
    row = json.loads(call("encode", "in/a.png", "-o", "a.ncf", "--dry-run", "--skip-existing", "--json").stdout)
    assert row["skipped"]


def test_no_torch_is_loaded(folder: Path) -> None:
    arguments = [
        "encode",
        *(str(folder / "in" / name) for name in ("a.png", "deep/b.jpg", "c.mkv")),
        "--dry-run",
        "--quiet",
    ]
    code = f"from codec.cli.main import cli\ncli.main({arguments}, standalone_mode=False)"
    assert loaded_after(code) & {"torch", "compressai"} == set()


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("LA", 2), ("RGB", 3), ("RGBA", 4), ("P", 3), ("I;16", 1)])
def test_a_look_sees_what_a_reader_finds(here: Path, mode: str, channels: int) -> None:
    image = Image.fromarray(PHOTO[:20, :30]).convert(mode.partition(";")[0].replace("I", "L"))
    (image if mode != "I;16" else Image.fromarray(PHOTO[:20, :30, 0].astype("uint16"))).save("a.png")
    seen = look("a.png")
    assert (seen.format, seen.width, seen.height, seen.channels) == ("PNG", 30, 20, channels)
    assert seen.depth == (16 if mode == "I;16" else 8) and seen.size == Path("a.png").stat().st_size
