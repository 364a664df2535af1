"""Pictures on the command line, end to end, with the weights that are installed."""

import dataclasses
import io
import json
import os
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.alike import alike
from helpers.commands import Run, call, names, refused
from PIL import Image

import codec
from codec import container


def image(source: Any) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(source) if isinstance(source, bytes) else source))


def test_encode_and_decode_write_beside_the_input(photo: Path, picture: Image.Image) -> None:
    result = call("encode", photo)
    assert result.stdout == ""
    assert f"{photo} -> {photo.with_suffix('.ncf')}  " in result.stderr
    photo.rename(photo.with_name("original.png"))
    result = call("decode", photo.with_suffix(".ncf"))
    assert result.stdout == ""
    assert f" -> {photo}  96 x 64  " in result.stderr
    error = image(photo).astype(float) - np.asarray(picture)
    assert np.sqrt(np.mean(error**2)) < 25
    assert names(photo.parent) == ["original.png", "photo.ncf", "photo.png"]


def test_the_command_gives_what_the_library_gives(photo: Path, picture: Image.Image, ncf: Path, encoded: bytes) -> None:
    call("encode", photo, "-q", "40", "-o", photo.parent / "b.ncf")
    assert alike((photo.parent / "b.ncf").read_bytes(), encoded)
    call("decode", ncf, "-o", photo.parent / "b.png")
    shown = np.asarray(codec.decode(encoded).image()).astype(int)
    assert np.abs(image(photo.parent / "b.png") - shown).max() <= 1


def test_quality_raises_the_rate(photo: Path) -> None:
    sizes = []
    for quality in ("0", "12.5", "50", "100"):
        call("encode", photo, "-f", "--quality", quality)
        sizes.append(photo.with_suffix(".ncf").stat().st_size)
        assert codec.info(photo.with_suffix(".ncf")).private == round(float(quality) * 256).to_bytes(2, "little")
    assert sizes == sorted(set(sizes))


@pytest.mark.parametrize("suffix", ["jpg", "webp", "tif", "bmp", "ppm"])
def test_the_suffix_of_the_output_says_its_format(ncf: Path, suffix: str) -> None:
    call("decode", ncf, "-o", ncf.with_suffix(f".{suffix}"))
    formats = {"jpg": "JPEG", "webp": "WEBP", "tif": "TIFF", "bmp": "BMP", "ppm": "PPM"}
    assert Image.open(ncf.with_suffix(f".{suffix}")).format == formats[suffix]


def test_an_unknown_suffix_is_refused_before_decoding(ncf: Path) -> None:
    assert "no image format has the suffix '.xyz'; use one of" in refused("decode", ncf, "-o", ncf.with_suffix(".xyz"))


def test_several_files_go_into_a_directory_that_is_made(photo: Path, picture: Image.Image) -> None:
    picture.save(photo.with_name("other.bmp"))
    call("encode", photo, photo.with_name("other.bmp"), "-o", f"{photo.parent}/out/")
    assert names(photo.parent / "out") == ["other.ncf", "photo.ncf"]


def test_pipes_carry_the_same_bytes(run: Run, photo: Path, encoded: bytes) -> None:
    done = run("encode", "-q", 40, "-", stdin=photo.read_bytes())
    assert (done.returncode, done.stdout) == (0, encoded)
    done = run("decode", "-", "--quiet", stdin=encoded)
    assert (done.returncode, done.stderr) == (0, b"")
    assert np.array_equal(image(done.stdout), np.asarray(codec.decode(encoded).image()))
    assert names(photo.parent) == ["photo.png"]


def test_json_is_one_object_a_file(photo: Path, picture: Image.Image) -> None:
    picture.save(photo.with_name("other.bmp"))
    result = call("encode", "--json", "-q", "30", "--device", "cpu", photo, photo.with_name("other.bmp"))
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["file"] for row in rows] == [str(photo), str(photo.with_name("other.bmp"))]
    output = Path(rows[0]["output"])
    assert rows[0].pop("encode_s") > 0
    assert rows[0] == {
        "file": str(photo),
        "output": str(output),
        "codec": "s2lic",
        "quality": 30.0,
        "tune": "psnr",
        "effort": 1,
        "device": "cpu",
        "bytes": output.stat().st_size,
        "pixels": 96 * 64,
        "bpp": 8 * output.stat().st_size / (96 * 64),
    }
    result = call("decode", "--json", output, "-o", photo.with_name("back.png"))
    row = json.loads(result.stdout)
    assert row.pop("decode_s") > 0
    assert (row["file"], row["width"], row["height"]) == (str(output), 96, 64)
    assert row["bytes"] == photo.with_name("back.png").stat().st_size


def test_json_and_bytes_do_not_mix_on_stdout(photo: Path, ncf: Path) -> None:
    for arguments in (["encode", photo, "-o", "-"], ["encode", "-"], ["decode", ncf, "-o", "-"]):
        assert "can't both go to standard output" in refused(*arguments, "--json", code=2)


def test_quiet_prints_nothing(photo: Path) -> None:
    assert call("encode", "--quiet", photo).output == ""


def test_a_larger_output_is_said_with_both_sizes(tmp_path: Path) -> None:
    (tmp_path / "dot.ppm").write_bytes(b"P6 1 1 255\n\1\2\3")
    result = call("encode", tmp_path / "dot.ppm")
    size = (tmp_path / "dot.ncf").stat().st_size
    assert f"dot.ppm: the output is larger than the input: {size} bytes, 14 before\n" in result.stderr


