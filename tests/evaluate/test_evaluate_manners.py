"""Evaluation where something is odd: changed files, names, pipes, full disks, perfect pictures, rows that are none."""

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import call, names, refused
from helpers.pictures import picture as pixels
from PIL import Image

from codec.errors import CodecError
from codec.evaluate import log, summarise
from codec.output import alone
from codec.report import build

TIMES = {"encode_s": 1.0, "decode_s": 1.0}
JPEG = ("--codec", "jpeg:q=30", "--metric", "psnr", "-o", "rows.jsonl")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """a.png and b.png below a folder in the current one."""
    monkeypatch.chdir(tmp_path)
    Path("p").mkdir()
    for n, name in enumerate("ab"):
        Image.fromarray(pixels(32 + n, 48, 3)).save(f"p/{name}.png")
    return Path("p")


def rows() -> dict[str, dict]:
    return {row["file"]: row for row in map(json.loads, Path("rows.jsonl").read_text().splitlines())}


def test_a_file_that_has_changed_is_done_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codec.cli.options.cores", lambda: 1)
    call("evaluate", folder, *JPEG, "-j", 0)
    before, status = rows(), os.stat("p/a.png")
    data = bytearray(Path("p/a.png").read_bytes())
    image = np.asarray(Image.open("p/a.png")).copy()
    image[:16] = 255 - image[:16]
    Image.fromarray(image).save("p/a.png")
    changed = Path("p/a.png").read_bytes()
    Path("p/a.png").write_bytes(
        (changed + bytes(len(data)))[: max(len(data), len(changed))]
    )  # of the same size, if it can
    os.utime("p/a.png", ns=(status.st_atime_ns, status.st_mtime_ns))
    call("evaluate", folder, *JPEG)
    after = rows()
    assert after["p/b.png"] == before["p/b.png"] and after["p/a.png"]["psnr"] != before["p/a.png"]["psnr"]
    assert names() == ["p", "rows.jsonl"]


@pytest.mark.skipif(os.name != "posix", reason="this system has no locks of files, pipes with names or such names")
def test_names_pipes_and_a_second_run(folder: Path) -> None:
    os.mkfifo("p/pipe.png")
    line = refused("evaluate", "p/pipe.png", "--codec", "png", "-j", 1)
    assert "p/pipe.png is not a regular file" in line
    odd = os.fsdecode(b"p/\xff\x1b[31m" + b"x" * 200 + b".png")
    os.rename("p/a.png", odd)
    call("evaluate", odd, *JPEG, "--keep", "kept")
    (row,) = log.read([Path("rows.jsonl")])
    assert row["file"] == odd and Path(row["kept"]).stat().st_size == row["bytes"]
    call("report", "rows.jsonl", "--pictures", "kept")
    busy = pytest.raises(CodecError, match=r"another process is writing rows\.jsonl; wait for it, or name another")
    with alone(Path("rows.jsonl")), busy:
        call("evaluate", "p/b.png", *JPEG)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_disk_is_told_with_the_name_of_the_file() -> None:
    with pytest.raises(OSError) as caught:
        log.append(Path("/dev/full"), {"file": "a", "codec": "png"})
    assert caught.value.filename == "/dev/full"


def row(codec: str, file: str, bpp: float, psnr: float) -> dict:
    return {"file": file, "codec": codec, "media": "image", "bytes": 9, "bpp": bpp, "psnr": psnr, **TIMES}


def test_a_perfect_picture_leaves_means_finite_but_of_lossless_codecs() -> None:
    found = []
    for file, perfect in (("page", True), ("photo", False), ("photo2", False)):
        for q in (1, 2, 3, 4):
            psnr = 30 + q + len(file)
            found.append(row(f"jpeg:q={q}", file, q, math.inf if perfect and q > 2 else psnr))
            found.append(row(f"webp:q={q}", file, 0.8 * q, math.inf if perfect else psnr))
        found.append(row("png", file, 9, math.inf))
    summary = {r["codec"]: r for r in summarise(found, "jpeg")}
    assert [summary[f"jpeg:q={q}"]["psnr"] for q in (1, 4)] == [36.5, 39.5]
    assert summary["webp:q=1"]["bd.psnr"] == -20 and summary["png"]["psnr"] == math.inf
    (section,) = build(found, anchor="jpeg").sections
    (curves,) = section.curves
    assert curves.files == ["photo", "photo2"] and [p.value for p in curves.points["webp"]] == [36.5, 37.5, 38.5, 39.5]
    assert {b.codec: b.value for b in section.bd["psnr"]}["webp"] == pytest.approx(-20)


@pytest.mark.parametrize(
    "odd",
    ['"x": ' + "[" * 100_000 + "]" * 100_000, '"psnr": ' + "9" * 400, '"bpp": "a"', '"media": ["a"]', '"bytes": []'],
)
def test_a_row_that_is_none_is_one_line(tmp_path: Path, odd: str) -> None:
    whole = '{"file": "a", "codec": "png", "bpp": 1, '
    path = tmp_path / "r.jsonl"
    path.write_text(f'{whole}{odd}}}\n{whole}"psnr": 3}}\n')
    with pytest.raises(CodecError, match=r"r\.jsonl, line 1: not a row of an evaluation; give files that it wrote"):
        log.read([path])


@pytest.mark.parametrize("content", [b"a note of one line", b'{"a": 1}', b"\x8eNCF\0\xff"])
def test_a_file_of_something_else_is_not_taken_for_a_row_that_was_cut_off(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes"
    path.write_bytes(content)
    with pytest.raises(CodecError, match="notes, line 1: not a row of an evaluation"):
        log.resume(path, lambda row: True)
    assert path.read_bytes() == content
    path.write_text('{"file": "a", "codec": "png"}\n{"fil')
    assert log.resume(path, lambda row: True) == [{"file": "a", "codec": "png"}]
