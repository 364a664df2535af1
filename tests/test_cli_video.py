"""Videos on the command line: what goes in comes out, what is interrupted goes on, and what is wrong is said."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from click.testing import CliRunner, Result
from conftest import Run
from PIL import Image
from video_clips import BT601, moving, packets, turned_file, video_file

from codec import container, video
from codec.cli.main import cli
from codec.cli.unfinished import resumable
from codec.errors import CodecError
from codec.media.video import Picture, Planes, read_video
from codec.media.video.layout import frame_of, mark, samples

SCENES = (12, 13, 5)  # one unit each
FRAMES = sum(SCENES)
QUICK = ("--effort", 1)


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
    assert done.returncode == 0 and b"48 x 32, 30 frames" in done.stderr
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
    row = json.loads(call("encode", "--json", *QUICK, "--target-bpp", 8, "one.mkv").stdout)
    assert row["target_bpp"] == 8 >= row["bpp"] and row["bpp"] == 8 * row["bytes"] / 256


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


@pytest.mark.parametrize(("span", "wanted"), [("9..12", range(9, 13)), ("29", range(29, 30)), ("0..0", range(1))])
def test_frames_are_counted_from_0_and_both_ends_are_in(coded: str, ncf: bytes, span: str, wanted: range) -> None:
    call("decode", coded, "--frames", span, "-o", "part.mkv")
    found, all_ = in_file("part.mkv"), pictures(ncf)
    assert len(found) == len(wanted)
    for one, number in zip(found, wanted, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one.planes, all_[number].planes, strict=True))


def test_frames_that_are_not_there_leave_nothing(coded: str) -> None:
    assert "no frames 20..30: it has 30" in refused("decode", coded, "--frames", "20..30")
    assert "no frames 30..30" in refused("decode", coded, "--frames", "30", "--png", "-o", "frames")
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
        (("--target-size", "1M", "--target-bpp", 1), "--target-bpp and --target-size are two goals"),
        (("--target-size", "small"), "is not a size, such as 800000, 500k or 20M"),
        (("--keep-stream", "-q", 30), "--keep-stream encodes nothing; leave the options out that say how"),
        (("--keep-stream", "--base", "x265"), "--keep-stream encodes nothing"),
        (("--base", "vp9"), "is not one of"),
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
        (("--codec", "s2lic", "--base", "x265"), "s2lic has no presets and no base"),
        (("--preset", "tiny", "--base", "x265"), "the paper's network has no base"),
        (("--preset", "tiny", "--target-psnr", 30), "tiny looks for no target"),
        (("--target-psnr", 90), "90 dB can't be had: the best is "),
        (("--target-size", 300), "it can't be so small: the least is "),
        (("--keep-stream",), "its stream is ffv1, not AV1, H.265 or H.264; leave --keep-stream out"),
        (("--codec", "s2lic", "--target-bpp", 1), "s2lic looks for no target"),
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
        (("--base", "x264"), "--base goes with videos"),
        (("--keep-stream",), "--keep-stream goes with videos"),
        (("--target-size", "1M"), "a target goes with videos"),
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
    assert [values[n] for n in ("codec", "frames", "units", "chains", "quality")] == ["s2lic", 30, 30, 30, 20]
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
    assert f"section 'B' at byte {offsets(ncf)[1]}" in line and "damaged" in line
    assert files() == ["clip.ncf"]
    line = refused("decode", "clip.ncf", "--partial", "-o", "back.mkv")
    assert "wrote what is whole to back.mkv; lost: damaged" in line and "(frames 12 to 24 are lost)" in line
    found, whole = in_file("back.mkv"), pictures(ncf)
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


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_pipes_with_names_are_read_once_and_written_when_complete(clip: str, source: bytes, ncf: bytes) -> None:
    def fed(data: bytes, *arguments: object) -> None:
        os.mkfifo("pipe")
        feeder = threading.Thread(target=lambda: Path("pipe").write_bytes(data), daemon=True)
        feeder.start()
        call(arguments[0], "pipe", *arguments[1:])
        feeder.join(60)
        os.remove("pipe")

    fed(source, "encode", *QUICK, "-o", "clip.ncf")
    assert Path("clip.ncf").read_bytes() == ncf
    fed(ncf, "decode", "--base", "-o", "back.mkv")
    fed(ncf, "export", "-o", "out.mp4")
    assert len(in_file("back.mkv")) == len(in_file("out.mp4")) == FRAMES
    os.mkfifo("out-2.mp4")
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(Path("out-2.mp4").read_bytes()), daemon=True)
    reader.start()
    call("export", "clip.ncf", "-o", "out-2.mp4")
    reader.join(60)
    assert got == [Path("out.mp4").read_bytes()]


def test_files_that_are_no_videos_are_told(here: Path, picture: Image.Image) -> None:
    for name, data in {"a.mp4": b"", "b.mkv": b"\x1aE\xdf\xa3" + bytes(60), "c.y4m": b"YUV4MPEG2 W16 H16\n"}.items():
        Path(name).write_bytes(data)
        assert refused("encode", name).startswith(f"codec: {name}: ")
    assert files() == ["a.mp4", "b.mkv", "c.y4m"]


LONG = [(y // 4 + np.uint8(160 * (n // 14 % 2)), u, v) for n, (y, u, v) in enumerate(moving(64, 64, 70))]


def interrupted(number: int, *options: object) -> "subprocess.CompletedProcess[bytes]":
    """An encoding that gets a signal when its first group is in the file."""
    command = [sys.executable, "-m", "codec.cli.main", "encode", "-j", "1", "long.mkv", *map(str, (*QUICK, *options))]
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
    from codec.cli.unfinished import unfinished

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


def samples_of(frame: av.VideoFrame) -> np.ndarray:
    return np.concatenate([samples(frame, n).ravel() for n in range(3)]).astype(float)


def shown_by_others(path: str) -> list[np.ndarray]:
    with av.open(path) as found:
        return [samples_of(frame) for frame in found.decode(video=0)]


@pytest.mark.parametrize("base", ["svt-av1", "x265", "x264"])
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_an_exported_stream_is_the_base_with_its_sound(clip: str, source: bytes, base: str, suffix: str) -> None:
    call("encode", *QUICK, "--base", base, clip)
    call("export", "clip.ncf", "-o", f"out.{suffix}")
    call("decode", "--base", "clip.ncf", "-o", "base.mkv")
    shown = in_file("base.mkv")
    found = in_file(f"out.{suffix}")
    assert [p.time for p in found] == [p.time for p in shown]
    for one, other in zip(found, shown, strict=True):  # x265 has no pictures so small: they are filled up
        assert all(np.array_equal(a[: len(b), : b.shape[1]], b) for a, b in zip(one.planes, other.planes, strict=True))
    assert [data for _, data in packets(Path(f"out.{suffix}").read_bytes())] == [data for _, data in packets(source)]


def test_an_export_has_the_packets_that_the_encoder_gave(here: Path) -> None:
    """As FFmpeg itself would have put them into an mp4, times of decoding too."""
    frames = moving(64, 96, 40)
    Path("a.mkv").write_bytes(video_file(frames))
    call("encode", *QUICK, "--base", "x264", "-q", 50, "a.mkv")
    call("export", "a.ncf")
    crf = json.loads(call("info", "--json", "a.ncf").stdout)["crf"]
    with av.open("direct.mp4", "w") as container_:
        stream = container_.add_stream(
            "libx264", 25, {"crf": str(crf), "preset": "superfast", "threads": "1", "g": "250"}
        )
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 96, 64, "yuv420p", 0
        mark(stream.codec_context, BT601)
        for number, planes_ in enumerate(frames):
            frame = frame_of(planes_, BT601)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container_.mux(stream.encode(frame))
        container_.mux(stream.encode(None))

    def listed(path: str) -> list[tuple[object, ...]]:
        with av.open(path) as found:
            return [(p.pts, p.dts, p.duration, p.is_keyframe, p.size) for p in found.demux(video=0) if p.size]

    direct, exported = listed("direct.mp4"), listed("a.mp4")
    assert exported[1:] == direct[1:] and exported[0][:4] == direct[0][:4]  # the first has x264's note of itself


def test_what_can_not_be_exported_is_said(coded: str) -> None:
    assert "name the output .mp4 or .mkv" in refused("export", coded, "-o", "clip.avi")
    call("encode", "-q", 20, "--codec", "s2lic", clip_of_one(), "-o", "s2lic.ncf")
    assert "there is no standard stream in it to export" in refused("export", "s2lic.ncf")
    assert "there is no standard stream in it; leave --base out" in refused("decode", "--base", "s2lic.ncf")
    assert "s2lic.mp4" not in files()


def clip_of_one() -> str:
    Path("one.mkv").write_bytes(video_file(moving(count=1)))
    return "one.mkv"


@pytest.mark.parametrize(("encoder", "format"), [("libx264", "mp4"), ("libx265", "mkv"), ("libx264", "mpegts")])
def test_a_kept_stream_comes_back_packet_by_packet(here: Path, encoder: str, format: str) -> None:
    name = f"in.{format}"
    data = video_file(moving(64, 96, 30), "matroska" if format == "mkv" else format, encoder, sound=True)
    Path(name).write_bytes(data)
    call("encode", "--keep-stream", name)
    assert Path("in.ncf").stat().st_size <= len(data)
    call("export", "in.ncf", "-o", "out.mp4")
    found, wanted = in_file("out.mp4"), in_file(name)
    assert [p.time for p in found] == [p.time for p in wanted]
    call("decode", "in.ncf", "-o", "back.mkv")
    for one, other, back in zip(found, wanted, in_file("back.mkv"), strict=True):
        for a, b, c in zip(one.planes, other.planes, back.planes, strict=True):
            assert np.array_equal(a, b) and np.array_equal(b, c)
    values = json.loads(call("info", "--json", "in.ncf").stdout)
    assert values["base"] == "kept" and values["network_bytes"] == 0


def test_a_kept_stream_stays_turned(here: Path) -> None:
    data = video_file(moving(64, 96, 5), "mp4", "libx264")
    Path("turned.mp4").write_bytes(turned_file(data, (0, 1, -1, 0)))
    call("encode", "--keep-stream", "turned.mp4")
    call("decode", "turned.ncf", "-o", "back.mkv")
    call("export", "turned.ncf", "-o", "out.mp4")
    wanted = in_file("turned.mp4")
    assert wanted[0].planes[0].shape == (96, 64)
    for path in ("back.mkv", "out.mp4"):
        for one, other in zip(in_file(path), wanted, strict=True):
            assert all(np.array_equal(a, b) for a, b in zip(one.planes, other.planes, strict=True))


@pytest.mark.parametrize(
    ("base", "kind", "stays"),
    [
        ("svt-av1", "yuv420p10le", "yuv420p10le"), ("svt-av1", "yuv444p", "yuv420p"),
        ("x265", "yuv422p10le", "yuv422p10le"),
        ("x264", "yuv444p", "yuv444p"), ("x264", "yuv422p", "yuv422p"), ("x265", "yuv444p12le", "yuv444p10le"),
        ("x264", "gray", "yuv420p"),
    ],
)  # fmt: skip
def test_depth_and_colour_stay_as_far_as_the_base_has_them(here: Path, base: str, kind: str, stays: str) -> None:
    shown = [frame_of(p, BT601).reformat(format=kind) for p in moving(64, 96, 5)]
    Path("a.mkv").write_bytes(video_file(shown))
    call("encode", *QUICK, "-q", 80, "--base", base, "a.mkv")
    for output in ("a.mkv", "a.mp4", "a.y4m"):
        call("decode", "-f", "a.ncf", "-o", f"back-{output}")
    call("export", "a.ncf", "-o", "out.mp4")
    for path in ("back-a.mkv", "back-a.mp4", "back-a.y4m", "out.mp4"):
        with av.open(path) as found:
            (stream,) = found.streams.video
            assert stream.codec_context.pix_fmt == stays
    top = 1023 if stays.endswith("10le") else 255
    wanted = [samples_of(f.reformat(format=stays)) for f in shown]
    for path in ("back-a.mkv", "back-a.y4m"):
        for a, b in zip(shown_by_others(path), wanted, strict=True):
            assert np.abs(a - b).mean() / top < 0.02


@pytest.mark.skipif(os.name != "posix", reason="this system has no locks of files")
def test_one_process_at_a_time_writes_a_video(here: Path) -> None:
    with resumable("a.ncf", "options", False) as first:
        first.write(b"first")
        for resume in (False, True):
            busy = pytest.raises(CodecError, match=re.escape("another process is writing a.ncf; wait for it, or name"))
            with busy, resumable("a.ncf", "options", resume):
                pass
        first.write(b", whole")
    assert Path("a.ncf").read_bytes() == b"first, whole" and files() == ["a.ncf"]
    with resumable("a.ncf", "options", False) as second:
        second.write(b"second")
    assert Path("a.ncf").read_bytes() == b"second"


@pytest.mark.parametrize(
    ("name", "how", "says"),
    [
        ("b.avi", "bframes=3:b-adapt=0", "its packets' times are not those of its pictures (so it is in AVI)"),
        ("refresh.mp4", "intra-refresh=1:keyint=12:bframes=0", "can't be decoded from each of its key frames on"),
        ("bare.h264", "bframes=0", "its packets have no times"),
    ],
)
def test_streams_that_would_not_come_back_are_not_kept(here: Path, name: str, how: str, says: str) -> None:
    with av.open(name, "w") as container:
        stream = container.add_stream("libx264", 25)
        stream.width, stream.height, stream.options = 96, 64, {"x264-params": f"{how}:log=none"}
        for shown in moving(64, 96, 30):
            container.mux(stream.encode(frame_of(shown, BT601)))
        container.mux(stream.encode(None))
    line = refused("encode", "--keep-stream", name)
    assert says in line and line.endswith("; leave --keep-stream out") and files() == [name]


def test_pixels_that_are_not_square_stay_so(here: Path) -> None:
    frame = moving(48, 64, 1)[0]
    body = b"".join(b"FRAME\n" + b"".join(p.tobytes() for p in frame) for _ in range(3))
    Path("tv.y4m").write_bytes(b"YUV4MPEG2 W64 H48 F25:1 Ip A16:11 C420jpeg\n" + body)
    call("encode", *QUICK, "tv.y4m")
    call("export", "tv.ncf", "-o", "out.mp4")
    for output in ("back.mp4", "back.y4m"):  # PyAV can't tell FFmpeg's writer of Matroska
        call("decode", "tv.ncf", "-o", output)
    for path in ("out.mp4", "back.mp4", "back.y4m"):
        assert read_video(path).info.aspect == Fraction(16, 11)
    told = call("encode", "--codec", "s2lic", "-q", 10, "tv.y4m", "-o", "s2lic.ncf").stderr
    assert "its pixels are not square (16:11); they will be shown as if they were" in told


def test_chains_in_several_processes_give_the_same_file(clip: str, ncf: bytes) -> None:
    call("encode", clip, *QUICK, "-j", 2)
    assert Path("clip.ncf").read_bytes() == ncf


def test_info_counts_frames_and_chains(coded: str, ncf: bytes) -> None:
    values = json.loads(call("info", "--json", coded).stdout)
    assert values["frames"] == FRAMES and values["units"] == 3 and values["chains"] == 3
    assert values["bytes"] == len(ncf) and values["bpp"] == 8 * len(ncf) / (48 * 32 * FRAMES)
    assert values["rate"] == "25" and values["seconds"] == FRAMES / 25 and values["installed"]
    table = call("info", coded).stdout
    for text in ("48 x 32, 30 frames, 1.2 s", "chains    3", "units     3", "metadata  audio ", "base      av1, "):
        assert text in table


def test_info_accounts_for_every_byte(coded: str, ncf: bytes, photo: Path) -> None:
    values = json.loads(call("info", "-v", "--json", coded).stdout)
    units = values["unit_list"]
    assert [(u["first"], u["frames"], u["key"]) for u in units] == [
        (0, 12, True), (12, 13, True), (25, 5, True),
    ]  # fmt: skip
    parts = values["head_bytes"] + values["metadata_bytes"] + values["stream_bytes"] + values["end_bytes"]
    assert parts + sum(u["bytes"] for u in units) == len(ncf)
    payloads = [len(u.payload) + len(u.packets) for u in container.read(ncf)[1]]
    assert [u["bytes"] - u["framing"] for u in units] == payloads
    assert values["metadata_bytes"] == values["metadata"]["audio"] + 1 + 2 + 4  # tag, length, checksum
    rows = [line.split() for line in call("info", "-v", coded).stdout.splitlines()[-8:]]
    assert [row[0] for row in rows] == ["head", "metadata", "stream", *["unit"] * 3, "end", "all"]
    assert rows[3][:5] == ["unit", "0", "0", "12", "key"]
    assert sum(int(row[5 if row[0] == "unit" else -1].replace(",", "")) for row in rows[:-1]) == len(ncf)
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
