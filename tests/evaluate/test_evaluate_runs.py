"""Runs of `codec evaluate`: rates of real files, perfect scores of perfect copies, kills, shards, workers."""

import csv
import io
import json
import math
import os
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import PIL
import pytest
from click.testing import CliRunner
from PIL import Image, features

import codec
from codec.cli.evaluate import evaluate as command
from codec.cli.tasks import tasks as tasks_command
from codec.codecs import of_kind
from codec.content import digest
from codec.errors import CodecError
from codec.evaluate import ORIGINAL, Evaluator, Plan, Row, find_items, log, shard, summarise
from codec.evaluate.again import again
from codec.evaluate.specs import Spec
from codec.evaluate.summary import metric_keys, table
from codec.metrics import NAMES, create
from codec.peers import AUDIO_PEERS, JPEG_FILES, PEERS
from codec.perception.classifiers import LITE0, installed
from codec.report import read_published
from codec.requirements import missing

OURS = {
    name: variant.key
    for found in of_kind("image").values()
    if found.images
    for name, variant in list(found.images.variants.items())[:1]
}  # the first variant of each codec, and what it takes
_TIMES = ("encode_s", "decode_s", "encode_cpu_s", "decode_cpu_s")
_VALUE = {"q": 40, "e": 1, "bpp": 2, "kbps": 32}


@pytest.fixture
def folder(tmp_path: Path, picture: Image.Image) -> Path:
    found = tmp_path / "pictures"
    found.mkdir()
    for i in range(3):
        picture.crop((40 * i, 20, 40 * i + 200, 200)).save(found / f"{i}.png")
    return found


def sound(path: Path, seconds: float = 1.0) -> Path:
    """A 16-bit WAV file of a tone that rises."""
    t = np.arange(int(16000 * seconds)) / 16000
    samples = (9000 * np.sin(2 * np.pi * (200 + 400 * t) * t)).astype("<i2")
    with wave.open(str(path), "wb") as f:
        f.setnchannels(1)
        f.setsampwidth(2)
        f.setframerate(16000)
        f.writeframes(samples.tobytes())
    return path


def run(arguments: Sequence[str]) -> str:
    result = CliRunner().invoke(command, [*arguments, "--device", "cpu"])
    assert result.exit_code == 0, result.output
    return result.output


def without_times(rows: Sequence[Row]) -> list[Row]:
    kept = [{k: v for k, v in row.items() if k not in _TIMES and not k.startswith("sec.")} for row in rows]
    return sorted(kept, key=lambda row: (row["file"], row["codec"]))


def spec(name: str, key: str) -> Spec:
    return Spec(name, key, _VALUE[key]) if key else Spec(name)


@pytest.mark.parametrize("name", [*OURS, *PEERS])
def test_1000_bytes_of_a_100x80_picture_are_one_bit_per_pixel(name: str, tmp_path: Path, picture: Image.Image) -> None:
    if name in PEERS and (missing(name, PEERS[name].needs) or PEERS[name].suffix == ".bin"):
        pytest.skip("not installed, or without weights")
    picture.crop((0, 0, 100, 80)).save(tmp_path / "a.png")
    plan = Plan((spec(name, OURS[name] if name in OURS else PEERS[name].key),), ("psnr",), keep=tmp_path / "kept")
    (row,) = Evaluator(plan, "image").rows(tmp_path / "a.png")
    assert row["bpp"] == pytest.approx(row["bytes"] / 1000, abs=1e-6)
    assert Path(row["kept"]).stat().st_size == row["bytes"]


@pytest.mark.parametrize("name", ["jpeg-file", *JPEG_FILES])
def test_a_jpeg_file_is_made_smaller_and_comes_back(name: str, tmp_path: Path, picture: Image.Image) -> None:
    if name in JPEG_FILES and missing(name, JPEG_FILES[name].needs):
        pytest.skip(JPEG_FILES[name].needs[0].install)
    picture.save(tmp_path / "a.jpg", quality=92)
    picture.save(tmp_path / "b.png")
    evaluator = Evaluator(Plan((Spec(name),), ("psnr",)), "image")
    (row,) = evaluator.rows(tmp_path / "a.jpg")
    assert row["bytes"] < row["file_bytes"] == (tmp_path / "a.jpg").stat().st_size
    assert row["psnr"] == float("inf") and row["file_kind"] == "sequential, 4:2:0, quality 92"
    assert summarise([row])[0]["file_percent"] == pytest.approx(100 * row["bytes"] / row["file_bytes"] - 100, abs=0.01)
    assert "file_bytes" not in metric_keys(table([row]))
    (row,) = evaluator.rows(tmp_path / "b.png")
    assert "b.png is no JPEG" in row["error"]


