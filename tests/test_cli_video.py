"""Videos on the command line: what goes in comes out, what is interrupted goes on, and what is wrong is said."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from click.testing import CliRunner, Result
from conftest import Run
from grid_weights import installed
from PIL import Image
from video_clips import moving, packets, video_file

from codec import container, video
from codec.cli.main import cli
from codec.media.video import Picture, Planes, read_video

SCENES = (11, 6, 5)
FRAMES = sum(SCENES)
UNITS = (8, 3, 6, 5)  # frames of each
QUICK = ("--effort", 1)


@pytest.fixture(scope="module", autouse=True)
def weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with installed(tmp_path_factory.mktemp("weights")) as path:
        yield path


def scenes(height: int = 32, width: int = 48) -> list[Planes]:
    """Dark and bright ones in turn."""
    bright = [n % 2 for n, length in enumerate(SCENES) for _ in range(length)]
    shown = zip(moving(height, width, FRAMES), bright, strict=True)
    return [(y // 4 + np.uint8(160 * b), u, v) for (y, u, v), b in shown]


@pytest.fixture(scope="module")
def source() -> bytes:
    """A Matroska file of three scenes, with sound."""
    return video_file(scenes(), sound=True)


@pytest.fixture(scope="module")
def ncf(source: bytes, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """It encoded."""
    path = tmp_path_factory.mktemp("encoded") / "clip.mkv"
    path.write_bytes(source)
    call("encode", *QUICK, path)
    return path.with_suffix(".ncf").read_bytes()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def clip(here: Path, source: bytes) -> str:
    Path("clip.mkv").write_bytes(source)
    return "clip.mkv"


@pytest.fixture
def coded(here: Path, ncf: bytes) -> str:
    Path("clip.ncf").write_bytes(ncf)
    return "clip.ncf"


def call(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(cli, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def refused(*arguments: object, code: int = 1) -> str:
    """The one line of a command that fails."""
    result = call(*arguments, code=code)
    assert result.stdout == ""
    if code == 1:
        (line,) = result.stderr.splitlines()
        return line
    return result.stderr.splitlines()[-1]


def files() -> list[str]:
    return sorted(path.name for path in Path().iterdir())


def pictures(data: bytes) -> list[Picture]:
    return list(video.open_file(io.BytesIO(data), device="cpu").pictures())


def planes(data: bytes) -> bytes:
    return b"".join(p.tobytes() for picture in pictures(data) for p in picture.planes)


def in_file(path: str) -> list[Picture]:
    return list(read_video(path).pictures())


def offsets(data: bytes) -> tuple[int, ...]:
    return container.read_index(io.BytesIO(data)).offsets


def test_another_process_decodes_the_same_frames(run: Run, coded: str, ncf: bytes) -> None:
    done = run("decode", coded, "-o", "back.mkv")
    assert done.returncode == 0 and b"48 x 32, 22 frames" in done.stderr
    found = b"".join(p.tobytes() for picture in in_file("back.mkv") for p in picture.planes)
    assert found == planes(ncf)


def test_a_row_says_what_was_done(clip: str, ncf: bytes) -> None:
    row = json.loads(call("encode", "--json", "--quiet", *QUICK, clip).stdout)
    assert row.pop("encode_s") > 0
    pixels = 32 * 48 * FRAMES
    assert row == {
        "file": clip, "output": "clip.ncf", "codec": "nirvana", "quality": 50.0, "frames": FRAMES, "bytes": len(ncf),
        "pixels": pixels, "bpp": 8 * len(ncf) / pixels,
    }  # fmt: skip
    assert Path("clip.ncf").read_bytes() == ncf
    row = json.loads(call("decode", "--json", "clip.ncf").stdout)
    assert row.pop("decode_s") > 0 and row.pop("bytes") == Path("clip.mp4").stat().st_size
    assert row == {"file": "clip.ncf", "output": "clip.mp4", "width": 48, "height": 32, "frames": FRAMES}


def test_a_goal_and_what_came_of_it_are_two_fields(here: Path) -> None:
    Path("one.mkv").write_bytes(video_file(moving(16, 16, 1)))
    row = json.loads(call("encode", "--json", *QUICK, "--target-bpp", 2, "one.mkv").stdout)
    assert row["target_bpp"] == 2 and row["bpp"] == 8 * row["bytes"] / 256


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_sound_comes_back_with_the_pictures(coded: str, source: bytes, suffix: str) -> None:
    call("decode", coded, "-o", f"back.{suffix}")
    found, wanted = packets(Path(f"back.{suffix}").read_bytes()), packets(source)
    assert [data for _, data in found] == [data for _, data in wanted]
    assert max(abs(a - b) for (a, _), (b, _) in zip(found, wanted, strict=True)) < 0.002
    assert len(in_file(f"back.{suffix}")) == FRAMES


def test_sound_is_left_out_where_it_is_not_wanted(clip: str, ncf: bytes) -> None:
    call("encode", *QUICK, "--no-audio", clip)
    assert "metadata  none" in call("info", "clip.ncf").stdout
    assert planes(Path("clip.ncf").read_bytes()) == planes(ncf)
    call("decode", "clip.ncf")
    with av.open("clip.mp4") as found:
        assert [s.type for s in found.streams] == ["video"]


def test_formats_without_sound_say_so(coded: str) -> None:
    assert "sound is left out" in call("decode", coded, "-o", "back.y4m", "--frames", "0..1").stderr


def test_times_that_are_not_steady_come_back(here: Path) -> None:
    times = [Fraction(0), Fraction(1, 25), Fraction(1, 5), Fraction(1), Fraction(3, 2)]
    Path("slow.mkv").write_bytes(video_file(moving(16, 16, 5), times=times))
    call("encode", *QUICK, "slow.mkv")
    call("decode", "slow.ncf", "-o", "back.mkv")
    call("decode", "slow.ncf", "-o", "back.mp4")
    assert [p.time for p in in_file("back.mkv")] == times
    assert [p.time for p in in_file("back.mp4")] == times


@pytest.mark.parametrize(("span", "wanted"), [("9..12", range(9, 13)), ("21", range(21, 22)), ("0..0", range(1))])
def test_frames_are_counted_from_0_and_both_ends_are_in(coded: str, ncf: bytes, span: str, wanted: range) -> None:
    call("decode", coded, "--frames", span, "-o", "part.mkv")
    found, all_ = in_file("part.mkv"), pictures(ncf)
    assert len(found) == len(wanted)
    for one, number in zip(found, wanted, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one.planes, all_[number].planes, strict=True))


def test_frames_that_are_not_there_leave_nothing(coded: str) -> None:
    assert "no frames 20..22: it has 22" in refused("decode", coded, "--frames", "20..22")
    assert "no frames 22..22" in refused("decode", coded, "--frames", "22", "--png", "-o", "frames")
    assert files() == ["clip.ncf"]


def test_a_folder_of_pictures(coded: str) -> None:
    call("decode", coded, "--frames", "9..11", "--png")
    assert sorted(p.name for p in Path("clip").iterdir()) == [f"frame-{n:06}.png" for n in (1, 2, 3)]
    assert Image.open("clip/frame-000002.png").size == (48, 32)
    assert "is a directory" in refused("decode", coded, "--png")


def test_names_of_outputs(coded: str, ncf: bytes, picture: Image.Image) -> None:
    picture.save("photo.png")
    call("encode", "photo.png", "-o", "photo.ncf")
    call("decode", "clip.ncf", "photo.ncf", "-o", "out/")
    assert sorted(os.listdir("out")) == ["clip.mp4", "photo.png"]
    line = refused("decode", coded, "-o", "clip.png")
    assert "it is a video, and clip.png none; name the output .mp4 .mkv .y4m, or add --png for a folder" in line
    assert "--png go with videos" in refused("decode", "photo.ncf", "--png", "-o", "x")
    assert "--frames" in refused("decode", "photo.ncf", "--frames", "0", "-o", "x.png")
    assert "can't go to standard output" in refused("decode", coded, "--png", "-o", "-")
    assert files() == ["clip.ncf", "out", "photo.ncf", "photo.png"]


def test_pictures_and_videos_in_one_batch(clip: str, ncf: bytes, picture: Image.Image) -> None:
    picture.save("photo.png")
    Path("wrong.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(40))
    result = call("encode", "-r", ".", "-o", "out/", code=1)
    assert sorted(os.listdir("out")) == ["clip.ncf", "photo.ncf"]
    assert "2 encoded, 1 failed" in result.stderr and "codec: ./wrong.mp4: " in result.stderr


def test_pipes_carry_the_same_bytes(run: Run, here: Path, source: bytes, ncf: bytes) -> None:
    done = run("encode", *QUICK, "-", stdin=source)
    assert (done.returncode, done.stdout) == (0, ncf)
    done = run("decode", "-", "--quiet", stdin=ncf)
    assert (done.returncode, done.stdout[:9]) == (0, b"YUV4MPEG2")
    frame = 48 * 32 * 3 // 2
    body = done.stdout[done.stdout.index(b"\n") + 1 :]
    found = b"".join(body[n * (frame + 6) + 6 : (n + 1) * (frame + 6)] for n in range(FRAMES))
    assert len(body) == FRAMES * (frame + 6) and found == planes(ncf)
    assert files() == []


def test_an_existing_output_stays(clip: str) -> None:
    Path("clip.ncf").write_bytes(b"mine")
    assert "exists already; use -f" in refused("encode", *QUICK, clip)
    assert Path("clip.ncf").read_bytes() == b"mine" and files() == ["clip.mkv", "clip.ncf"]
    call("encode", *QUICK, "-f", "-q", 0, clip)
    assert Path("clip.ncf").read_bytes()[1:4] == b"NCF" and files() == ["clip.mkv", "clip.ncf"]
    Path("clip.mp4").write_bytes(b"mine")
    assert "exists already" in refused("decode", "clip.ncf")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("-q", 30, "--target-bpp", 1), "--quality and --target-bpp are two goals; choose one"),
        (("--target-psnr", 30, "--target-bpp", 1), "--target-psnr and --target-bpp are two goals"),
        (("--lossless", "--codec", "nirvana"), "leave out --codec nirvana"),
        (("--lossless", "--target-psnr", 30), "--lossless keeps every bit; leave out --target-psnr"),
        (("--effort", 3, "--time-budget", "10m"), "--effort and --time-budget both say how long"),
        (("--time-budget", "soon"), "is not a time, such as 90s, 10m or 2h"),
        (("--time-budget", "0s"), "is not a time"),
        (("--effort", 10), "10 is not in the range"),
        (("--codec", "h264"), "is not one of"),
    ],
)
def test_options_that_make_no_sense_are_told_before_any_work(clip: str, options: tuple[object, ...], says: str) -> None:
    assert says in refused("encode", clip, *options, code=2)
    assert files() == ["clip.mkv"]


@pytest.mark.parametrize("span", ["a", "3..", "-1", "1-2", "1...2"])
def test_spans_that_are_none_are_told(coded: str, span: str) -> None:
    assert "is not A..B, such as 120..180" in refused("decode", coded, f"--frames={span}", code=2)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--lossless",), "no lossless codec for videos; leave out --lossless"),
        (("--codec", "circuit"), "no lossless codec for videos"),
        (("--no-verify",), "leave out --lossless and --verify"),
        (("--target-psnr", -3), "a target must be above 0"),
        (("--target-bpp", 0), "a target must be above 0"),
        (("--codec", "s2lic", "--preset", "tiny"), "s2lic has no presets"),
        (("--codec", "s2lic", "--target-bpp", 1), "s2lic codes a video at one quality"),
        (("--codec", "s2lic", "--effort", 2), "s2lic has no --effort"),
        (("--max-pixels", 100), "48 x 32"),
        (("--resume", "-o", "-"), "--resume goes on with a file"),
    ],
)
def test_options_that_a_video_has_not_are_told(clip: str, options: tuple[object, ...], says: str) -> None:
    assert says in refused("encode", clip, *options)
    assert files() == ["clip.mkv"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--codec", "nirvana"), "it is an image, and nirvana codes videos; leave out --codec"),
        (("--time-budget", "10m"), "--time-budget goes with videos"),
        (("--target-psnr", 30), "a target goes with videos"),
        (("--preset", "tiny"), "--preset goes with videos"),
        (("--resume",), "--resume goes with videos"),
        (("--no-audio",), "--no-audio goes with videos"),
    ],
)
def test_options_that_an_image_has_not_are_told(photo: Path, options: tuple[object, ...], says: str) -> None:
    line = refused("encode", photo, *options)
    assert says in line and line.startswith(f"codec: {photo}: ")
    assert not photo.with_suffix(".ncf").exists()


def test_what_fails_leaves_nothing(here: Path) -> None:
    """Frames of another size, behind a whole group of good ones."""
    parts = (moving(16, 32, 20), moving(32, 32, 3))
    Path("two.ts").write_bytes(b"".join(video_file(frames, "mpegts", "libx264") for frames in parts))
    for options in ((), ("--resume",)):
        line = refused("encode", *QUICK, *options, "two.ts")
        assert " is 32 x 32, the ones before it 32 x 16; cut it in two there" in line
        assert files() == ["two.ts"]


def test_by_s2lic_every_picture_stands_alone(clip: str) -> None:
    call("encode", "--codec", "s2lic", "-q", 20, clip)
    values = json.loads(call("info", "--json", "clip.ncf").stdout)
    assert [values[n] for n in ("codec", "frames", "units", "chains", "quality")] == ["s2lic", 22, 22, 22, 20]
    call("decode", "clip.ncf", "--frames", "7..8", "-o", "two.mkv")
    assert len(in_file("two.mkv")) == 2


def test_a_file_larger_than_its_source_is_told(here: Path) -> None:
    Path("still.mp4").write_bytes(video_file([moving(16, 16, 1)[0]] * 2, "mp4", "libx264", crf="51"))
    result = call("encode", *QUICK, "-q", 100, "still.mp4")
    size = Path("still.ncf").stat().st_size
    told = "the output is larger than the input" in result.stderr
    assert told == (size > Path("still.mp4").stat().st_size)


def damaged(data: bytes, unit: int) -> bytes:
    found = bytearray(data)
    found[offsets(data)[unit] + 30] ^= 1
    return bytes(found)


def test_a_damaged_group_costs_its_chain_alone(here: Path, ncf: bytes) -> None:
    Path("clip.ncf").write_bytes(damaged(ncf, 1))
    line = refused("decode", "clip.ncf")
    assert f"section 'U' at byte {offsets(ncf)[1]}" in line and "damaged" in line
    assert files() == ["clip.ncf"]
    line = refused("decode", "clip.ncf", "--partial", "-o", "back.mkv")
    assert "wrote what is whole to back.mkv; lost: damaged" in line and "(frames 8 to 10 are lost)" in line
    found, whole = in_file("back.mkv"), pictures(ncf)
    kept = [p for n, p in enumerate(whole) if n not in range(8, 11)]
    assert [p.time for p in found] == [p.time for p in kept]
    assert all(np.array_equal(a.planes[0], b.planes[0]) for a, b in zip(found, kept, strict=True))
    call("decode", "clip.ncf", "--frames", "11..21", "-o", "rest.mkv")  # which needs nothing of it
    assert refused("info", "clip.ncf").startswith("codec: clip.ncf: damaged")


def test_of_a_truncated_file_what_is_there_is_written(here: Path, ncf: bytes) -> None:
    Path("clip.ncf").write_bytes(ncf[: offsets(ncf)[3] + 4])
    assert "truncated" in refused("decode", "clip.ncf")
    line = refused("decode", "clip.ncf", "--partial")
    assert "truncated" in line and line.endswith("(frames 17 and later are lost)")
    assert len(in_file("clip.mp4")) == 17


def test_files_that_are_no_videos_are_told(here: Path, picture: Image.Image) -> None:
    for name, data in {"a.mp4": b"", "b.mkv": b"\x1aE\xdf\xa3" + bytes(60), "c.y4m": b"YUV4MPEG2 W16 H16\n"}.items():
        Path(name).write_bytes(data)
        assert refused("encode", name).startswith(f"codec: {name}: ")
    assert files() == ["a.mp4", "b.mkv", "c.y4m"]


LONG = moving(16, 16, 40)


def interrupted(number: int, *options: object) -> "subprocess.CompletedProcess[bytes]":
    """An encoding that gets a signal when its first group is in the file."""
    command = [sys.executable, "-m", "codec.cli.main", "encode", "long.mkv", *map(str, (*QUICK, *options))]
    # Shells start what they run in the background with SIGINT ignored, and children inherit that.
    reset = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=reset)
    until = time.monotonic() + 60
    while not any(p.stat().st_size for p in Path().glob(".long.ncf.unfinished*")):
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.01)
    process.send_signal(number)
    out, error = process.communicate(timeout=60)
    return subprocess.CompletedProcess(command, process.returncode, out, error)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_an_interrupted_encoding_goes_on_where_it_was(here: Path, number: int) -> None:
    Path("long.mkv").write_bytes(video_file(LONG))
    done = interrupted(number)
    assert done.returncode == (-9 if number == signal.SIGKILL else 130)
    if number == signal.SIGINT:
        told = b"codec: long.ncf: stopped; the same command with --resume goes on from there"
        assert [found for found in done.stderr.splitlines() if found] == [told]
    (part,) = Path().glob(".long.ncf.unfinished*")
    there = part.read_bytes()
    for other in (("-q", 80), ("--no-audio",), ("--codec", "s2lic"), ("--target-bpp", 1)):
        effort = () if "s2lic" in other else QUICK
        line = refused("encode", "long.mkv", "--resume", *effort, *other)
        assert "made with other options; give the same ones, or leave out --resume" in line
        assert part.read_bytes() == there
    call("encode", "long.mkv", "--resume", *QUICK)
    resumed = Path("long.ncf").read_bytes()
    assert files() == ["long.mkv", "long.ncf"]
    assert there[: offsets(resumed)[1]] == resumed[: offsets(resumed)[1]]
    call("encode", "-f", "long.mkv", *QUICK)
    assert Path("long.ncf").read_bytes() == resumed


def test_without_resume_an_encoding_begins_anew(clip: str, ncf: bytes) -> None:
    call("encode", clip, "-q", 90, *QUICK, "-o", "other.ncf")
    from codec.cli.video import unfinished

    left = unfinished("clip.ncf", "12345678")
    left.write_bytes(Path("other.ncf").read_bytes()[:400])
    call("encode", clip, *QUICK)
    assert Path("clip.ncf").read_bytes() == ncf
    assert files() == ["clip.mkv", "clip.ncf", "other.ncf"]


def test_a_first_run_may_say_resume(clip: str, ncf: bytes) -> None:
    call("encode", clip, *QUICK, "--resume")
    assert Path("clip.ncf").read_bytes() == ncf


def test_long_names_have_room_to_be_unfinished(clip: str, ncf: bytes) -> None:
    name = "ä" * 120 + ".ncf"
    call("encode", clip, *QUICK, "-o", name)
    assert Path(name).read_bytes() == ncf


def test_chains_in_several_processes_give_the_same_file(clip: str, ncf: bytes) -> None:
    call("encode", clip, *QUICK, "-j", 2)
    assert Path("clip.ncf").read_bytes() == ncf


def test_info_counts_frames_and_chains(coded: str, ncf: bytes) -> None:
    values = json.loads(call("info", "--json", coded).stdout)
    assert values["frames"] == FRAMES and values["units"] == 4 and values["chains"] == 3
    assert values["bytes"] == len(ncf) and values["bpp"] == 8 * len(ncf) / (48 * 32 * FRAMES)
    assert values["rate"] == "25" and values["seconds"] == FRAMES / 25 and values["installed"]
    table = call("info", coded).stdout
    for text in ("48 x 32, 22 frames, 0.9 s", "chains    3", "units     4", "metadata  audio "):
        assert text in table


def test_info_accounts_for_every_byte(coded: str, ncf: bytes, photo: Path) -> None:
    values = json.loads(call("info", "-v", "--json", coded).stdout)
    units = values["unit_list"]
    assert [(u["first"], u["frames"], u["key"]) for u in units] == [
        (0, 8, True), (8, 3, False), (11, 6, True), (17, 5, True),
    ]  # fmt: skip
    parts = values["head_bytes"] + values["metadata_bytes"] + values["end_bytes"]
    assert parts + sum(u["bytes"] for u in units) == len(ncf)
    payloads = [len(u.payload) for u in container.read(ncf)[1]]
    assert [u["bytes"] - u["framing"] for u in units] == payloads
    assert values["metadata_bytes"] == values["metadata"]["audio"] + 1 + 2 + 4  # tag, length, checksum
    rows = [line.split() for line in call("info", "-v", coded).stdout.splitlines()[-8:]]
    assert [row[0] for row in rows] == ["head", "metadata", *["unit"] * 4, "end", "all"]
    assert rows[2][:5] == ["unit", "0", "0", "8", "key"]
    assert sum(int(row[-3 if row[0] == "unit" else -1].replace(",", "")) for row in rows[:-1]) == len(ncf)
    call("encode", photo, "-o", "photo.ncf")
    values = json.loads(call("info", "-v", "--json", "photo.ncf").stdout)
    (unit,) = values["unit_list"]
    assert unit["bytes"] + values["head_bytes"] == values["bytes"] == Path("photo.ncf").stat().st_size


def test_info_of_a_video_loads_no_torch(run: Run, here: Path, coded: str) -> None:
    code = (
        "import sys\nfrom codec.cli.main import cli\ncli.main(['info', '-v', 'clip.ncf'], standalone_mode=False)\n"
        "sys.exit(bool({'torch', 'av'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL).returncode == 0
