"""The report of videos: the hybrid, its base alone and peers in one run, and frames of them all in colour."""

import base64
import io
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from helpers.coded_videos import encoded, scenes
from helpers.report_rows import Row, video_rows, write
from helpers.video_clips import BT601, moving, video_file
from PIL import Image

from codec import video
from codec.cli.report import report as command
from codec.media import yuv
from codec.metrics import psnr
from codec.report import build, collect
from codec.report.stills import numbers, stills

SHOWN = [1, 3, 5]  # of 7 frames


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Row]]:
    folder = tmp_path_factory.mktemp("videos")
    return folder, video_rows(folder)


def opened(uri: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGB"))


def test_one_run_has_the_planes_and_similarities_of_all(made: tuple[Path, list[Row]]) -> None:
    _, rows = made
    assert len(rows) == 9 and not [r for r in rows if "error" in r]
    for row in rows:
        names = ("psnr-y", "psnr-u", "psnr-v", "psnr-ycbcr", "ssim", "ms-ssim", "psnr")
        assert all(row[name] > (20 if "psnr" in name else 0.5) for name in names)
    (section,) = build(rows).sections
    assert section.anchor == "x264"  # as --help has it
    assert all(b.value is not None for b in section.bd["psnr-ycbcr"] if b.codec != "ffv1")


def test_frames_are_those_that_were_decoded(made: tuple[Path, list[Row]]) -> None:
    folder, rows = made
    (section,) = build(rows).sections
    found = collect(section, folder / "kept", 10**7)
    assert not found.missing and [i["frame"] for i in found.images] == SHOWN
    source = [yuv.to_rgb(planes, BT601) for planes in moving(163, 177, 7)]
    kept = {r["codec"]: folder / "kept" / Path(r["kept"]).name for r in rows}
    for image, frame in zip(found.images, SHOWN, strict=True):
        assert list(image["versions"]) == ["original", *kept] and image["size"] == [177, 163]
        original = opened(image["versions"]["original"])
        assert psnr(source[frame], original) > 38
        assert np.abs(np.diff(original.astype(int), axis=2)).mean() > 10  # in colour
        assert psnr(original, opened(image["versions"]["ffv1"])) > 38
        for spec, base in (("nirvana-e1:q=30", False), ("base-svt-av1-e1:q=30", True)):
            with kept["nirvana-e1:q=30"].open("rb") as fp:
                decoded = list(video.open_file(fp, base=base).pictures())[frame].planes
            shown = opened(image["versions"][spec])
            assert psnr(yuv.to_rgb(decoded, BT601), shown) > 38 > psnr(original, shown)


@pytest.mark.parametrize(("count", "shown"), [(1, [0]), (2, [0, 1]), (3, [0, 1, 2]), (300, [50, 150, 250])])
def test_some_frames_are_shown_the_middle_one_among_them(count: int, shown: list[int]) -> None:
    assert numbers("video", {"frames": count}) == shown


def test_frames_of_several_chains_are_those_of_the_whole_video(tmp_path: Path) -> None:
    frames = scenes()
    (tmp_path / "scenes.mkv").write_bytes(video_file(frames))
    (tmp_path / "scenes.ncf").write_bytes(encoded(frames))
    with (tmp_path / "scenes.ncf").open("rb") as fp:
        file = video.open_file(fp)
        whole = [yuv.to_rgb(p.planes, BT601) for p in file.pictures()]
        assert [file.chain_start(n) for n in (0, 5, 11, 12, 17, 28, 29, 34)] == [0, 0, 0, 12, 12, 12, 29, 29]
    row = {"file": str(tmp_path / "scenes.mkv"), "codec": "nirvana", "frames": len(frames), "kept": "scenes.ncf"}
    found = stills("video", row).decoded(row, tmp_path)
    assert numbers("video", row) == [5, 17, 29]
    assert all(np.array_equal(found[i], whole[n]) for i, n in enumerate((5, 17, 29)))


def test_what_is_not_there_is_told_of(tmp_path: Path, made: tuple[Path, list[Row]]) -> None:
    folder, rows = made
    for row in rows:
        name = Path(row["kept"]).name
        if row["codec"] == "x264:crf=20":
            (tmp_path / name).write_bytes(video_file(moving(163, 177, 3)))  # shorter than the original
        elif row["codec"] == "x264:crf=26":
            (tmp_path / name).write_bytes(b"no video")
        elif row["codec"] == "nirvana-e1:q=30":
            (tmp_path / name).write_bytes((folder / "kept" / name).read_bytes()[:-100])
        elif row["codec"] != "ffv1":
            (tmp_path / name).write_bytes((folder / "kept" / name).read_bytes())
    (section,) = build(rows).sections
    found = collect(section, tmp_path, 10**7)
    assert len(found.missing) == 4 and {len(i["versions"]) for i in found.images} == {1 + 9 - 4}
    assert any("x264:crf=20: there is no frame 5" in line for line in found.missing)


def test_frames_keep_to_their_budget(made: tuple[Path, list[Row]]) -> None:
    folder, rows = made
    (section,) = build(rows[4:7]).sections
    best = len(json.dumps(collect(section, folder / "kept", 10**7).images))
    for budget in (best // 3, 1000):
        found = collect(section, folder / "kept", budget)
        assert len(json.dumps(found.images)) <= budget
        assert len(found.images) + found.left_out == len(SHOWN)


def test_the_command_puts_frames_beside_pictures(
    tmp_path: Path, made: tuple[Path, list[Row]], picture: Image.Image
) -> None:
    folder, rows = made
    picture.save(tmp_path / "a.png")
    picture.save(tmp_path / "a.jpeg-q=5.jpg", quality=5)
    for row in rows:
        (tmp_path / Path(row["kept"]).name).write_bytes((folder / "kept" / Path(row["kept"]).name).read_bytes())
    still = {"file": str(tmp_path / "a.png"), "codec": "jpeg:q=5", "media": "image", "bpp": 1.0, "psnr": 30.0}
    both = [*rows, still | {"kept": "a.jpeg-q=5.jpg", "bytes": 768, "pixels": 6144}]
    page = tmp_path / "o.html"
    result = CliRunner().invoke(
        command, [str(write(tmp_path / "r", both)), "-o", str(page), "--pictures", str(tmp_path)]
    )
    assert result.exit_code == 0, result.stderr
    shown = json.loads(re.findall(r'id="pictures">(.*?)</script>', page.read_text(), re.S)[0])
    assert {media: len(found["images"]) for media, found in shown.items()} == {"video": 3, "image": 1}


def test_progress_is_shown_on_a_terminal(tmp_path: Path, made: tuple[Path, list[Row]]) -> None:
    folder, rows = made
    primary, secondary = pty.openpty()
    page, kept = str(tmp_path / "o.html"), str(folder / "kept")
    arguments = ["report", str(write(tmp_path / "r", rows[2:4])), "-o", page, "--pictures", kept]
    process = subprocess.run(
        [sys.executable, "-m", "codec.cli.main", *arguments],
        stdin=subprocess.DEVNULL,
        stderr=secondary,
        timeout=120,
        cwd=tmp_path,  # not where a source tree would be taken for the package
    )
    os.close(secondary)
    text = os.read(primary, 2**16).decode()
    os.close(primary)
    assert process.returncode == 0, text
    parts = [(int(done), int(total)) for done, total in re.findall(r"\[(\d+)/(\d+)\] frames for the viewer", text)]
    assert len(set(parts)) > 5 and parts[0][0] == 0 and all(done < total for done, total in parts)
