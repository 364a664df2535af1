"""Damaged videos, and files that are none: what is whole is written, and one line says the rest."""

from pathlib import Path

import numpy as np
from helpers.coded_videos import decoded, in_file, offsets
from helpers.commands import call, names, refused
from PIL import Image


def damaged(data: bytes, unit: int) -> bytes:
    found = bytearray(data)
    found[offsets(data)[unit] + 30] ^= 1
    return bytes(found)


def test_a_damaged_group_costs_its_chain_alone(here: Path, ncf: bytes) -> None:
    Path("clip.ncf").write_bytes(damaged(ncf, 1))
    line = refused("decode", "clip.ncf")
    assert f"section 'B' at byte {offsets(ncf)[1]}" in line and "damaged" in line
    assert names() == ["clip.ncf"]
    line = refused("decode", "clip.ncf", "--partial", "-o", "back.mkv")
    assert "wrote what is whole to back.mkv; lost: damaged" in line and "(frames 12 to 24 are lost)" in line
    found, whole = in_file("back.mkv"), decoded(ncf)
    kept = [p for n, p in enumerate(whole) if n not in range(12, 25)]
    assert [p.time for p in found] == [p.time for p in kept]
    assert all(np.array_equal(a.planes[0], b.planes[0]) for a, b in zip(found, kept, strict=True))
    call("decode", "clip.ncf", "--frames", "25..29", "-o", "rest.mkv")  # which needs nothing of it
    assert refused("info", "clip.ncf").startswith("codec: clip.ncf: damaged")


def test_of_a_truncated_file_what_is_there_is_written(here: Path, ncf: bytes) -> None:
    Path("clip.ncf").write_bytes(ncf[: offsets(ncf)[2] + 4])
    assert "truncated" in refused("decode", "clip.ncf")
    line = refused("decode", "clip.ncf", "--partial")
    assert "truncated" in line and line.endswith("(frames 25 and later are lost)")
    assert len(in_file("clip.mp4")) == 25


def test_files_that_are_no_videos_are_told(here: Path, picture: Image.Image) -> None:
    for name, data in {"a.mp4": b"", "b.mkv": b"\x1aE\xdf\xa3" + bytes(60), "c.y4m": b"YUV4MPEG2 W16 H16\n"}.items():
        Path(name).write_bytes(data)
        assert refused("encode", name).startswith(f"codec: {name}: ")
    assert names() == ["a.mp4", "b.mkv", "c.y4m"]
