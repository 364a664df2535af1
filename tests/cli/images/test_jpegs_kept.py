"""JPEGs on the command line: with --lossless the file itself comes back."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import Run, call, names, refused
from helpers.image_files import exif, saved
from PIL import Image

import codec


@pytest.fixture
def jpeg(tmp_path: Path, picture: Image.Image) -> Path:
    path = tmp_path / "a.jpg"
    path.write_bytes(saved(picture, "JPEG", quality=90, exif=exif()))
    return path


def test_the_same_jpeg_comes_back_beside_it_or_under_any_name_of_its_kind(jpeg: Path) -> None:
    data = jpeg.read_bytes()
    assert "a.ncf  " in call("encode", "--lossless", jpeg).stderr
    ncf = jpeg.with_suffix(".ncf")
    assert ncf.stat().st_size < len(data)
    call("decode", ncf)  # a.jpg is there
    jpeg.unlink()
    assert "as it was" in call("decode", ncf).stderr
    call("decode", ncf, "-o", jpeg.with_name("b.JPEG"))
    call("decode", ncf, "-o", jpeg.with_name("c.jpe"))
    made = ["a.decoded.jpg", "a.jpg", "b.JPEG", "c.jpe"]
    assert [jpeg.with_name(name).read_bytes() for name in made] == [data] * 4
    assert names(jpeg.parent) == sorted([*made, "a.ncf"])


def test_other_names_get_its_pixels_and_metadata(jpeg: Path) -> None:
    call("encode", "--lossless", jpeg)
    call("decode", jpeg.with_suffix(".ncf"), "-o", jpeg.with_name("b.png"))
    with Image.open(jpeg) as wanted, Image.open(jpeg.with_name("b.png")) as found:
        assert np.array_equal(np.asarray(found), np.asarray(wanted))
        assert found.getexif()[0x010F] == "Maker"


def test_it_is_a_filter(jpeg: Path, run: Run) -> None:
    made = run("encode", "--lossless", "-", stdin=jpeg.read_bytes())
    assert run("decode", "-", stdin=made.stdout).stdout == jpeg.read_bytes()


def test_a_folder_of_them_is_mirrored(jpeg: Path, picture: Image.Image) -> None:
    folder = jpeg.parent / "in"
    (folder / "deep").mkdir(parents=True)
    for i, options in enumerate(({}, {"progressive": True}, {"restart_marker_rows": 1})):
        picture.save(folder / "deep" / f"{i}.jpg", **options)
    picture.save(folder / "b.png")
    call("encode", "--lossless", "-r", folder, "-o", jpeg.parent / "out", "-j", 2)
    call("decode", "-r", jpeg.parent / "out", "-o", jpeg.parent / "back", "-j", 2)
    assert names(jpeg.parent / "back") == ["b.png", "deep"]
    for i in range(3):
        name = Path("deep", f"{i}.jpg")
        assert (jpeg.parent / "back" / name).read_bytes() == (folder / name).read_bytes()


def test_info_says_what_it_is(jpeg: Path) -> None:
    call("encode", "--lossless", jpeg)
    said = call("info", jpeg.with_suffix(".ncf")).stdout
    assert "codec     jpeg" in said and "sequential, 4:2:0, quality 90; " in said
    assert "metadata  in the JPEG: Exif " in said
    call("encode", "--lossless", "--preview", jpeg, "-o", jpeg.with_name("b.ncf"))
    assert re.search(
        r"metadata  preview [\d,]+ bytes; in the JPEG: Exif ", call("info", jpeg.with_name("b.ncf")).stdout
    )
    values = json.loads(call("info", "--json", jpeg.with_suffix(".ncf")).stdout)
    assert values["file_bytes"] == jpeg.stat().st_size and values["kept"]["Exif"] > 0
    jpeg.write_bytes(jpeg.read_bytes()[:600])  # kept as it is
    call("encode", "--lossless", "-f", jpeg)
    assert json.loads(call("info", "--json", jpeg.with_suffix(".ncf")).stdout)["kept"] == values["kept"]
    assert "metadata  in the JPEG: Exif " in call("info", jpeg.with_suffix(".ncf")).stdout


def test_it_is_verified_as_a_file(jpeg: Path, picture: Image.Image) -> None:
    jpeg.write_bytes(saved(picture.convert("CMYK"), "JPEG"))  # which no picture is read of
    call("encode", "--lossless", jpeg)
    ncf, size = jpeg.with_suffix(".ncf"), f"whole, 96 x 64, a file of {jpeg.stat().st_size:,} bytes"
    assert size in call("verify", ncf).stdout
    assert f"{size}, the same as {jpeg}" in call("verify", ncf, "--against", jpeg).stdout
    other = jpeg.with_name("b.jpg")
    other.write_bytes(saved(picture.rotate(180).convert("CMYK"), "JPEG"))
    assert f"is not made of {other}, and holds a JPEG that is CMYK" in refused("verify", ncf, "--against", other)
    missing = jpeg.with_name("none.jpg")
    assert "none.jpg: no such file" in refused("verify", ncf, "--against", missing)


def test_another_file_of_the_same_pixels_is_not_the_same(jpeg: Path, picture: Image.Image) -> None:
    call("encode", "--lossless", jpeg)
    ncf, other = jpeg.with_suffix(".ncf"), jpeg.with_name("b.jpg")
    picture.save(other, quality=90)  # no Exif
    assert f"not {other} itself, but with the same pixels" in call("verify", ncf, "--against", other).stdout
    row = json.loads(call("verify", "--json", ncf, "--against", other).stdout)
    assert (row["same_file"], row["same"]) == (False, True)
    picture.save(other, quality=40)
    assert "is whole, and holds another picture: PSNR 3" in refused("verify", ncf, "--against", other)


def test_what_can_not_be_kept_is_refused_with_a_way_out(jpeg: Path) -> None:
    jpeg.write_bytes(jpeg.read_bytes().replace(b"\xff\xc0", b"\xff\xca", 1))
    assert "a.jpg: is a JPEG of a rare kind (arithmetic coding), so it can't" in refused("encode", "--lossless", jpeg)
    assert names(jpeg.parent) == ["a.jpg"]
    jpeg.write_bytes(jpeg.read_bytes().replace(b"\xff\xca\0\x11\x08", b"\xff\xc1\0\x11\x0c", 1))
    assert "(12 bits), so it can't be kept byte for byte; keep" in refused("encode", "--lossless", jpeg)
    assert "leave out strip" in refused("encode", "--lossless", "--strip", jpeg)


def test_its_pixels_are_coded_where_they_are_asked_for(jpeg: Path) -> None:
    call("encode", "--codec", "circuit", "-e", 1, jpeg)
    assert codec.decode(jpeg.with_suffix(".ncf")).original is None


def test_a_png_is_none(photo: Path) -> None:
    assert "jpeg keeps JPEG files, and it is none" in refused("encode", "--codec", "jpeg", photo)


def test_nothing_can_be_had_of_a_damaged_one(jpeg: Path) -> None:
    call("encode", "--lossless", jpeg)
    ncf = jpeg.with_suffix(".ncf")
    data = bytearray(ncf.read_bytes())
    data[-20] ^= 1
    ncf.write_bytes(data)
    for options in ((), ("--partial",), ("--partial", "-o", jpeg.with_name("b.png"))):
        assert "checksum" in refused("decode", ncf, *options)
    assert names(jpeg.parent) == ["a.jpg", "a.ncf"]


def test_a_lossy_encoding_that_gains_nothing_says_so(jpeg: Path, picture: Image.Image) -> None:
    picture.save(jpeg, quality=30)
    said = call("encode", "-q", 100, jpeg).stderr
    assert "--lossless keeps the JPEG itself, byte for byte, in " in said
    picture.save(jpeg, quality=95)
    assert "--lossless" not in call("encode", "-f", "-q", 5, jpeg).stderr


def test_what_other_pictures_are_told_is_no_matter(here: Path) -> None:
    """`codec encode -r --lossless -e 9` of a folder of JPEGs and others."""
    Image.radial_gradient("L").resize((40, 24)).save("a.jpg")
    call("encode", "--lossless", "-e", 1, "--time-budget", "1s", "a.jpg")
    assert json.loads(call("info", "--json", "a.ncf").stdout)["codec"] == "jpeg"
    assert "jpeg has no effort" in refused("encode", "--codec", "jpeg", "-e", 1, "a.jpg", "-o", "b.ncf")


def test_what_was_decoded_before_is_replaced_with_f_alone(jpeg: Path) -> None:
    call("encode", "--lossless", jpeg)
    ncf, again = jpeg.with_suffix(".ncf"), jpeg.with_name("a.decoded.jpg")
    call("decode", ncf)  # a.jpg is there
    before = again.read_bytes()
    os.utime(again, ns=(ncf.stat().st_mtime_ns + 10**9,) * 2)
    assert "exists already" in refused("decode", ncf)
    call("decode", "-f", ncf)
    os.utime(again, ns=(ncf.stat().st_mtime_ns + 10**9,) * 2)
    assert names(jpeg.parent) == ["a.decoded.jpg", "a.jpg", "a.ncf"] and again.read_bytes() == before
    again.write_bytes(before + b"mine")  # no longer what was decoded
    os.utime(again, ns=(ncf.stat().st_mtime_ns + 10**9,) * 2)
    call("decode", "-f", ncf)
    assert names(jpeg.parent) == ["a.decoded-2.jpg", "a.decoded.jpg", "a.jpg", "a.ncf"]
