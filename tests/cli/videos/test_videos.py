"""Videos on the command line: what goes in comes out, in every form."""

import json
import os
import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from helpers.coded_videos import SHORT, decoded, in_file, planes
from helpers.commands import QUICK, Run, call, names, refused
from helpers.video_clips import moving, packets, video_file
from PIL import Image


def test_another_process_decodes_the_same_frames(run: Run, coded: str, ncf: bytes) -> None:
    done = run("decode", coded, "-o", "back.mkv")
    assert done.returncode == 0 and b"48 x 32, 30 frames" in done.stderr
    found = b"".join(p.tobytes() for picture in in_file("back.mkv") for p in picture.planes)
    assert found == planes(ncf)


def test_a_row_says_what_was_done(clip: str, ncf: bytes) -> None:
    row = json.loads(call("encode", "--json", "--quiet", *QUICK, clip).stdout)
    assert row.pop("encode_s") > 0 and 20 < row.pop("psnr") < 60
    pixels = 32 * 48 * sum(SHORT)
    assert row == {
        "file": clip, "output": "clip.ncf", "codec": "nirvana", "quality": 50.0, "frames": sum(SHORT),
        "bytes": len(ncf), "pixels": pixels, "bpp": 8 * len(ncf) / pixels,
    }  # fmt: skip
    assert Path("clip.ncf").read_bytes() == ncf
    row = json.loads(call("decode", "--json", "clip.ncf").stdout)
    assert row.pop("decode_s") > 0 and row.pop("bytes") == Path("clip.mp4").stat().st_size
    assert row == {"file": "clip.ncf", "output": "clip.mp4", "width": 48, "height": 32, "frames": sum(SHORT)}


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
    assert len(in_file(f"back.{suffix}")) == sum(SHORT)


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
    found, all_ = in_file("part.mkv"), decoded(ncf)
    assert len(found) == len(wanted)
    for one, number in zip(found, wanted, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one.planes, all_[number].planes, strict=True))


def test_frames_that_are_not_there_leave_nothing(coded: str) -> None:
    assert "no frames 20..30: it has 30" in refused("decode", coded, "--frames", "20..30")
    assert "no frames 30..30" in refused("decode", coded, "--frames", "30", "--png", "-o", "frames")
    assert names() == ["clip.ncf"]


def test_a_folder_of_pictures(coded: str) -> None:
    call("decode", coded, "--frames", "9..11", "--png")
    assert sorted(p.name for p in Path("clip").iterdir()) == [f"frame-{n:06}.png" for n in (1, 2, 3)]
    assert Image.open("clip/frame-000002.png").size == (48, 32)
    assert "is a folder that is there already; name another" in refused("decode", coded, "--png")


def test_names_of_outputs(coded: str, ncf: bytes, picture: Image.Image) -> None:
    picture.save("photo.png")
    call("encode", "photo.png", "-o", "photo.ncf")
    call("decode", "clip.ncf", "photo.ncf", "-o", "out/")
    assert sorted(os.listdir("out")) == ["clip.mp4", "photo.png"]
    line = refused("decode", coded, "-o", "clip.png")
    assert "it is a video, and clip.png none; name the output .mp4 .mkv .y4m, or add --png for a folder" in line
    assert "--png goes with videos" in refused("decode", "photo.ncf", "--png", "-o", "x")
    assert "--frames" in refused("decode", "photo.ncf", "--frames", "0", "-o", "x.png")
    assert "can't go to standard output" in refused("decode", coded, "--png", "-o", "-")
    assert names() == ["clip.ncf", "out", "photo.ncf", "photo.png"]