@pytest.mark.parametrize("name", AUDIO_PEERS)
def test_1000_bytes_over_a_second_are_8_kbps(name: str, tmp_path: Path) -> None:
    plan = Plan((spec(name, AUDIO_PEERS[name].key),), ("si-sdr",))
    (row,) = Evaluator(plan, "audio").rows(sound(tmp_path / "a.wav"))
    assert row["kbps"] == pytest.approx(row["bytes"] * 8 / 1000, abs=1e-4)
    assert 0 < row["kbps_payload"] < row["kbps"]


def test_png_scores_perfectly_on_every_metric_and_task(folder: Path) -> None:
    ready = [n for n in NAMES if create(n).media == "image" and not missing(n, create(n).needs)]
    if installed(LITE0.package) is None:
        pytest.skip(LITE0.need.install)
    with (folder / "labels.csv").open("w", newline="") as f:
        csv.writer(f).writerows([["file", "index"], *([f"{i}.png", i] for i in range(3))])
    plan = Plan((Spec("png"), Spec("jpeg", "q", 5)), tuple(ready), ("classify",))
    rows = {(r["codec"], r["file"]): r for p in find_items([folder], "image") for r in Evaluator(plan, "image").rows(p)}
    assert not [r for r in rows.values() if "error" in r]
    lossy = 0
    for path in find_items([folder], "image"):
        png, original, jpeg = (rows[c, str(path)] for c in ("png", ORIGINAL, "jpeg:q=5"))
        for name in ready:
            best = math.inf if "psnr" in name else 1 if create(name).higher_is_better else 0
            assert all(png[k] in (best, None) for k in create(name).keys), name
        assert png["task.classify.agree"] == 1 and png["task.classify.kl"] == 0
        assert all(png[k] == v for k, v in original.items() if k.startswith("task."))
        assert {"task.classify.top1", "task.classify.nll"} <= png.keys()
        lossy += jpeg["task.classify.kl"] > 0 and jpeg["deep.efflite0"] > 0
    assert lossy == 3


def test_flac_scores_perfectly(tmp_path: Path) -> None:
    (row,) = Evaluator(Plan((Spec("flac"),), ("si-sdr",)), "audio").rows(sound(tmp_path / "a.wav"))
    assert row["si-sdr"] == math.inf and row["delay"] == 0


