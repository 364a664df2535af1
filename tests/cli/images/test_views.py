"""Rectangles, smaller copies, previews and thumbnails on the command line, and what file managers run."""

import json
import shlex
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from helpers.commands import call, refused
from helpers.places import TESTS
from helpers.video_clips import moving, video_file
from PIL import Image

import codec
from codec.container import MAGIC
from codec.pillow import MIME

SHARE = TESTS.parent / "assets" / "share"


def test_a_rectangle_and_a_small_copy(ncf: Path) -> None:
    whole = np.asarray(codec.decode(ncf).image())
    row = json.loads(call("decode", "--json", "--region", "10,20,30,40", ncf).stdout)
    assert (row["width"], row["height"]) == (30, 40)
    assert np.array_equal(np.asarray(Image.open(row["output"])), whole[20:60, 10:40])
    call("decode", "--scale", "1/8", ncf, "-o", ncf.with_name("small.webp"))
    assert Image.open(ncf.with_name("small.webp")).size == (12, 8)
    call("decode", "--scale", "1/4", "--region", "1,1,4,4", ncf, "-o", ncf.with_name("part.png"))
    assert Image.open(ncf.with_name("part.png")).size == (2, 2)
    assert "96 x 64" in refused("decode", "--region", "90,0,7,1", ncf, "-o", ncf.with_name("c.png"))
    for wrong in (["--region", "1,2,3"], ["--region", "0,0,0,5"], ["--scale", "1/3"], ["--thumbnail", "0"]):
        refused("decode", *wrong, ncf, code=2)
    assert "leave out" in refused("decode", "--thumbnail", "50", "--scale", "1/2", ncf, code=2)


def test_a_part_of_a_kept_jpeg_is_no_jpeg_of_that_name(photo: Path, tmp_path: Path) -> None:
    Image.open(photo).save(tmp_path / "a.jpg")
    call("encode", "--lossless", tmp_path / "a.jpg", "-o", tmp_path / "b.ncf")
    call("decode", "--region", "0,0,9,8", tmp_path / "b.ncf")
    assert Image.open(tmp_path / "b.region.png").size == (9, 8) and not (tmp_path / "b.jpg").exists()
    call("decode", "--scale", "1/2", tmp_path / "b.ncf")
    assert (tmp_path / "b.small.png").exists()
    call("decode", "--skip-existing", tmp_path / "b.ncf")  # those aren't taken for the picture
    assert (tmp_path / "b.jpg").read_bytes() == (tmp_path / "a.jpg").read_bytes()


def test_a_preview_is_named_and_taken_out(photo: Path, tmp_path: Path) -> None:
    target, small = tmp_path / "a.ncf", tmp_path / "small.jpg"
    call("encode", "--preview", photo, "-o", target)
    assert "preview" in call("info", target).stdout
    call("info", "--preview", small, target)
    assert small.read_bytes() == codec.info(target).metadata["preview"] and Image.open(small).size == (96, 64)
    assert "exists already" in refused("info", "--preview", small, target)
    small.write_bytes(b"old")
    call("info", "-f", "--preview", small, target)
    assert small.read_bytes() == codec.info(target).metadata["preview"]
    assert "is the input" in refused("info", "-f", "--preview", target, target)
    refused("info", "-f", target, code=2)
    refused("info", "--preview", small, target, target, code=2)
    call("encode", "-f", photo, "-o", target)
    assert "no preview" in refused("info", "--preview", tmp_path / "b.jpg", target)
    assert not (tmp_path / "b.jpg").exists()


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    (tmp_path / "clip.ncf").write_bytes(codec.encode(video_file(moving(48, 64, 3)), effort=1))
    return tmp_path / "clip.ncf"


def test_a_thumbnail_is_a_png_whatever_file_managers_call_it(ncf: Path, clip: Path) -> None:
    for source, size in ((ncf, (20, 13)), (clip, (20, 15))):
        target = source.with_name(".thumbnail.ABC123")
        target.touch()
        call("decode", "-f", "--thumbnail", "20", source, "-o", target)
        image = Image.open(target)
        assert (image.format, image.size) == ("PNG", size)
    call("decode", "--thumbnail", "500", ncf)
    assert Image.open(ncf.with_suffix(".thumb.png")).size == (96, 64)  # nothing is enlarged
    assert "goes with images" in refused("decode", "--scale", "1/2", clip)
    for option in (("--partial",), ("--frames", "1..2"), ("--png",), ("--base",), ("--no-audio",)):
        assert f"leave out {option[0]}" in refused("decode", "--thumbnail", "20", clip, *option, code=2)


def test_what_file_managers_are_told_of_the_format(ncf: Path) -> None:
    entry = dict(
        line.split("=", 1) for line in (SHARE / "thumbnailers" / "codec-ncf.thumbnailer").read_text().splitlines()[1:]
    )
    assert entry["MimeType"] == f"{MIME};"
    command = [{"%s": "16", "%i": str(ncf), "%o": str(ncf.parent / "t")}.get(w, w) for w in shlex.split(entry["Exec"])]
    call(*command[1:])
    assert command[0] == entry["TryExec"] == "codec" and Image.open(ncf.parent / "t").size == (16, 11)
    kind = ElementTree.parse(SHARE / "mime" / "packages" / "codec-ncf.xml").getroot()[0]
    name = {"m": "http://www.freedesktop.org/standards/shared-mime-info"}
    match, glob = kind.find("m:magic/m:match", name), kind.find("m:glob", name)
    assert match is not None and glob is not None
    assert match.attrib["value"].encode().decode("unicode_escape").encode("latin-1") == MAGIC
    assert (kind.attrib["type"], glob.attrib["pattern"], match.attrib["offset"]) == (MIME, "*.ncf", "0")