def test_existing_files_are_kept_without_force(photo: Path, ncf: Path, encoded: bytes) -> None:
    assert "photo.ncf exists already; name another with -o, or overwrite it with -f" in refused("encode", photo)
    assert ncf.read_bytes() == encoded
    call("encode", "--force", "-q", "90", photo)
    assert ncf.read_bytes() != encoded


def test_the_input_is_never_the_output(photo: Path) -> None:
    content = photo.read_bytes()
    os.symlink(photo, photo.with_name("symlink.ncf"))
    os.link(photo, photo.with_name("hardlink.ncf"))
    for name in ("symlink.ncf", "hardlink.ncf"):
        assert "is the input" in refused("encode", "-f", photo, "-o", photo.with_name(name))
    message = refused("encode", "-f", photo, "-o", photo, code=2)
    assert "photo.png would be an .ncf file by the name of another; end it with .ncf" in message
    assert photo.read_bytes() == content


def test_inputs_with_one_output_stop_the_batch_before_any_work(photo: Path, picture: Image.Image) -> None:
    picture.save(photo.with_name("first.bmp"))
    picture.save(photo.with_suffix(".jpg"))
    message = refused("encode", photo.with_name("first.bmp"), photo, photo.with_suffix(".jpg"), code=2)
    assert str(photo) in message
    assert str(photo.with_suffix(".jpg")) in message
    assert names(photo.parent) == ["first.bmp", "photo.jpg", "photo.png"]


def test_a_bad_file_does_not_stop_the_others(photo: Path, picture: Image.Image) -> None:
    photo.with_name("bad.png").write_text("no image")
    picture.save(photo.with_name("good.bmp"))
    result = call("encode", *(photo.with_name(name) for name in ("bad.png", "none.png", "good.bmp")), code=1)
    assert result.exit_code == 1
    bad, none, good, summary = result.stderr.splitlines()
    assert bad.startswith(f"codec: {photo.with_name('bad.png')}: is not an image that can be read; ")
    assert none == f"codec: {photo.with_name('none.png')}: no such file or directory; check the name"
    assert " -> " in good
    assert summary.startswith("1 encoded, 2 failed; ")
    assert names(photo.parent) == ["bad.png", "good.bmp", "good.ncf", "photo.png"]


@pytest.mark.parametrize("case", ["text", "empty", "truncated"])
def test_bad_images_leave_one_line_and_no_file(photo: Path, case: str) -> None:
    content = {"text": b"Dear diary,\n", "empty": b"", "truncated": photo.read_bytes()[:3000]}[case]
    photo.write_bytes(content)
    message = {"text": "is not an image", "empty": "the file is empty", "truncated": "is damaged"}[case]
    assert refused("encode", photo).startswith(f"codec: {photo}: {message}")
    assert names(photo.parent) == ["photo.png"]


def with_header(data: bytes, **changes: Any) -> bytes:
    header, units = container.read(io.BytesIO(data))
    buffer = io.BytesIO()
    limits = container.Limits(side=2**32, pixels=2**64)
    container.write(buffer, dataclasses.replace(header, **changes), list(units), limits)
    return buffer.getvalue()


@pytest.mark.parametrize("case", ["text", "empty", "truncated", "flipped", "huge", "weights", "an image"])
def test_bad_ncf_files_leave_one_line_and_no_file(photo: Path, ncf: Path, encoded: bytes, case: str) -> None:
    flipped = bytearray(encoded)
    flipped[len(encoded) // 2] ^= 4
    content, message = {
        "text": (b"Dear diary,\n", "not an .ncf file"),
        "empty": (b"", "not an .ncf file"),
        "truncated": (encoded[:-30], "truncated"),
        "flipped": (bytes(flipped), "damaged"),
        "huge": (with_header(encoded, width=2**16, height=2**15), "65536 x 32768 is too large"),
        "weights": (with_header(encoded, fingerprint=b"12345678"), "weights 3132333435363738 are not installed"),
        "an image": (photo.read_bytes(), "not an .ncf file"),
    }[case]
    photo.unlink()
    ncf.write_bytes(content)
    line = refused("decode", ncf)
    assert line.startswith(f"codec: {ncf}: ")
    assert message in line
    assert names(ncf.parent) == ["photo.ncf"]


def test_encoding_an_ncf_file_is_refused(ncf: Path) -> None:
    assert f"{ncf}: is an .ncf file already; decode it" in refused("encode", ncf)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_directory_is_one_line(photo: Path) -> None:
    photo.parent.chmod(0o500)
    assert "photo.ncf: permission denied; " in refused("encode", photo)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_disk_is_one_line(photo: Path) -> None:
    assert "codec: /dev/full: no space left on device; free some space" in refused("encode", photo, "-o", "/dev/full")


def test_a_missing_directory_is_one_line(photo: Path) -> None:
    assert "is in a directory that doesn't exist; make it first" in refused(
        "encode", photo, "-o", photo.parent / "none" / "a.ncf"
    )


def test_effort_makes_a_better_file_of_a_photo(photo: Path) -> None:
    with Image.open(str(files("codec.assets") / "kodim23.png")) as whole:
        whole.crop((200, 200, 328, 328)).save(photo)
    row = json.loads(call("encode", "--json", "-e", "3", "-q", "50", photo).stdout)
    assert row["effort"] == 3 and row["bytes"] < len(codec.encode(photo, quality=50))
    call("decode", row["output"], "-o", photo.with_name("back.png"))
    assert "10 is not in the range 1<=x<=9" in refused("encode", "-e", "10", photo, code=2)
