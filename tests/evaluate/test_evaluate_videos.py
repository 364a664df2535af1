"""Evaluating on videos: rates of real files over all frames, planes compared with planes, runs as for pictures."""

import io
import json
import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from helpers.video_clips import BT601, RATE, moving, pictures, video_file

from codec import video as opened
from codec.cli.evaluate import evaluate as command
from codec.cli.report import report as report_command
from codec.codecs import of_kind
from codec.errors import CodecError
from codec.evaluate import Evaluator, Plan, Row, clip, find_items, known, log, media_of, summarise
from codec.evaluate.specs import ARCHIVE, parse
from codec.media import Info, yuv
from codec.media.video import Planes, write_video
from codec.metrics import create, psnr
from codec.peers.video import VIDEO

FRAMES = 6
WORKS = ["nirvana-e1:q=40", "nirvana-x265:q=40", "base-svt-av1:q=40", "base-x264-e1:q=40",
         "s2lic:q=40", "x264:crf=30", "x264-intra:crf=30", "x265:crf=30", "x265-intra:crf=30",
         "svt-av1:crf=40", "vp9:crf=40", "ffv1"]  # fmt: skip
# Of each other codec of ours the first variant.
VARIANTS = {name: found.videos.variants for name, found in of_kind("video").items() if found.videos}
WORKS += [
    name + (f":{variant.key}=40" if variant.key else "")
    for variants in VARIANTS.values()
    for name, variant in list(variants.items())[:1]
    if not variants.keys() & {spec.partition(":")[0] for spec in WORKS}
]


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "a.mkv"
    path.write_bytes(video_file(moving(count=FRAMES)))
    return path


def rows_of(
    path: Path, spec: str, metrics: Sequence[str] = ("psnr", "psnr-ycbcr", "psnr-y"), keep: Path | None = None
) -> list[Row]:
    plan = Plan(tuple(parse(spec, known("video"))), tuple(metrics), keep=keep)
    return list(Evaluator(plan, "video").rows(path))


def run(arguments: Sequence[str], code: int = 0) -> str:
    result = CliRunner().invoke(command, [*arguments, "--device", "cpu", "--metric", "psnr"])
    assert result.exit_code == code, result.output
    return result.output


@pytest.mark.parametrize("spec", WORKS)
def test_rates_are_of_the_whole_file_over_all_frames(spec: str, video: Path, tmp_path: Path) -> None:
    (row,) = rows_of(video, spec, keep=tmp_path / "kept")
    assert "error" not in row, row
    assert Path(row["kept"]).stat().st_size == row["bytes"]
    assert row["frames"] == FRAMES and row["pixels"] == 48 * 64 * FRAMES
    assert row["bpp"] == pytest.approx(8 * row["bytes"] / row["pixels"], abs=1e-6)
    assert row["kbps"] == pytest.approx(8 * row["bytes"] / (FRAMES / 25) / 1000, abs=1e-4)
    assert min(row["psnr"], row["psnr-y"], row["psnr-ycbcr"]) > 20


def test_networks_are_over_the_same_stream_that_is_evaluated_alone(video: Path, tmp_path: Path) -> None:
    rows = [rows_of(video, f"{name}:q=40", keep=tmp_path / "kept")[0] for name in ("nirvana-x264", "base-x264")]
    ours, base = rows
    assert all(ours[key] >= base[key] for key in ("psnr-y", "psnr-ycbcr"))
    data = Path(ours["kept"]).read_bytes()
    shown = list(opened.open_file(io.BytesIO(data), base=True).pictures())
    alone = clip.read_clip(Path(base["kept"])).pictures
    assert all(np.array_equal(a.planes[0], b.planes[0]) for a, b in zip(shown, alone, strict=True))


def test_every_codec_has_a_test() -> None:
    tested = {spec.partition(":")[0] for spec in WORKS}
    assert known("video").keys() >= tested
    assert all(tested & variants.keys() for variants in VARIANTS.values())
    ours = {name for variants in VARIANTS.values() for name in variants}
    ours |= {ARCHIVE + name for name in ours}  # test_evaluate_archives.py
    assert known("video").keys() - ours - {"svt-av1-intra", "vp9-intra"} <= tested