def test_pictures_and_videos_in_one_batch(clip: str, ncf: bytes, picture: Image.Image) -> None:
    picture.save("photo.png")
    Path("wrong.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(40))
    result = call("encode", "-r", ".", "-o", "out/", code=1)
    assert sorted(os.listdir("out")) == ["clip.ncf", "photo.ncf"]
    assert "2 encoded, 1 failed" in result.stderr and "codec: ./wrong.mp4: " in result.stderr


def test_a_folder_of_pictures_and_videos_comes_back_as_what_it_was(
    ncf: bytes, picture: Image.Image, here: Path
) -> None:
    Path("in/deep").mkdir(parents=True)
    Path("in/deep/clip.ncf").write_bytes(ncf)
    picture.save("photo.png")
    call("encode", "photo.png", "-o", "in/photo.ncf")
    call("decode", "-r", "in", "-o", "out")
    assert sorted(str(p.relative_to("out")) for p in Path("out").rglob("*.*")) == ["deep/clip.mp4", "photo.png"]


def test_pipes_carry_the_same_bytes(run: Run, here: Path, source: bytes, ncf: bytes) -> None:
    done = run("encode", *QUICK, "-", stdin=source)
    assert (done.returncode, done.stdout) == (0, ncf)
    done = run("decode", "-", "--quiet", stdin=ncf)
    assert (done.returncode, done.stdout[:9]) == (0, b"YUV4MPEG2")
    frame = 48 * 32 * 3 // 2
    body = done.stdout[done.stdout.index(b"\n") + 1 :]
    found = b"".join(body[n * (frame + 6) + 6 : (n + 1) * (frame + 6)] for n in range(sum(SHORT)))
    assert len(body) == sum(SHORT) * (frame + 6) and found == planes(ncf)
    assert names() == []


def test_an_existing_output_stays(clip: str) -> None:
    Path("clip.ncf").write_bytes(b"mine")
    assert "exists already; name another with -o" in refused("encode", *QUICK, clip)
    assert Path("clip.ncf").read_bytes() == b"mine" and names() == ["clip.mkv", "clip.ncf"]
    assert "what is there isn't codec's" in refused("encode", *QUICK, "-f", clip)
    call("encode", *QUICK, "-f", "-q", 0, clip, "-o", "clip.ncf")
    assert Path("clip.ncf").read_bytes()[1:4] == b"NCF" and names() == ["clip.mkv", "clip.ncf"]
    Path("clip.mp4").write_bytes(b"mine")
    for what, made in (("decode", "clip.decoded.mp4"), ("export", "clip.exported.mp4")):
        assert f"clip.ncf -> {made}  " in call(what, "clip.ncf").stderr
        assert f"{made} exists already; name another with -o, or overwrite it with -f" in refused(what, "clip.ncf")
        call(what, "clip.ncf", "-f")
    assert Path("clip.mp4").read_bytes() == b"mine"
    assert names() == ["clip.decoded.mp4", "clip.exported.mp4", "clip.mkv", "clip.mp4", "clip.ncf"]


def test_what_fails_leaves_nothing(here: Path) -> None:
    """Frames of another size, behind a whole group of good ones."""
    parts = (moving(16, 32, 20), moving(32, 32, 3))
    Path("two.ts").write_bytes(b"".join(video_file(frames, "mpegts", "libx264") for frames in parts))
    for options in ((), ("--resume",)):
        line = refused("encode", *QUICK, *options, "two.ts")
        assert " is 32 x 32, the ones before it 32 x 16; cut it in two there" in line
        assert names() == ["two.ts"]


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


def test_chains_in_several_processes_give_the_same_file(clip: str, ncf: bytes) -> None:
    call("encode", clip, *QUICK, "-j", 2)
    assert Path("clip.ncf").read_bytes() == ncf


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
    assert len(in_file("back.mkv")) == len(in_file("out.mp4")) == sum(SHORT)
    os.mkfifo("out-2.mp4")
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(Path("out-2.mp4").read_bytes()), daemon=True)
    reader.start()
    call("export", "clip.ncf", "-o", "out-2.mp4")
    reader.join(60)
    assert got == [Path("out.mp4").read_bytes()]
