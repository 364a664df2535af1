"""Specs, rows and summaries of an evaluation, on pictures made here."""

import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from codec.cli.evaluate import evaluate as command
from codec.errors import CodecError
from codec.evaluate import Evaluator, Plan, Row, find_items, known, summarise
from codec.evaluate.specs import Spec, parse
from codec.metrics import psnr
from codec.peers import PEERS
from codec.requirements import Need, missing

QUICK = ("psnr",)


def evaluate(specs: Sequence[Spec], files: Sequence[Path], metrics: Sequence[str] = ("psnr", "ms-ssim")) -> list[Row]:
    evaluator = Evaluator(Plan(tuple(specs), tuple(metrics)), "image")
    return [row for file in files for row in evaluator.rows(file)]


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
    rows = evaluate([Spec("jpeg", "q", 50), Spec("s2lic", "q", 50)], find_items([folder], "image"))
    assert [(Path(r["file"]).name, r["codec"]) for r in rows] == [
        ("a.png", "jpeg:q=50"), ("a.png", "s2lic:q=50"), ("b.png", "jpeg:q=50"), ("b.png", "s2lic:q=50"),
    ]  # fmt: skip
    buffer = io.BytesIO()
    Image.open(folder / "a.png").save(buffer, "JPEG", quality=50, optimize=True, subsampling="4:2:0")
    assert rows[0]["bytes"] == buffer.tell()
    for r in rows:
        assert r["bpp"] == pytest.approx(8 * r["bytes"] / (96 * 128), abs=1e-6)
        assert 20 < r["psnr"] < 60 and r["encode_s"] > 0 and r["decode_s"] > 0


READY = {name: peer for name, peer in PEERS.items() if not missing(name, peer.needs) and peer.suffix != ".bin"}
LOSSY = [name for name, peer in READY.items() if peer.key == "q"]


@pytest.mark.parametrize("name", LOSSY)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_peer_codes_grey_and_colour(name: str, channels: int) -> None:
    frame = np.full((24, 40, channels), 77, np.uint8)
    decoded = PEERS[name].decode(PEERS[name].encode(frame, 90), channels)
    assert decoded.shape == frame.shape and np.abs(decoded.astype(int) - 77).max() <= 3


@pytest.mark.parametrize("name", sorted(set(READY) - set(LOSSY)))
@pytest.mark.parametrize("channels", [1, 3])
def test_lossless_peers_give_every_bit_back(name: str, channels: int) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (24, 40, channels), np.uint8)
    assert (PEERS[name].decode(PEERS[name].encode(frame, 3 if name == "jxl-lossless" else 0), channels) == frame).all()


@pytest.mark.parametrize("name", LOSSY)
def test_a_higher_quality_of_a_peer_is_larger_and_closer(name: str) -> None:
    rng = np.random.default_rng(1)
    frame = (rng.integers(0, 200, (9, 12, 3)).repeat(16, 0).repeat(16, 1) + rng.integers(0, 50, (144, 192, 3))).astype(
        np.uint8
    )
    low, high = (PEERS[name].encode(frame, q) for q in (20, 80))
    assert len(low) < len(high) < frame.size
    assert psnr(frame, PEERS[name].decode(low)) < psnr(frame, PEERS[name].decode(high)) < 60


def test_a_peer_that_is_not_installed_ends_the_run_with_the_pip_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gone = Need("no_such_module", PEERS["jxl"].needs[0].install)
    monkeypatch.setattr(type(PEERS["jxl"]), "needs", property(lambda _: (gone,)))
    with pytest.raises(CodecError, match="jxl needs pip install pillow-jxl-plugin"):
        Evaluator(Plan((Spec("jxl", "q", 50),)), "image")


@pytest.mark.parametrize("frame", [np.zeros((30, 40, 2), np.uint8), np.zeros((30, 40), np.uint16)])
def test_peers_leave_out_what_they_would_change(tmp_path: Path, frame: np.ndarray) -> None:
    Image.fromarray(frame).save(tmp_path / "a.png")  # transparent, or with 16 bits
    (row,) = evaluate([Spec("webp", "q", 50)], [tmp_path / "a.png"])
    assert "8-bit grey and RGB" in row["error"]


def test_grey_pictures_are_compared_as_grey(tmp_path: Path) -> None:
    Image.fromarray(np.tile(np.arange(96, dtype=np.uint8), (64, 2))).save(tmp_path / "grey.png")
    for row in evaluate([Spec("webp", "q", 80), Spec("s2lic", "q", 80)], [tmp_path / "grey.png"]):
        assert row["psnr"] > 25


def test_a_row_of_a_small_picture_has_no_ms_ssim(folder: Path) -> None:
    Image.open(folder / "a.png").resize((256, 192)).save(folder / "large.png")
    rows = {Path(r["file"]).name: r for r in evaluate([Spec("jpeg", "q", 50)], find_items([folder], "image"))}
    assert rows["a.png"]["ms-ssim"] is None and 0.8 < rows["large.png"]["ms-ssim"] < 1