def test_a_run_killed_half_way_goes_on_with_no_row_twice_and_none_missing(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "rows.jsonl"
    codecs = ["--codec", "jpeg:q=10..90:5", "--codec", "avif:q=20..80:10"]
    code = f"from codec.cli.main import main; main({['evaluate', str(folder), *codecs, '-o', str(output)]!r})"
    # Elsewhere than in a checkout, whose folder `codec` would hide the package.
    process = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while (not output.exists() or output.read_bytes().count(b"\n") < 12) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = output.read_text().splitlines()
    assert 12 <= len(before) < 72
    output.write_text("\n".join(before[:11]) + "\n" + before[11][:30])  # and the kill came in the middle of a line
    run([str(folder), *codecs, "-o", str(output)])
    lines = output.read_text().splitlines()
    keys = [(row["file"], row["codec"]) for row in map(json.loads, lines)]
    assert lines[:11] == before[:11] and len(keys) == len(set(keys)) == 72


def test_rows_that_lack_a_metric_are_made_again_and_others_stay(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "rows.jsonl"
    other = {"file": "elsewhere.png", "codec": "jpeg:q=30", "bytes": 1}
    log.append(output, other)
    run([str(folder), "--codec", "jpeg:q=30", "--metric", "psnr", "-o", str(output)])
    run([str(folder), "--codec", "jpeg:q=30", "--metric", "psnr", "--metric", "ssim", "-o", str(output)])
    rows = log.read([output])
    assert len(rows) == len(output.read_text().splitlines()) == 4 and rows[0] == other
    assert all(0 < r["ssim"] < 1 for r in rows[1:])


def test_a_run_that_is_whole_makes_no_row_and_leaves_its_file(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "rows.jsonl"
    arguments = [str(folder), "--codec", "jpeg:q=30,60", "--metric", "psnr", "-o", str(output)]
    run(arguments)
    before = output.stat()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("codec.evaluate.rows.Evaluator.opened", lambda *_: pytest.fail("a file is looked at again"))
        run(arguments)
    assert (output.stat().st_ino, output.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    with output.open("a") as f:
        f.write('{"file": "half')
    run(arguments)
    assert len(log.read([output])) == output.read_text().count("\n") == 6 and "half" not in output.read_text()


def test_rows_say_with_what_they_were_made_and_in_how_many_seconds(folder: Path) -> None:
    plan = Plan((Spec("s2lic", "q", 40), Spec("webp", "q", 40)), ("psnr",))
    ours, webp = Evaluator(plan, "image").rows(folder / "0.png")
    assert ours["settings"] == f"neural-codec {codec.__version__}, torch {version('torch')}"
    assert webp["settings"].startswith(f"Pillow {PIL.__version__}, libwebp {features.version('webp')} WEBP")
    assert ours["encode_cpu_s"] > 0 and ours["decode_cpu_s"] > 0


def test_two_shards_merged_equal_one_run_and_so_do_two_workers(folder: Path, tmp_path: Path) -> None:
    codecs = ["--codec", "jpeg:q=20,60", "--codec", "png"]
    for name, more in (("one", []), ("a", ["--shard", "1/2"]), ("b", ["--shard", "2/2"]), ("jobs", ["-j", "2"])):
        run([str(folder), *codecs, *more, "-o", str(tmp_path / f"{name}.jsonl")])
    one, merged, jobs = (
        without_times(log.read(tmp_path / f"{n}.jsonl" for n in names)) for names in (("one",), ("a", "b"), ("jobs",))
    )
    assert len(one) == 9 and merged == one and jobs == one


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/0"])
def test_bad_shards_are_named(text: str) -> None:
    with pytest.raises(CodecError, match="I/N"):
        shard([Path("a")], text)


def test_kept_files_that_are_asked_for_later_are_made(folder: Path, tmp_path: Path) -> None:
    arguments = [str(folder), "--codec", "jpeg:q=30", "--metric", "psnr", "-o", str(tmp_path / "rows.jsonl")]
    run(arguments)
    run([*arguments, "--keep", str(tmp_path / "kept")])
    assert len(list((tmp_path / "kept").iterdir())) == 3


def test_rows_of_another_model_are_made_again(folder: Path) -> None:
    plan = Plan((Spec("png"),))
    row = {"file": str(folder / "0.png"), "codec": "png", "task.x.model": "a@1"}
    row["content"] = digest(folder / "0.png")
    for model, stays in ((None, True), ("a@1", True), ("b@2", False)):
        assert again([row], plan, [folder / "0.png"], {"task.x.model": model}).whole(row) == stays


def test_a_codec_that_fails_in_its_own_way_is_a_row(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codec.peers.pillow.PillowCodec.encode", lambda *_: {}["none"])
    result = CliRunner().invoke(command, [str(folder), "--codec", "png", "--codec", "jpeg:q=30.5", "--device", "cpu"])
    assert result.exit_code == 1 and "png doesn't take it ('none')" in result.stderr


def test_fractions_are_refused_by_encoders_of_whole_qualities(folder: Path) -> None:
    result = CliRunner().invoke(command, [str(folder), "--codec", "jpeg:q=30.5", "--device", "cpu"])
    assert result.exit_code == 1 and "30.5 is no whole number" in result.stderr


def test_urls_are_no_place_for_rows(folder: Path) -> None:
    for option in ("-o", "--keep", "--compressai"):
        result = CliRunner().invoke(command, [str(folder), "--codec", "png", option, "memory://a/rows"])
        assert result.exit_code == 2 and "is a URL" in result.output


def test_labels_of_other_people_are_no_matter(folder: Path) -> None:
    (folder / "labels.csv").write_text("id,breed\n0,cat\n")
    assert len(find_items([folder], "image")) == 3


def test_answers_in_a_folder_below_are_no_items(folder: Path) -> None:
    (folder / "masks").mkdir()
    (folder / "1.png").rename(folder / "masks" / "0.png")
    (folder / "labels.csv").write_text("file,mask\n0.png,masks/0.png\n")
    assert [p.name for p in find_items([folder], "image")] == ["0.png", "2.png"]


def test_answers_of_people_are_no_items(folder: Path) -> None:
    with (folder / "labels.csv").open("w", newline="") as f:
        csv.writer(f).writerows([["image", "segmentation"], ["0.png", "1.png"], ["0.png", "2.png"]])
    assert [p.name for p in find_items([folder], "image")] == ["0.png"]


def test_one_bad_file_and_a_task_of_another_medium_are_one_line_each(folder: Path, tmp_path: Path) -> None:
    (folder / "bad.png").write_bytes(b"no picture")
    result = CliRunner().invoke(command, [str(folder), "--codec", "png", "-j", "2"])
    assert result.exit_code == 1 and result.stderr.count("\n") == 1 and "bad.png" in result.stderr
    with pytest.raises(CodecError, match="is about audio"):
        Evaluator(Plan((Spec("png"),), ("si-sdr",)), "image")


def test_curves_are_written_as_compressai_reads_them(folder: Path, tmp_path: Path) -> None:
    run([str(folder), "--codec", "jpeg:q=80,20", "--compressai", str(tmp_path / "curves")])
    (curve,) = read_published([tmp_path / "curves" / "jpeg.json"])
    assert curve.name == "jpeg" and set(curve.curves) == {"psnr", "ms-ssim"}
    (low, worse), (high, better) = curve.curves["psnr"]
    assert low < high and worse < better


def test_curves_of_sound_are_none_of_compressais(tmp_path: Path) -> None:
    arguments = [str(sound(tmp_path / "a.wav")), "--codec", "opus:kbps=16", "--compressai", str(tmp_path / "curves")]
    assert "no bits per pixel" in str(CliRunner().invoke(command, arguments).exception)


def test_infinite_values_survive_the_file(tmp_path: Path) -> None:
    log.append(tmp_path / "r.jsonl", {"file": "a: Infinity", "codec": "png", "psnr": math.inf})
    (row,) = log.read([tmp_path / "r.jsonl"])
    assert row == {"file": "a: Infinity", "codec": "png", "psnr": math.inf}
    assert "1e999" in (tmp_path / "r.jsonl").read_text()
    assert log.dumps({"a": math.nan}) == '{"a": null}'


def test_tasks_and_metrics_say_what_they_need() -> None:
    result = CliRunner().invoke(tasks_command, ["--json"])
    assert result.exit_code == 0
    rows = [json.loads(line) for line in io.StringIO(result.output)]
    assert {"classify", "boundary", "segment", "speech"} == {r["task"] for r in rows if "task" in r}
    (lpips,) = (r for r in rows if r.get("metric") == "lpips-alex")
    assert any("--weights lpips-alex=FILE" in need for need in lpips["needs"])


@pytest.mark.parametrize("channels", [1, 3])
def test_a_zoo_model_codes_with_the_weights_at_hand_and_names_those_it_lacks(
    channels: int, tmp_path: Path, picture: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    if find_spec("compressai") is None:
        pytest.skip("pip install compressai")
    import torch

    from codec.peers.zoo import import_compressai

    import_compressai()
    from compressai.zoo import image

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    frame = np.asarray(picture.crop((0, 0, 100, 70)).convert("L" if channels == 1 else "RGB")).reshape(
        70, 100, channels
    )
    peer = PEERS["bmshj2018-factorized"]
    with pytest.raises(CodecError, match="needs its weights; put https"):
        peer.encode(frame, 2)
    with pytest.raises(CodecError, match="no quality 9"):
        peer.encode(frame, 9)
    model = image.model_architectures["bmshj2018-factorized"](128, 192)  # untrained: its pictures mean nothing
    model.update()
    place = tmp_path / "hub" / "checkpoints" / image.model_urls["bmshj2018-factorized"]["mse"][1].rpartition("/")[2]
    place.parent.mkdir(parents=True)
    torch.save(model.state_dict(), place)
    assert peer.decode(peer.encode(frame, 1), channels).shape == frame.shape
