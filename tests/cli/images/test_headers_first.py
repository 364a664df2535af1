"""What can be known from first bytes and headers is refused before networks are loaded or anything is decoded."""

import json
from pathlib import Path

import numpy as np
from helpers.commands import call, refused
from helpers.image_files import chunk, png16, saved
from helpers.imports import loaded_after
from PIL import Image

import codec


def slow(*arguments: object) -> set[str]:
    """What a command, which fails, has loaded that takes seconds."""
    lines = (
        "import contextlib, io, click",
        "from codec.cli.main import cli",
        "with contextlib.redirect_stderr(io.StringIO()), contextlib.suppress(click.exceptions.Exit):",
        f"    cli({[str(a) for a in arguments]!r}, standalone_mode=False)",
    )
    return loaded_after("\n".join(lines)) & {"torch", "constriction"}


def test_encoding_an_ncf_file_loads_no_network(ncf: Path) -> None:
    assert "is an .ncf file already" in refused("encode", ncf)
    assert slow("encode", ncf) == set()


def test_transparency_to_jpeg_is_refused_before_decoding(tmp_path: Path, picture: Image.Image) -> None:
    image = picture.convert("RGBA")
    image.putalpha(picture.getchannel("R"))
    file, out = tmp_path / "a.ncf", tmp_path / "a.jpg"
    file.write_bytes(codec.encode(image))
    assert "JPEG can't hold transparency; write PNG instead" in refused("decode", file, "-o", out)
    assert slow("decode", file, "-o", out) == set()
    assert not out.exists()


def test_deep_samples_to_webp_are_refused_before_decoding(tmp_path: Path) -> None:
    file, out = tmp_path / "a.ncf", tmp_path / "a.webp"
    file.write_bytes(codec.encode(np.zeros((8, 8, 3), np.uint16)))
    assert "the image has 16; write PNG instead" in refused("decode", file, "-o", out)
    assert slow("decode", file, "-o", out) == set()
    call("decode", file, "-o", out.with_suffix(".tif"))


def test_what_is_left_out_is_one_line(tmp_path: Path, picture: Image.Image) -> None:
    source = tmp_path / "a.gif"
    source.write_bytes(saved(picture, "GIF", save_all=True, append_images=[picture.rotate(180)]))
    result = call("encode", source)
    assert f"codec: {source}: it has more than one frame; the first is kept" in result.stderr.splitlines()[0]
    hdr = tmp_path / "b.png"
    hdr.write_bytes(png16(np.zeros((8, 8, 3), np.uint16), chunk(b"cICP", b"\x09\x10\0\1")))
    call("encode", hdr)
    assert "colour    primaries 9, transfer 16 (CICP)" in call("info", tmp_path / "b.ncf").stdout
    assert json.loads(call("info", "--json", tmp_path / "b.ncf").stdout)["color"] == [9, 16]
    said = call("decode", tmp_path / "b.ncf", "-o", tmp_path / "b.tif").stderr
    assert "b.ncf: TIFF can't hold its colour (CICP); PNG does" in said
    assert call("decode", "--quiet", tmp_path / "b.ncf", "-o", tmp_path / "c.tif").stderr == ""
