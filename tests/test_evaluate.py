"""Specs, rows and summaries of an evaluation, on pictures made here."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from codec.cli.evaluate import evaluate as command
from codec.errors import CodecError
from codec.evaluate import KNOWN, evaluate, find_images, summarise
from codec.metrics import bits_per_pixel, psnr
from codec.specs import Spec, parse


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:96, :128]
    for name in ("a", "b"):
        picture = 128 + 60 * np.sin(x / rng.uniform(5, 20)) * np.cos(y / 9)
        frame = np.stack([picture, np.roll(picture, 9, 1), picture.T[:96].repeat(2, 1)[:, :128]], -1)
        Image.fromarray((frame + rng.normal(0, 4, frame.shape)).clip(0, 255).astype(np.uint8)).save(
            tmp_path / f"{name}.png"
        )
    (tmp_path / "notes.txt").write_text("not a picture")
    return tmp_path


def test_a_row_counts_the_bytes_of_a_real_file(folder: Path) -> None:
    rows = list(evaluate([Spec("jpeg", 50), Spec("s2lic", 50)], find_images([folder]), "cpu"))
    assert [(Path(r["file"]).name, r["codec"]) for r in rows] == [
        ("a.png", "jpeg:q=50"), ("a.png", "s2lic:q=50"), ("b.png", "jpeg:q=50"), ("b.png", "s2lic:q=50"),
    ]  # fmt: skip
    import io

    buffer = io.BytesIO()
    Image.open(folder / "a.png").save(buffer, "JPEG", quality=50, optimize=True, subsampling="4:2:0")
    assert rows[0]["bytes"] == buffer.tell()
    for r in rows:
        assert r["bpp"] == pytest.approx(8 * r["bytes"] / (96 * 128), abs=1e-6)
        assert 20 < r["psnr"] < 60 and r["encode_s"] > 0 and r["decode_s"] > 0


def test_every_peer_codes_grey_and_colour() -> None:
    from codec.peers import PEERS, open_peer

    for name in PEERS:
        for channels in (1, 3):
            frame = np.full((24, 40, channels), 77, np.uint8)
            decoded = open_peer(name).decode(open_peer(name).encode(frame, 90))
            assert np.abs(decoded.astype(int) - 77).max() <= 3


def test_one_bad_file_gives_an_error_row_and_the_run_goes_on(folder: Path) -> None:
    (folder / "broken.png").write_bytes((folder / "a.png").read_bytes()[:200])
    rows = list(evaluate([Spec("webp", 40)], find_images([folder]), "cpu"))
    errors = [r for r in rows if "error" in r]
    assert len(rows) == 3 and len(errors) == 1 and "broken.png" in errors[0]["error"]


def test_summary_has_means_and_bd_rate_over_common_files() -> None:
    def row(codec: str, file: str, bpp: float, quality: float) -> dict[str, object]:
        return {"codec": codec, "file": file, "bpp": bpp, "psnr": quality, "encode_s": 1.0, "decode_s": 1.0}

    rows = [row(f"jpeg:q={q}", f, 0.2 * q, 25 + q) for q in (1, 2, 4) for f in "ab"]
    rows += [row(f"s2lic:q={q}", f, 0.1 * q, 25 + q) for q in (1, 2, 4) for f in "ab"]
    rows += [row("jpeg:q=1", "c", 100.0, 1.0)]
    summary = {r["codec"]: r for r in summarise(rows, "jpeg")}
    assert summary["jpeg:q=1"]["bpp"] == pytest.approx(0.2) and summary["jpeg:q=1"]["files"] == 2
    assert summary["s2lic:q=2"]["bd_rate_jpeg"] == pytest.approx(-50)
    assert summarise([]) == []


@pytest.mark.parametrize(
    "text", ["png:q=3", "jpeg", "jpeg:q=", "jpeg:q=a", "jpeg:q=101", "jpeg:q=1..nan:2", "jpeg:q=1..9:0", "jpeg:x=1"]
)
def test_bad_specs_are_named(text: str) -> None:
    with pytest.raises(CodecError, match=text.split(":")[0]):
        parse(text, KNOWN)


def test_command_resumes_from_its_rows(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "rows.jsonl"
    arguments = [
        str(folder),
        "--codec",
        "jpeg:q=20,60",
        "--codec",
        "webp:q=30,60",
        "--anchor",
        "webp",
        "-o",
        str(output),
    ]
    first = CliRunner().invoke(command, arguments)
    assert first.exit_code == 0 and "bd_rate_webp" in first.output
    lines = output.read_text().splitlines()
    assert len(lines) == 8 and all(json.loads(line)["bytes"] for line in lines)
    output.write_text("\n".join(lines[:5]) + "\n")
    assert CliRunner().invoke(command, arguments).exit_code == 0
    assert len(output.read_text().splitlines()) == 8 and output.read_text().splitlines()[:5] == lines[:5]


def test_metrics_have_their_closed_forms() -> None:
    a = np.zeros((4, 4, 3), np.uint8)
    assert psnr(a, a + 1) == pytest.approx(20 * np.log10(255))
    assert psnr(a, a) == float("inf")
    assert bits_per_pixel(100, 200) == 4
    with pytest.raises(ValueError, match="shapes"):
        psnr(a, a[:2])
