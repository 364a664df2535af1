"""Shards to train on: from photos, nothing in them like a held-out picture; and drawn ones."""

import gzip
import io
import json
import random
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from codec.errors import CodecError
from codec.train import alike, drawn, photos, shards

SMALL = ["--crop", "96x64", "--factor", "2.4..3"]


def scene(seed: int, width: int = 700, height: int = 480) -> Image.Image:
    """A picture with large shapes, which its hash knows it by, and fine ones."""
    rng = np.random.default_rng(seed)
    large = Image.fromarray(rng.integers(0, 256, (7, 9, 3), dtype=np.uint8)).resize((width, height))
    fine = Image.fromarray(rng.integers(0, 256, (height // 4, width // 4, 3), dtype=np.uint8)).resize((width, height))
    return Image.blend(large, fine, 0.3)


@pytest.fixture
def originals(tmp_path: Path) -> Path:
    folder = tmp_path / "originals"
    folder.mkdir()
    for seed in range(3):
        scene(seed).save(folder / f"{seed}.jpg", quality=92)
    scene(3, 480, 700).save(folder / "upright.png")
    scene(0).resize((600, 411)).save(folder / "zero-again.jpg", quality=60)
    scene(4, 90, 60).save(folder / "small.png")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a picture")
    return folder


def members(shard: Path) -> dict[str, bytes]:
    with tarfile.open(shard) as tar:
        return {m.name: tar.extractfile(m).read() for m in tar}  # type: ignore[union-attr]


def test_a_shard_leaves_out_what_is_held_out_double_small_or_broken(
    originals: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held_out = tmp_path / "held-out"
    held_out.mkdir()
    scene(1).resize((233, 160), Image.Resampling.BICUBIC).save(held_out / "other-name.webp", quality=40)
    shard = tmp_path / "shard.tar"
    shards.main([str(originals), "--exclude", str(held_out), "--out", str(shard), *SMALL])
    printed = capsys.readouterr()
    assert "unreadable: 1; excluded: 1; double: 1; small: 1" in printed.out
    assert "broken.jpg" in printed.err
    found = members(shard)
    lines = json.loads(found.pop("manifest.json"))
    assert sorted(line["name"] + ".avif" for line in lines) == sorted(found)
    assert {line["orig"] for line in lines} == {"0.jpg", "2.jpg", "upright.png"}
    assert all(line["factor"] >= 2.4 for line in lines)
    for line in lines:
        size = Image.open(io.BytesIO(found[line["name"] + ".avif"])).size
        assert list(size) == line["size"]
        if "_c" in line["name"]:
            assert size == ((64, 96) if line["orig"] == "upright.png" else (96, 64))
        else:
            assert min(size) >= 64 or max(size) <= 128
    assert len(photos.load([shard])) == len(lines)
    again = tmp_path / "again.tar"
    shards.main([str(originals), "--exclude", str(held_out), "--out", str(again), *SMALL])
    assert again.read_bytes() == shard.read_bytes()


@pytest.mark.parametrize("part", [(0, 0, 700, 480), (31, 57, 481, 357), (250, 190, 570, 470), (411, 20, 591, 290)])
def test_a_held_out_part_is_found_in_its_photo_and_in_no_other(part: tuple[int, int, int, int]) -> None:
    held_out = scene(5).crop(part).reduce(2)
    coded = io.BytesIO()
    held_out.save(coded, "JPEG", quality=40)
    held_out = alike.HeldOut([Image.open(coded)])
    assert held_out.holds(alike.sums(scene(5))) and held_out.holds(alike.sums(ImageOps.mirror(scene(5))))
    assert not any(held_out.holds(alike.sums(scene(seed))) for seed in range(6, 10))


def test_crops_do_not_overlap_and_come_from_the_texture() -> None:
    picture = Image.new("RGB", (1200, 480), (90, 120, 200))
    picture.paste(scene(1, 600, 480), (600, 0))
    kinds = [
        (kind, piece)
        for seed in range(10)
        for kind, _, piece in shards.samples(picture, random.Random(seed), factor=(2.4, 2.4), crop=(96, 64), crops=3)
    ]
    crops = [np.asarray(piece) for kind, piece in kinds if kind != "w"]
    assert len(crops) > 20
    textured = sum(crop.std((0, 1)).max() > 10 for crop in crops)
    assert textured > 0.6 * len(crops)  # half of the picture is


@pytest.mark.parametrize("make", ["empty", "broken", "missing", "file"])
def test_what_cannot_be_left_out_is_an_error(make: str, originals: Path, tmp_path: Path) -> None:
    exclude = tmp_path / "exclude"
    if make == "file":
        exclude.write_bytes(b"text")
    elif make != "missing":
        exclude.mkdir()
    if make == "broken":
        (exclude / "x.png").write_bytes(b"\x89PNG nothing")
    out = tmp_path / "shard.tar"
    with pytest.raises((CodecError, FileNotFoundError)):
        shards.main([str(originals), "--exclude", str(exclude), "--out", str(out), *SMALL])
    assert not out.exists()


def test_drawn_pictures_follow_from_the_seed(tmp_path: Path) -> None:
    for name in ("a", "b"):
        drawn.main(["--out", str(tmp_path / name), "--count", "2", "--screens", "0.5", "--seed", "7"])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    with pytest.raises(CodecError, match="overwrite it with -f"):
        drawn.main(["--out", str(tmp_path / "a"), "--count", "1"])
    first, second = photos.load([tmp_path / "a"])
    assert {first.shape, second.shape} == {(512, 768, 3), (512, 640, 3)}
    assert min(first.std(), second.std()) > 2


@pytest.mark.parametrize("damage", ["cut", "head", "gz", "size"])
def test_a_damaged_tar_is_one_line(damage: str, originals: Path, tmp_path: Path) -> None:
    tar = tmp_path / "a.tar"
    shards.write(tar, [(name, (originals / name).read_bytes()) for name in ("0.jpg", "2.jpg")])
    data = bytearray(tar.read_bytes())
    second = 512 + -(-(originals / "0.jpg").stat().st_size // 512) * 512
    if damage == "cut":
        del data[second + 700 :]
    elif damage == "head":
        data[second + 3] ^= 1
    elif damage == "gz":
        data = bytearray(gzip.compress(data)[:-3000])
    else:  # of 2^36 bytes
        info = tarfile.TarInfo("0.jpg")
        info.size = 2**36
        data[:512] = info.tobuf(tarfile.GNU_FORMAT)
    tar.write_bytes(data)
    out = tmp_path / "shard.tar"
    for given in ([str(tar)], [str(originals), "--exclude", str(tar)]):
        with pytest.raises(CodecError, match=r"a\.tar: a damaged tar file"):
            shards.main([*given, "--out", str(out), *SMALL])
    assert not out.exists()


def test_links_in_a_tar_and_folders_like_pictures_are_left_out(originals: Path, tmp_path: Path) -> None:
    (originals / "folder.png").mkdir()
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.add(originals / "0.jpg", "0.jpg")
        for kind, target in ((tarfile.SYMTYPE, "/etc/passwd"), (tarfile.LNKTYPE, "none.jpg")):
            link = tarfile.TarInfo(f"{target[1:4]}.jpg")
            link.type, link.linkname = kind, target
            tar.addfile(link)
    assert [name for name, _ in photos.files(tmp_path / "a.tar")] == ["0.jpg"]
    assert len([*photos.files(originals)]) == 7


def test_a_shard_does_not_replace_what_it_is_made_of(originals: Path, tmp_path: Path) -> None:
    tar = tmp_path / "a.tar"
    shards.main([str(originals), "--out", str(tar), *SMALL])
    before = tar.read_bytes()
    with pytest.raises(CodecError, match="overwrite it with -f"):
        shards.main([str(tar), "--out", str(tar), *SMALL])
    with pytest.raises(CodecError, match="is an input"):
        shards.main([str(tar), "--out", str(tar), "-f", *SMALL])
    assert tar.read_bytes() == before


def test_long_narrow_pictures_are_held_out_whole() -> None:
    narrow = scene(5, 1600, 100)
    held_out = alike.HeldOut([narrow.resize((1000, 6)), narrow.crop((0, 0, 5, 100)), narrow])
    assert held_out.holds(alike.sums(narrow.reduce(2)))
    assert not held_out.holds(alike.sums(scene(6)))
