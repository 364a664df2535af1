"""`codec verify`: what is whole, what isn't, and how like its source it is."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import call, refused
from helpers.video_clips import moving, video_file
from PIL import Image

import codec
from codec import container


def test_whole_files_are_told_and_damaged_ones_refused(here: Path, encoded: bytes) -> None:
    Path("f/g").mkdir(parents=True)
    Path("f/a.ncf").write_bytes(encoded)
    Path("f/g/b.ncf").write_bytes(encoded)
    rows = [json.loads(line) for line in call("verify", "-r", "f", "--json").stdout.splitlines()]
    assert [(row["file"], row["whole"], row["frames"]) for row in rows] == [
        ("f/a.ncf", True, 1),
        ("f/g/b.ncf", True, 1),
    ]
    assert call("verify", "f/a.ncf").stdout.startswith("f/a.ncf: whole, 96 x 64  (")
    Path("f/a.ncf").write_bytes(encoded[:-1])
    assert refused("verify", "f/a.ncf").startswith("codec: f/a.ncf: truncated")
    assert sorted(str(path) for path in Path("f").rglob("*") if path.is_file()) == ["f/a.ncf", "f/g/b.ncf"]


def test_a_source_tells_what_was_lost(here: Path) -> None:
    picture = np.add.outer(np.arange(40), 2 * np.arange(50))[..., None].repeat(3, 2).astype(np.uint8)
    for name, frame in (("a.png", picture), ("b.png", 255 - picture), ("c.png", picture[:9])):
        Image.fromarray(frame).save(name)
    Path("same.ncf").write_bytes(codec.encode("a.png", lossless=True, effort=1))
    Path("like.ncf").write_bytes(codec.encode("a.png", quality=80))
    assert "the same as a.png" in call("verify", "same.ncf", "--against", "a.png").stdout
    assert "holds another picture: PSNR 5" in refused("verify", "same.ncf", "--against", "b.png")
    near, far = (
        json.loads(call("verify", "like.ncf", "--against", name, "--json").stdout) for name in ("a.png", "b.png")
    )
    assert near["psnr"] > 20 > far["psnr"] and not near["same"]
    assert "is not made of c.png, which has 50 x 9" in refused("verify", "like.ncf", "--against", "c.png")
    refused("verify", "same.ncf", "like.ncf", "--against", "a.png", code=2)


def test_what_differs_in_alpha_alone_is_said_so(here: Path) -> None:
    picture = np.full((20, 30, 4), 90, np.uint8)
    Image.fromarray(picture).save("a.png")
    picture[..., 3] = 200
    Path("a.ncf").write_bytes(codec.encode(picture, quality=100))
    row = json.loads(call("verify", "a.ncf", "--against", "a.png", "--json").stdout, parse_constant=pytest.fail)
    assert (not row["same"] and row["psnr"] is None) or row["psnr"] > 30
    Path("b.ncf").write_bytes(codec.encode(picture, lossless=True))
    line = refused("verify", "b.ncf", "--against", "a.png")
    assert "holds another picture: the colours of a.png, with other transparency" in line


def test_pictures_of_any_size_are_looked_at_and_large_ones_checked_when_asked(here: Path) -> None:
    Path("a.ncf").write_bytes(codec.encode(np.zeros((9, 9, 3), np.uint8), lossless=True))
    assert "raise the latter with --max-pixels" in refused("verify", "--max-pixels", "80", "a.ncf")
    call("verify", "--max-pixels", "81", "a.ncf")
    with open("a.ncf", "rb") as file:
        header, units = container.read(file)
        data = container.to_bytes(replace(header, width=30_000, height=20_000), units, container.Limits(pixels=2**30))
    Path("large.ncf").write_bytes(data)
    assert codec.info("large.ncf").width == 30_000


def test_videos_are_decoded_to_their_end(here: Path) -> None:
    Path("v.ncf").write_bytes(codec.encode(video_file(moving(48, 64, 5)), effort=1))
    assert json.loads(call("verify", "v.ncf", "--json").stdout)["frames"] == 5
    assert "goes with images" in refused("verify", "v.ncf", "--against", "v.ncf")


def test_rows_tell_of_what_failed_too(here: Path) -> None:
    data = codec.encode(np.zeros((9, 9, 3), np.uint8), lossless=True)
    Path("good.ncf").write_bytes(data)
    Path("cut.ncf").write_bytes(data[:-9])
    for command in ("verify", "info"):
        done = call(command, "--json", "good.ncf", "cut.ncf", "none.ncf", code=1)
        rows = {row["file"]: row for row in map(json.loads, done.stdout.splitlines())}
        assert list(rows) == ["good.ncf", "cut.ncf", "none.ncf"] and "error" not in rows["good.ncf"]
        for name in ("cut.ncf", "none.ncf"):
            assert f"codec: {name}: {rows[name]['error']}" in done.stderr
    assert "truncated" in rows["cut.ncf"]["error"]
    done = call("verify", "-j", "2", "good.ncf", "cut.ncf", code=1)
    assert done.stderr.count("get a whole copy") == 1