def test_a_lossless_codec_scores_perfectly_for_odd_sizes_too(tmp_path: Path) -> None:
    path = tmp_path / "odd.mkv"
    path.write_bytes(video_file(moving(47, 63, 3)))
    (row,) = rows_of(path, "ffv1", metrics=("psnr", "psnr-ycbcr", "psnr-y", "ssim"))
    assert row["psnr"] == row["psnr-ycbcr"] == row["psnr-y"] == math.inf and row["ssim"] == 1
    (lossy,) = rows_of(path, "x264:crf=20")
    assert 30 < lossy["psnr-y"] < 60


@pytest.mark.parametrize("name", VIDEO)
def test_peers_code_planes_of_any_colour_without_converting_them(name: str) -> None:
    planes = moving(47, 63, 2)
    for color in (BT601, BT601._replace(full_range=True)):
        data = VIDEO[name].encode(planes, color, Fraction(25), 10)
        found = list(VIDEO[name].decode(data, 47, 63, color))
        assert [[p.shape for p in f] for f in found] == [[p.shape for p in f] for f in planes]
        worst = 0 if name == "ffv1" else 3
        for a, b in zip(planes, found, strict=True):
            assert all(np.abs(x.astype(int) - y).mean() <= worst for x, y in zip(a, b, strict=True))


def test_psnr_is_the_mean_over_frames_of_rgb_by_the_files_own_matrix(video: Path) -> None:
    item = clip.read_clip(video)
    decoded = [shifted(p.planes, i + 1) for i, p in enumerate(item.pictures)]
    found = clip.measured([create(n, "video") for n in ("psnr", "psnr-y", "psnr-ycbcr")], item, decoded)
    rgb = [psnr(yuv.to_rgb(p.planes, BT601), yuv.to_rgb(d, BT601)) for p, d in zip(item.pictures, decoded, strict=True)]
    luma = [20 * math.log10(255 / (i + 1)) for i in range(FRAMES)]
    assert item.info.color == BT601
    assert found["psnr"] == pytest.approx(np.mean(rgb))
    assert found["psnr-y"] == pytest.approx(np.mean(luma))
    # Cb and Cr are equal, which counts as 100 dB where luma isn't.
    assert found["psnr-ycbcr"] == pytest.approx((6 * np.mean(luma) + 200) / 8)


def shifted(planes: Planes, levels: int) -> Planes:
    """Luma darker or brighter by so many levels, colour as it is."""
    y, u, v = planes
    return np.where(y < 128, y + levels, y - levels).astype(np.uint8), u, v


def test_one_equal_frame_does_not_make_a_mean_infinite(video: Path) -> None:
    item = clip.read_clip(video)
    decoded = [item.pictures[0].planes, *(shifted(p.planes, 1) for p in item.pictures[1:])]
    found = clip.measured([create("psnr-y", "video")], item, decoded)
    assert found["psnr-y"] == pytest.approx((100 + 5 * 20 * math.log10(255)) / 6)


def test_a_variable_rate_counts_the_real_seconds(tmp_path: Path) -> None:
    times = [Fraction(t) for t in (0, 1, 3)]
    (tmp_path / "a.mkv").write_bytes(video_file(moving(count=3), times=times))
    item = clip.read_clip(tmp_path / "a.mkv")
    assert item.info.rate and item.seconds == pytest.approx(float(3 + 1 / item.info.rate))


