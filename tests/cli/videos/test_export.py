"""Standard streams come out as they are: of a base, kept ones, turned, deep, of any colour."""

import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from helpers.coded_videos import in_file
from helpers.commands import QUICK, call, names, refused
from helpers.video_clips import BT601, moving, packets, turned_file, video_file
from PIL import Image

from codec.media.video import read_video
from codec.media.video.layout import frame_of, mark, samples


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
    assert "s2lic.mp4" not in names()
    Image.new("RGB", (8, 8)).save("dot.png")
    call("encode", "--lossless", "dot.png")
    assert "it holds an image, not a video; decode it instead" in refused("export", "dot.ncf")


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
    assert says in line and line.endswith("; leave --keep-stream out") and names() == [name]


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


def test_what_was_exported_beside_its_source_is_not_encoded_again(here: Path, source: bytes) -> None:
    Path("clips").mkdir()
    Path("clips/a.mp4").write_bytes(source)
    call("encode", *QUICK, "clips/a.mp4")
    call("export", "clips/a.ncf")
    assert names(Path("clips")) == ["a.exported.mp4", "a.mp4", "a.ncf"]
    result = call("encode", *QUICK, "-r", "clips", "-o", "out")
    assert names(Path("out")) == ["a.ncf"] and "1 file that codec decoded" in result.stderr