def test_deep_pictures_are_measured_against_their_peak(tmp_path: Path) -> None:
    ramp = np.linspace(0, 1023, 64 * 96).reshape(64, 96).round()
    body = ramp.astype(">u2").tobytes()
    (tmp_path / "deep.pgm").write_bytes(b"P5\n96 64\n1023\n" + body)
    (row,) = evaluate([Spec("s2lic", "q", 90)], [tmp_path / "deep.pgm"])
    assert "error" not in row and 25 < row["psnr"] < 70


def test_one_bad_file_gives_an_error_row_and_the_run_goes_on(folder: Path) -> None:
    (folder / "broken.png").write_bytes((folder / "a.png").read_bytes()[:200])
    rows = evaluate([Spec("webp", "q", 40)], find_items([folder], "image"))
    errors = [r for r in rows if "error" in r]
    assert len(rows) == 3 and len(errors) == 1 and "broken.png" in errors[0]["error"]


def row(codec: str, file: str, bpp: float, quality: float, similarity: float | None = None) -> dict[str, object]:
    times = {"encode_s": 1.0, "decode_s": 1.0}
    return {"codec": codec, "file": file, "bpp": bpp, "psnr": quality, "ms-ssim": similarity} | times


def test_summary_has_means_and_bd_rate_over_common_files() -> None:
    rows = [row(f"jpeg:q={q}", f, 0.2 * q, 25 + q) for q in (1, 2, 4) for f in "ab"]
    rows += [row(f"s2lic:q={q}", f, 0.1 * q, 25 + q) for q in (1, 2, 4) for f in "ab"]
    rows += [row("jpeg:q=1", "c", 100.0, 1.0)]
    summary = {r["codec"]: r for r in summarise(rows, "jpeg")}
    assert summary["jpeg:q=1"]["bpp"] == pytest.approx(0.2) and summary["jpeg:q=1"]["files"] == 2
    assert summary["s2lic:q=2"]["bd.psnr"] == pytest.approx(-50) and summary["s2lic:q=2"]["bd.points"] == 3
    assert "ms-ssim" not in summary["s2lic:q=2"]
    assert summarise([]) == []


def test_summary_compares_ms_ssim_over_the_files_that_have_it() -> None:
    similarity = {1: 0.9, 2: 0.95, 4: 0.98}
    rows = [row(f"jpeg:q={q}", f, 0.2 * q, 25 + q, similarity[q]) for q in (1, 2, 4) for f in "ab"]
    rows += [row(f"s2lic:q={q}", f, 0.15 * q, 25 + q, similarity[q]) for q in (1, 2, 4) for f in "ab"]
    rows += [row(f"{c}:q={q}", "small", 9.0 * q, 25 + q) for c in ("jpeg", "s2lic") for q in (1, 2, 4)]
    summary = {r["codec"]: r for r in summarise(rows, "jpeg")}
    ours = summary["s2lic:q=1"]
    assert ours["files"] == 3 and ours["ms-ssim"] == 0.9 and ours["ms-ssim_db"] == pytest.approx(10)
    assert ours["bd.ms-ssim"] == pytest.approx(-25) and ours["bd.psnr"] > -25


def test_exact_pictures_do_not_spoil_a_bd_rate() -> None:
    rows = [row(f"jpeg:q={q}", "a", 0.2 * q, 25 + q) for q in (1, 2, 4)] + [row("jpeg:q=9", "a", 9, float("inf"))]
    rows += [row(f"s2lic:q={q}", "a", 0.1 * q, 25 + q) for q in (1, 2, 4)]
    assert {r["codec"]: r for r in summarise(rows, "jpeg")}["s2lic:q=1"]["bd.psnr"] == pytest.approx(-50)


@pytest.mark.parametrize(
    "text", ["png:q=3", "jpeg", "jpeg:q=", "jpeg:q=a", "jpeg:q=101", "jpeg:q=1..nan:2", "jpeg:q=1..9:0", "jpeg:x=1"]
)
def test_bad_specs_are_named(text: str) -> None:
    with pytest.raises(CodecError, match=text.split(":")[0]):
        parse(text, known("image"))


def test_a_range_that_goes_down_is_an_error() -> None:
    with pytest.raises(CodecError, match="give the lower end first"):
        parse("jpeg:q=90..10:20", known("image"))


def test_an_anchor_has_to_be_among_the_codecs(folder: Path, tmp_path: Path) -> None:
    arguments = [str(folder), "--codec", "jpeg:q=20", "-o", str(tmp_path / "rows.jsonl"), "--anchor"]
    assert CliRunner().invoke(command, [*arguments, "jpeg"]).exit_code == 0
    assert "or name it by --codec too" in str(CliRunner().invoke(command, [*arguments, "webp"]).exception)


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
    assert first.exit_code == 0 and "bd.psnr" in first.output
    lines = output.read_text().splitlines()
    assert len(lines) == 8 and all(json.loads(line)["bytes"] for line in lines)
    output.write_text("\n".join(lines[:5]) + "\n")
    assert CliRunner().invoke(command, arguments).exit_code == 0
    assert len(output.read_text().splitlines()) == 8 and output.read_text().splitlines()[:5] == lines[:5]
