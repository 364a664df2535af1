"""`codec verify`: what is whole, what isn't, and how like its source it is."""

import json
from pathlib import Path

import numpy as np
from helpers.commands import call, refused
from helpers.video_clips import moving, video_file
from PIL import Image

import codec


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
    assert "holds another picture than b.png: PSNR 5" in refused("verify", "same.ncf", "--against", "b.png")
    near, far = (
        json.loads(call("verify", "like.ncf", "--against", name, "--json").stdout) for name in ("a.png", "b.png")
    )
    assert near["psnr"] > 20 > far["psnr"] and not near["same"]
    assert "is not made of c.png, which has 50 x 9" in refused("verify", "like.ncf", "--against", "c.png")
    refused("verify", "same.ncf", "like.ncf", "--against", "a.png", code=2)


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
