"""Videos are read picture by picture, as they are: planes, colour, times, sound; damage is told."""

import io
import os
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition
from helpers.video_clips import BT601, RATE, moving, packets, same, turned_file, video_file
from PIL import Image

from codec.container import MAGIC, Color
from codec.errors import LimitError, MediaError
from codec.media import yuv
from codec.media.formats import is_video
from codec.media.video import Planes, Video, read_video
from codec.media.video.layout import frame_of


def all_same(video: Video, frames: list[Planes]) -> bool:
    found = [picture.planes for picture in video.pictures()]
    return len(found) == len(frames) and all(same(a, b) for a, b in zip(found, frames, strict=True))


@pytest.mark.parametrize("size", [(48, 64), (47, 63), (1, 1), (2, 5)])
def test_planes_are_exact(size: tuple[int, int]) -> None:
    frames = moving(*size, count=3)
    video = read_video(video_file(frames))
    assert all_same(video, frames)
    assert video.notes == []
    assert (video.info.height, video.info.width, video.info.channels, video.info.depth) == (*size, 3, 8)
    assert (video.info.frames, video.info.rate, video.info.metadata) == (0, RATE, {})
    assert video.expected == 3


def test_pictures_can_be_read_again(tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    path.write_bytes(video_file(moving()))
    video = read_video(path)
    assert next(video.pictures()).time == 0
    assert all_same(video, moving())


def test_a_varying_rate_is_kept() -> None:
    times = [Fraction(t, 90_000) for t in (0, 3003, 3004, 9009, 30_000, 90_001)]
    data = video_file(moving(count=6), "mp4", "libx264", times=times)
    assert [picture.time for picture in read_video(data).pictures()] == times


def test_matroskas_milliseconds_become_the_steady_rate() -> None:
    for rate in (Fraction(30_000, 1001), Fraction(24), Fraction(60)):
        data = video_file(moving(), rate=rate)
        assert [picture.time for picture in read_video(data).pictures()] == [i / rate for i in range(12)]


def test_a_varying_rate_in_matroska_stays_in_milliseconds() -> None:
    times = [Fraction(t, 1000) for t in (0, 7, 80, 95, 333)]
    found = [picture.time for picture in read_video(video_file(moving(count=5), times=times)).pictures()]
    assert max(abs(a - b) for a, b in zip(found, times, strict=True)) <= Fraction(1, 2000)
    assert all(a < b for a, b in pairwise(found))


def test_a_file_without_times_has_the_steady_rate() -> None:
    video = read_video(video_file(moving(), "h264", "libx264"))
    assert [picture.time for picture in video.pictures()] == [i / RATE for i in range(12)]


def test_times_count_from_the_first_frame() -> None:
    times = [Fraction(5) + i / RATE for i in range(4)]
    data = video_file(moving(count=4), "mpegts", "libx264", times=times)
    assert [picture.time for picture in read_video(data).pictures()] == [i / RATE for i in range(4)]


@pytest.mark.parametrize(
    ("matrix", "code"),  # of Pillow's transposes: what such a matrix does to a picture
    [
        ((0, 1, -1, 0), Image.Transpose.ROTATE_270),
        ((-1, 0, 0, -1), Image.Transpose.ROTATE_180),
        ((0, -1, 1, 0), Image.Transpose.ROTATE_90),
        ((-1, 0, 0, 1), Image.Transpose.FLIP_LEFT_RIGHT),
        ((0, 1, 1, 0), Image.Transpose.TRANSPOSE),
    ],
)
def test_phone_videos_are_upright(matrix: tuple[int, ...], code: Image.Transpose) -> None:
    flat = video_file(moving(count=2), "mp4", "libx264")
    upright = read_video(turned_file(flat, matrix))
    before, after = list(read_video(flat).pictures()), list(upright.pictures())
    for a, b in zip(before, after, strict=True):
        for plane, turned in zip(a.planes, b.planes, strict=True):
            assert np.array_equal(np.asarray(Image.fromarray(plane).transpose(code)), turned)
            assert turned.flags.c_contiguous
    assert (upright.info.height, upright.info.width) == after[0].planes[0].shape


def test_a_slight_turn_is_told() -> None:
    data = turned_file(video_file(moving(count=1), "mp4", "libx264"), (1, 1, -1, 1))
    video = read_video(data)
    assert "45 degrees" in video.notes[0]
    assert (video.info.width, video.info.height) == (64, 48)


def test_pixels_that_are_not_square_are_told() -> None:
    data = b"YUV4MPEG2 W4 H2 F25:1 Ip A16:9 C420jpeg\n" + b"FRAME\n" + bytes(12)
    video = read_video(data)
    assert video.info.aspect == Fraction(16, 9) and not video.notes


@pytest.mark.parametrize("format", ["mp4", "matroska"])
@pytest.mark.parametrize("start", [0, 0.25])
def test_sound_is_copied_in_step(format: str, start: float) -> None:
    data = video_file(moving(), format, "libx264", sound=True, sound_start=start)
    video = read_video(data)
    copied, original = packets(video.info.metadata["audio"]), packets(data)
    assert [piece for _, piece in copied] == [piece for _, piece in original]
    # A copy that can't begin before the video begins with itself.
    early = min(0, original[0][0])
    assert max(abs(a - (b - early)) for (a, _), (b, _) in zip(copied, original, strict=True)) < 0.0011
    assert video.info.metadata["audio"] == read_video(data).info.metadata["audio"]
    assert read_video(data, audio=False).info.metadata == {}


@pytest.mark.parametrize(
    ("format", "encoder", "options"),
    [
        ("matroska", "ffv1", {}),
        ("matroska", "libx264", {}),
        ("mp4", "libx264", {"movflags": "frag_keyframe+empty_moov"}),
        ("yuv4mpegpipe", "wrapped_avframe", {}),
    ],
)
def test_a_cut_file_gives_the_frames_that_are_there(format: str, encoder: str, options: dict[str, str]) -> None:
    if format == "yuv4mpegpipe":
        head = b"YUV4MPEG2 W64 H48 F25:1 Ip A1:1 C420mpeg2\n"
        data = head + b"".join(b"FRAME\n" + b"".join(p.tobytes() for p in f) for f in moving(count=50))
    else:
        data = video_file(moving(count=50), format, encoder, **options)
    whole, cut = list(read_video(data).pictures()), read_video(data[: len(data) * 2 // 3])
    found = list(cut.pictures())
    assert 0 < len(found) < 50
    # Of pictures that are stored out of order, some before the last one are missing, too.
    at = {picture.time: picture.planes for picture in whole}
    assert all(same(picture.planes, at[picture.time]) for picture in found)
    assert cut.notes == [f"ends early: {len(found)} of {cut.expected} frames are there"]
    assert cut.expected == (len(found) + 1 if format == "yuv4mpegpipe" else 50)


def test_a_file_that_begins_late_is_whole() -> None:
    video = read_video(video_file(moving(), times=[1000 + n / RATE for n in range(12)]))
    assert len(list(video.pictures())) == video.expected == 12
    assert video.notes == []


def test_a_cut_mp4_with_its_index_in_front_says_how_many_there_were(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", 25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for planes in moving(count=30):
            container.mux(stream.encode(frame_of(planes, BT601)))
        container.mux(stream.encode(None))
    os.truncate(path, path.stat().st_size * 2 // 3)
    video = read_video(path)
    count = len(list(video.pictures()))
    assert 0 < count < 30
    assert video.expected == 30
    assert video.notes[-1] == f"ends early: {count} of 30 frames are there"


def test_a_cut_mp4_without_its_index_is_refused() -> None:
    data = video_file(moving(), "mp4", "libx264")
    with pytest.raises(MediaError, match="cut off"):
        read_video(data[: len(data) // 2])


def test_whole_files_are_not_called_cut() -> None:
    for format, encoder in (
        ("avi", "mpeg4"),
        ("flv", "flv1"),
        ("mpegts", "libx264"),
        ("ivf", "libvpx"),
        ("nut", "ffv1"),
    ):
        video = read_video(video_file(moving(count=30), format, encoder))
        assert len(list(video.pictures())) == 30
        assert video.notes == []


def test_a_frame_of_another_size_is_named() -> None:
    data = video_file(moving(count=5), "h264", "libx264") + video_file(moving(32, 32, 3), "h264", "libx264")
    video = read_video(data)
    with pytest.raises(MediaError, match=r"frame 5 is 32 x 32, the ones before it 64 x 48; cut it in two"):
        list(video.pictures())


def test_a_damaged_frame_is_passed_over() -> None:
    data = bytearray(video_file(moving(), encoder="libx264"))
    with av.open(io.BytesIO(bytes(data))) as container:
        place = [bytes(packet) for packet in container.demux(video=0)][5]
    at = data.index(place)
    data[at : at + len(place)] = bytes(len(place))
    video = read_video(bytes(data))
    assert len(list(video.pictures())) == 11
    assert video.notes == ["is damaged: 11 of 12 frames can be read"]


@pytest.mark.parametrize("first", [True, False])
def test_a_cover_picture_is_no_video(first: bool) -> None:
    png, buffer = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (20, 10)).save(png, "png")
    with av.open(buffer, "w", format="mp4") as container:
        cover = container.add_stream("png", 1)
        cover.width, cover.height, cover.pix_fmt = 20, 10, "rgb24"
        cover.disposition = Disposition.attached_pic.value  # a bare number is all that PyAV 15 takes
        stream = container.add_stream("libx264", 25) if first else container.add_stream("aac", 8000)
        if isinstance(stream, av.VideoStream):
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        else:
            stream.layout = "mono"
        container.start_encoding()
        packet = av.Packet(png.getvalue())
        packet.stream, packet.pts, packet.dts, packet.time_base = cover, 0, 0, Fraction(1)
        container.mux(packet)
        if isinstance(stream, av.VideoStream):
            container.mux(stream.encode(frame_of(moving(count=1)[0], BT601)))
            container.mux(stream.encode(None))
    if first:
        assert read_video(buffer.getvalue()).info.width == 64
    else:
        with pytest.raises(MediaError, match="has no video in it"):
            read_video(buffer.getvalue())


def test_other_streams_that_are_left_out_are_told() -> None:
    buffer, source = io.BytesIO(), io.BytesIO(video_file(moving(count=3), "matroska", "libx264", sound=True))
    with av.open(source) as found, av.open(buffer, "w", format="matroska") as container:
        made = {s.index: [container.add_stream_from_template(s)] for s in found.streams}
        voice = found.streams.audio[0]
        made[voice.index].append(container.add_stream_from_template(voice))
        for packet in found.demux():
            data = bytes(packet)
            for stream in made[packet.stream.index] if data else []:
                copy = av.Packet(data)
                copy.stream, copy.pts, copy.dts, copy.time_base = stream, packet.pts, packet.dts, packet.time_base
                container.mux(copy)
    notes = ["these streams are left out: 1 more of sound"]
    assert read_video(buffer.getvalue()).notes == notes and read_video(buffer.getvalue(), audio=False).notes == []


def test_transparency_beside_the_pictures_is_told() -> None:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="webm") as container:
        stream = container.add_stream("libvpx-vp9", 25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.metadata["alpha_mode"] = "1"
        container.mux(stream.encode(frame_of(moving(count=1)[0], BT601)))
        container.mux(stream.encode(None))
    assert read_video(buffer.getvalue()).notes == ["its transparency is left out"]


def test_bare_dv_has_the_rate_of_its_system() -> None:
    """FFmpeg's average says 60,000 frames a second."""
    y, u, v = (np.full(size, 128, np.uint8) for size in ((576, 720), (288, 360), (288, 360)))
    grey = frame_of((y, u, v), BT601)
    data = video_file([grey] * 2, "dv", "dvvideo")
    assert read_video(data).info.rate == 25


def test_sound_that_cant_be_copied_is_told() -> None:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mov") as container:
        stream = container.add_stream("libx264", 25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        voice = container.add_stream("pcm_s8", rate=8000, layout="mono")
        container.mux(stream.encode(frame_of(moving(count=1)[0], BT601)))
        container.mux(stream.encode(None))
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 400), np.uint8), "u8", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 8000, 0, Fraction(1, 8000)
        container.mux(voice.encode(frame))
        container.mux(voice.encode(None))
    video = read_video(buffer.getvalue())
    assert video.info.metadata == {}
    assert video.notes == ["its sound (pcm_s8) can't be copied and is left out; convert the sound to AAC first"]


def test_too_many_pixels_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.mkv"
    path.write_bytes(video_file(moving()))
    with pytest.raises(LimitError, match=r"large\.mkv: 64 x 48 is 3,072 pixels"):
        read_video(path, max_pixels=3071)


def test_what_is_no_video_is_told(tmp_path: Path) -> None:
    (tmp_path / "other.mkv").write_bytes(video_file(moving(count=1)))
    playlist = f"ffconcat version 1.0\nfile '{tmp_path / 'other.mkv'}'\n".encode()
    hls = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{tmp_path / 'other.mkv'}\n#EXT-X-ENDLIST\n".encode()
    sound = read_video(video_file(moving(count=1), "mp4", "libx264", sound=True)).info.metadata["audio"]
    png = io.BytesIO()
    Image.new("RGB", (8, 8)).save(png, "png")
    for data, words in (
        (b"", "is empty"),
        (b"plain text", "no video"),
        (MAGIC + b"1", "is an .ncf file already"),
        (png.getvalue(), "no video"),
        (playlist, "no video"),
        (hls, "no video"),
        (sound, "has no video in it"),
        (b"YUV4MPEG2 W64 H48 F25:1\n", "no frames"),
    ):
        path = tmp_path / "input"
        path.write_bytes(data)
        with pytest.raises(MediaError, match=words) as caught:
            read_video(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)
    with pytest.raises(FileNotFoundError):
        read_video(tmp_path / "none.mp4")


def test_a_folder_of_pngs_is_a_video(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 256, (9, 12, 3), np.uint8) for _ in range(3)]
    for name, rgb in zip(("b.png", "c.PNG", "a.png"), frames, strict=True):
        Image.fromarray(rgb).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    video = read_video(tmp_path)
    assert (video.info.width, video.info.height, video.info.rate, video.expected) == (12, 9, 25, 3)
    assert video.info.color == Color(1, 13, 1, False)
    assert all_same(video, [yuv.from_rgb(frames[i], video.info.color) for i in (2, 0, 1)])
    Image.new("RGB", (5, 5)).save(tmp_path / "d.png")
    with pytest.raises(MediaError, match=r"d\.png: is 5 x 5"):
        list(read_video(tmp_path).pictures())


def test_a_folder_without_pngs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no PNGs"):
        read_video(tmp_path)


def test_videos_are_told_from_images() -> None:
    for format, encoder in (
        ("matroska", "ffv1"),
        ("mp4", "libx264"),
        ("mov", "libx264"),
        ("avi", "mpeg4"),
        ("flv", "flv1"),
        ("mpegts", "libx264"),
        ("webm", "libvpx"),
        ("ogg", "libtheora"),
        ("asf", "mpeg4"),
        ("h264", "libx264"),
        ("hevc", "libx265"),
    ):
        if format == "ogg" and "libtheora" not in av.codecs_available:
            continue
        assert is_video(video_file(moving(count=2), format, encoder)[:512]), format
    assert is_video(b"YUV4MPEG2 W4 H2\n")
    for format in ("png", "jpeg", "gif", "webp", "tiff", "bmp", "ppm", "avif"):
        buffer = io.BytesIO()
        Image.new("RGB", (64, 64)).save(buffer, format, **({"save_all": True} if format == "gif" else {}))
        assert not is_video(buffer.getvalue()[:512]), format
    for brand in (b"heic", b"mif1", b"avis", b"crx "):
        assert not is_video(b"\0\0\0\x18ftyp" + brand + bytes(4) + brand + b"mif1")
    assert not is_video(b"")
    assert not is_video(b"NCF1")