def test_bad_files_and_refusals_are_rows_and_the_others_go_on(video: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    whole = io.BytesIO()
    write_video(Info(64, 48, rate=RATE, color=BT601), pictures(moving(count=3)), whole, "y4m")
    (tmp_path / "early.y4m").write_bytes(whole.getvalue()[:-100])
    out = tmp_path / "rows.jsonl"
    text = run([str(tmp_path), "--codec", "x264:crf=30,51.5", "-o", str(out)], code=1)
    assert len(text.splitlines()[0]) < 300
    rows = {(Path(r["file"]).name, r["codec"]): r for r in log.read([out])}
    assert len(rows) == 6
    assert "bad.mp4" in rows["bad.mp4", "x264:crf=30"]["error"]
    assert "crf" in rows["a.mkv", "x264:crf=51.5"]["error"]
    assert "error" not in rows["a.mkv", "x264:crf=30"] and "notes" not in rows["a.mkv", "x264:crf=30"]
    early = rows["early.y4m", "x264:crf=30"]
    assert early["frames"] == 2 and "2 of 3 frames" in early["notes"]


def test_a_clip_of_too_many_frames_says_how_many_can_be(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip, "MAX_BYTES", 48 * 64 * 3 // 2 * (FRAMES - 1))
    (row,) = rows_of(video, "ffv1")
    assert f"at most {FRAMES - 1} frames" in row["error"]


def test_shards_workers_and_a_second_run_make_the_same_rows(tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    for i in range(3):
        (folder / f"{i}.mkv").write_bytes(video_file(moving(count=2 + i)))
    codecs = ["--codec", "vp9:crf=30", "--codec", "ffv1"]  # x264 writes now and then other bytes
    for name, more in (("one", []), ("a", ["--shard", "1/2"]), ("b", ["--shard", "2/2"]), ("jobs", ["-j", "2"])):
        run([str(folder), *codecs, *more, "-o", str(tmp_path / f"{name}.jsonl")])

    def kept(*names: str) -> list[Row]:
        rows = log.read(tmp_path / f"{n}.jsonl" for n in names)
        return sorted(
            ({k: v for k, v in r.items() if not k.endswith("code_s") and not k.endswith("cpu_s")} for r in rows),
            key=lambda r: (r["file"], r["codec"]),
        )

    assert len(kept("one")) == 6 and kept("one") == kept("a", "b") == kept("jobs")
    lines = (tmp_path / "one.jsonl").read_text().splitlines()
    (tmp_path / "one.jsonl").write_text("\n".join(lines[:3]) + "\n" + lines[3][:20])
    run([str(folder), *codecs, "-o", str(tmp_path / "one.jsonl")])
    assert kept("one") == kept("jobs") and (tmp_path / "one.jsonl").read_text().splitlines()[:3] == lines[:3]


def test_summaries_and_reports_have_bd_rates_over_bits_per_pixel(video: Path, tmp_path: Path) -> None:
    out, page = tmp_path / "rows.jsonl", tmp_path / "report.html"
    codecs = ["--codec", "x264:crf=20,26,32,38", "--codec", "x264-intra:crf=20,26,32,38", "--codec", "ffv1"]
    text = run([str(video), *codecs, "--anchor", "x264", "--json", "-o", str(out)])
    summary = {row["codec"]: row for row in map(json.loads, text.splitlines())}
    assert all("bpp" in row and "kbps" not in row and "frames" not in row for row in summary.values())
    assert summary["x264-intra:crf=20"]["bd.psnr"] > 20
    assert summary["ffv1"]["psnr"] == math.inf and summary["ffv1"]["bd.psnr"] is None
    result = CliRunner().invoke(report_command, [str(out), "--anchor", "x264", "-o", str(page)])
    assert result.exit_code == 0, result.output
    assert "x264-intra" in page.read_text()
    assert summarise(log.read([out]), "x264") == list(summary.values())


def test_kinds_are_told_by_their_suffix_and_do_not_mix(video: Path, tmp_path: Path) -> None:
    assert [media_of(Path(n)) for n in ("a.mp4", "a.WEBM", "a.y4m", "a.wav", "a.png", "a")] == [
        "video", "video", "video", "audio", "image", "image",
    ]  # fmt: skip
    (tmp_path / "a.png").write_bytes(b"")
    assert find_items([tmp_path], "video") == [video]
    result = CliRunner().invoke(command, [str(video), str(tmp_path / "a.png"), "--codec", "ffv1"])
    assert result.exit_code == 2 and "one kind" in result.output
    out = tmp_path / "rows.jsonl"
    run([str(video), str(tmp_path), "--codec", "ffv1", "-o", str(out)])  # of a folder, too, what goes with the file
    assert [row["file"] for row in log.read([out])] == [str(video)]


@pytest.mark.parametrize("name", ["psnr-y", "si-sdr"])
def test_metrics_are_of_their_own_media(name: str) -> None:
    with pytest.raises(CodecError, match="these files are"):
        create(name, "image")
    assert create("psnr-ycbcr").media == "image" and create("psnr-ycbcr", "video").media == "video"


def test_tasks_are_not_about_videos() -> None:
    with pytest.raises(CodecError, match="leave it out"):
        Evaluator(Plan((), tasks=("classify",)), "video")
