"""Writing videos: what other programs find in the files."""

import errno
import io
import re
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest
from PIL import Image

from codec import media
from codec.container import Color
from codec.errors import CodecError, MediaError
from codec.media import yuv
from codec.media.video.layout import Layout
from codec.media.video.picture import Picture
from codec.media.video.read import read_video
from codec.media.video.sound import Recorder
from codec.media.video.write import VIDEO_FORMATS, write_folder, write_video

BT709 = Color(1, 1, 1, False)
EVEN, ODD = (64, 48), (63, 47)
ODD_ENDS = pytest.mark.parametrize("size", [EVEN, ODD, (64, 47), (63, 48), (1, 1), (2, 1)])


class Pipe(io.RawIOBase):
    """Takes bytes and can't be sought in."""

    def __init__(self):
        self.data = b""

    def writable(self):
        return True

    def write(self, data):
        self.data += bytes(data)
        return len(data)

    def seek(self, *args):
        raise OSError(errno.ESPIPE, "a pipe")

    tell = seek


def clip(size=EVEN, times=12, rate=Fraction(25), color=BT709, audio=None):
    """An info and smooth pictures that move. `times`: those of the pictures, or how many there are."""
    width, height = size
    times = [index / rate for index in range(times)] if isinstance(times, int) else times
    info = media.Info(width, height, frames=0, rate=rate, color=color, metadata={"audio": audio} if audio else {})
    half = -(-height // 2), -(-width // 2)

    def wave(shape, index, steps):
        rows, columns = np.mgrid[: shape[0], : shape[1]] / np.array(shape)[:, None, None]
        value = np.sin(2 * np.pi * (rows + columns * steps / 2) + index / 3)
        return np.rint(126 + 90 * value).astype(np.uint8)

    planes = [(wave((height, width), i, 3), wave(half, i, 1), wave(half, -i, 2)) for i in range(len(times))]
    return info, [Picture(three, time) for three, time in zip(planes, times, strict=True)]


def written(info, pictures, format):
    fp = io.BytesIO()
    assert write_video(info, iter(pictures), fp, format) == len(pictures)
    return fp.getvalue()


def shown(data):
    """The stream's mean rate, and the frames that a player gets, with their planes as arrays."""
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        return stream.average_rate, frames, [planes_of(frame) for frame in frames]


def planes_of(frame):
    rows = [np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size) for plane in frame.planes]
    return [r[: plane.height, : plane.width].copy() for r, plane in zip(rows, frame.planes, strict=True)]


def times_of(frames):
    return [(frame.pts - frames[0].pts) * frame.time_base for frame in frames]


def psnr(one, other):
    return 10 * np.log10(255**2 / max(np.mean((one.astype(float) - other) ** 2), 1e-9))


def sound(encoder="aac", seconds=1.0, offset=Fraction(0)):
    """A Matroska file with a tone in it, its first sample at `offset` seconds."""
    fp, rate = io.BytesIO(), 48000
    with av.open(fp, "w", format="matroska") as container:
        stream = container.add_stream(encoder, rate=rate, layout="mono")
        tone = 0.3 * np.sin(2 * np.pi * 440 / rate * np.arange(int(seconds * rate), dtype=np.float32))
        for start in range(0, len(tone), 4800):
            frame = av.AudioFrame.from_ndarray(tone[None, start : start + 4800], format="fltp", layout="mono")
            frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), start + round(offset * rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return fp.getvalue()


def packets(data):
    """Those of the sound, with their times in seconds after the first frame of video, if there is video."""
    with av.open(io.BytesIO(data)) as container:
        found = [(p.stream.type, bytes(p), p.pts * p.time_base) for p in container.demux() if p.size]
    start = min((time for kind, _, time in found if kind == "video"), default=Fraction(0))
    return [(data, time - start) for kind, data, time in found if kind == "audio"]


@ODD_ENDS
@pytest.mark.parametrize("full_range", [False, True])
def test_mkv_holds_exactly_the_planes(size, full_range):
    info, pictures = clip(size, color=Color(1, 1, 1, full_range))
    _, frames, planes = shown(written(info, pictures, "mkv"))
    assert [(frame.width, frame.height, frame.format.name) for frame in frames] == [(*size, "yuv420p")] * 12
    for got, picture in zip(planes, pictures, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(got, picture.planes, strict=True))


@ODD_ENDS
def test_mp4_has_the_exact_size_and_looks_the_same(size):
    info, pictures = clip(size)
    rate, frames, planes = shown(written(info, pictures, "mp4"))
    assert rate == 25
    assert [(frame.width, frame.height) for frame in frames] == [size] * 12
    for frame, got, picture in zip(frames, planes, pictures, strict=True):
        assert psnr(got[0], picture.planes[0]) > 40
        rgb = yuv.to_rgb(picture.planes, BT709)
        doubled = [np.rint(yuv.doubled(c))[: size[1], : size[0]] for c in picture.planes[1:]]
        for chroma, (fine, plain) in zip(got[1:], zip(doubled, picture.planes[1:], strict=True), strict=True):
            assert psnr(chroma, fine if frame.format.name == "yuv444p" else plain) > 38
        assert rgb.shape == (frame.height, frame.width, 3)


@pytest.mark.parametrize(
    "rate", [Fraction(25), Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60), Fraction(15, 2), Fraction(1, 3)]
)
def test_a_steady_rate_is_exact_in_mp4_and_rounded_to_milliseconds_in_mkv(rate):
    info, pictures = clip((16, 16), rate=rate)
    found, frames, _ = shown(written(info, pictures, "mp4"))
    assert found == rate
    assert times_of(frames) == [picture.time for picture in pictures]
    _, frames, _ = shown(written(info, pictures, "mkv"))
    assert times_of(frames) == [Fraction(round(1000 * picture.time), 1000) for picture in pictures]


@pytest.mark.parametrize("base", [90_000, 600, 1000, 12_800, 15_360, 30_000])
def test_times_of_a_variable_rate_are_kept(base):
    gaps = np.random.default_rng(base).integers(base // 100, base // 10, 15)
    times = [Fraction(int(ticks), base) for ticks in (0, *np.cumsum(gaps))]
    info, pictures = clip((16, 16), times=times)
    _, frames, _ = shown(written(info, pictures, "mp4"))
    assert max(abs(a - b) for a, b in zip(times_of(frames), times, strict=True)) <= Fraction(1, 180_000)
    assert times_of(frames)[1] == times[1]
    _, frames, _ = shown(written(info, pictures, "mkv"))
    assert times_of(frames) == [Fraction(round(1000 * time), 1000) for time in times]


@pytest.mark.parametrize("odd", [97, 12_288, 99_999_989])
def test_times_in_ticks_that_no_file_counts_are_near_and_go_up(odd):
    times = [Fraction(0), Fraction(1, odd), Fraction(1, odd) + Fraction(1, 25), Fraction(601, 7), Fraction(200)]
    info, pictures = clip((16, 16), times=times)
    _, frames, _ = shown(written(info, pictures, "mp4"))
    got = times_of(frames)
    assert all(a < b for a, b in pairwise(got))
    assert max(abs(a - b) for a, b in zip(got, times, strict=True)) < Fraction(1, 90_000)


@pytest.mark.parametrize("color", [BT709, Color(5, 6, 6, False), Color(9, 16, 9, False), Color(1, 13, 1, True)])
@pytest.mark.parametrize("format", ["mp4", "mkv"])
@pytest.mark.parametrize("size", [(16, 16), (15, 15)])
def test_colours_are_marked(format, color, size):
    data = written(*clip(size, 2, color=color), format)
    _, frames, _ = shown(data)
    with av.open(io.BytesIO(data)) as container:  # without decoding: the container itself, too
        stream = container.streams.video[0].codec_context
    for found in (*frames, stream):
        tags = found.color_primaries, found.color_trc, found.colorspace, found.color_range
        assert tags == (*color[:3], 2 if color.full_range else 1)


@pytest.mark.parametrize("size", [EVEN, ODD, (1, 1)])
@pytest.mark.parametrize("full_range", [False, True])
def test_y4m_goes_through_a_pipe_and_is_read_exactly(size, full_range):
    info, pictures = clip(size, rate=Fraction(30000, 1001), color=Color(1, 1, 1, full_range))
    pipe = Pipe()
    assert write_video(info, iter(pictures), pipe, "y4m") == 12
    word = "FULL" if full_range else "LIMITED"
    head = f"YUV4MPEG2 W{size[0]} H{size[1]} F30000:1001 Ip A1:1 C420mpeg2 XCOLORRANGE={word}\nFRAME\n"
    assert pipe.data.startswith(head.encode())
    rate, frames, planes = shown(pipe.data)
    assert rate == Fraction(30000, 1001)
    assert times_of(frames) == [picture.time for picture in pictures]
    assert frames[0].color_range == (2 if full_range else 1)
    for got, picture in zip(planes, pictures, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(got, picture.planes, strict=True))


def test_a_folder_gets_numbered_pngs_in_rgb(tmp_path):
    info, pictures = clip(ODD, 3, audio=sound())
    assert write_folder(info, iter(pictures), tmp_path) == 3
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"frame-00000{i}.png" for i in (1, 2, 3)]
    for index, picture in enumerate(pictures, 1):
        with Image.open(tmp_path / f"frame-00000{index}.png") as image:
            assert np.array_equal(np.asarray(image), yuv.to_rgb(picture.planes, BT709))


def test_hdr_pngs_say_so_and_others_are_plain(tmp_path):
    for color, marked in ((Color(9, 16, 9, False), b"cICP\x09\x10\x00\x01"), (BT709, None)):
        write_folder(*clip(EVEN, 1, color=color), tmp_path)
        data = (tmp_path / "frame-000001.png").read_bytes()
        assert marked in data if marked else b"cICP" not in data


@pytest.mark.parametrize("encoder", ["aac", "libopus", "flac", "libmp3lame", "alac", "ac3", "eac3"])
@pytest.mark.parametrize("format", ["mp4", "mkv"])
def test_sound_is_copied_packet_by_packet(format, encoder):
    source = sound(encoder)
    data = written(*clip((16, 16), 30, audio=source), format)
    before, after = packets(source), packets(data)
    assert [p for p, _ in after] == [p for p, _ in before]
    assert len(before) >= 10
    # Matroska times are rounded to milliseconds on the way.
    assert max(abs(a - b) for (_, a), (_, b) in zip(after, before, strict=True)) <= Fraction(2, 1000)
    assert len(shown(data)[1]) == 30
    with av.open(io.BytesIO(data)) as container:
        samples = sum(frame.samples for frame in container.decode(audio=0))
        assert samples >= 0.98 * container.streams.audio[0].rate


def test_sound_in_mp4_has_packets_one_after_the_other():
    """Not with the jumps that times in milliseconds would leave."""
    after = packets(written(*clip((16, 16), 30, audio=sound("aac", 1.2)), "mp4"))
    steps = {b - a for (_, a), (_, b) in pairwise(after[1:])}
    assert steps == {Fraction(1024, 48000)}


@pytest.mark.parametrize("format", ["mp4", "mkv"])
def test_sound_that_begins_late_stays_late(format):
    source = sound("aac", 0.5, offset=Fraction(3, 10))
    first = packets(written(*clip((16, 16), 30, audio=source), format))[0][1]
    assert abs(first - packets(source)[0][1]) <= Fraction(1, 1000)
    assert first > Fraction(1, 4)


@pytest.mark.parametrize("format", ["mp4", "mkv"])
def test_sound_that_begins_before_the_pictures_does_so_in_the_file(format):
    source = sound("aac", 1)
    with av.open(io.BytesIO(source)) as container:
        stream = container.streams.audio[0]
        recorder = Recorder(stream, start=Fraction(1, 2))
        for packet in container.demux(stream):
            if packet.size:
                recorder.add(packet)
        audio, notes = recorder.finish()
    assert not notes
    before, after = packets(source), packets(written(*clip((16, 16), 30, audio=audio), format))
    assert [p for p, _ in after] == [p for p, _ in before]
    assert max(abs(a - (b - Fraction(1, 2))) for (_, a), (_, b) in zip(after, before, strict=True)) <= Fraction(2, 1000)


@pytest.mark.parametrize("format", ["mp4", "mkv"])
def test_sound_and_pictures_take_turns(format):
    """So that a player need not seek: no stream runs ahead of the other by much."""
    with av.open(io.BytesIO(written(*clip((16, 16), 100, audio=sound("aac", 4)), format))) as container:
        order = sorted((p.pos, p.stream.type, p.dts * p.time_base) for p in container.demux() if p.size)
    latest = {"video": Fraction(0), "audio": Fraction(0)}
    for _, kind, time in order:
        latest[kind] = time
        assert abs(latest["video"] - latest["audio"]) < Fraction(6, 5)


def test_mp4_refuses_sound_that_players_dont_take_there():
    info, pictures = clip((16, 16), 3, audio=sound("pcm_s16le", 0.2))
    with pytest.raises(
        CodecError, match=r"^mp4 can't hold pcm_s16le sound; write \.mkv, or leave it out with --no-audio$"
    ):
        write_video(info, pictures, io.BytesIO(), "mp4")
    assert len(packets(written(info, pictures, "mkv"))) > 1


@pytest.mark.parametrize("audio", [b"no Matroska file", b"\x1aE\xdf\xa3", sound()[:200]])
def test_damaged_sound_is_one_line(audio):
    info, pictures = clip((16, 16), 3, audio=audio)
    with pytest.raises(CodecError, match=r"^the sound in it is damaged; [^\n]*leave it out with --no-audio$"):
        write_video(info, pictures, io.BytesIO(), "mp4")


@pytest.mark.parametrize("size", [EVEN, ODD])
@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30000, 1001)])
def test_an_mkv_read_again_is_the_same_video(size, rate):
    info, pictures = clip(size, 20, rate=rate, audio=sound())
    data = written(info, pictures, "mkv")
    video = read_video(data)
    assert replace(video.info, metadata={}) == replace(info, metadata={})
    again = list(video.pictures())
    assert packets(written(video.info, again, "mkv")) == packets(data)
    for got, picture in zip(again, pictures, strict=True):
        assert got.time == picture.time
        assert all(np.array_equal(a, b) for a, b in zip(got.planes, picture.planes, strict=True))


@pytest.mark.parametrize("format", VIDEO_FORMATS.values())
def test_no_frames_and_frames_of_another_size_are_refused(format):
    info, pictures = clip(EVEN, 2)
    with pytest.raises(MediaError, match="no frames"):
        write_video(info, [], io.BytesIO(), format)
    other = clip((62, 48), 1)[1][0]
    with pytest.raises(MediaError, match=r"^frame 2 is 62 x 48 in a video of 64 x 48"):
        write_video(info, [*pictures, other], io.BytesIO(), format)


@pytest.mark.parametrize("format", VIDEO_FORMATS.values())
def test_planes_that_claim_to_be_rgb_are_refused(format):
    info, pictures = clip(EVEN, 2, color=Color())
    with pytest.raises(MediaError, match="matrix 0"):
        write_video(info, pictures, io.BytesIO(), format)


def test_one_frame_is_a_video():
    for format in VIDEO_FORMATS.values():
        info, pictures = clip(EVEN, 1)
        for rate in (info.rate, None):
            assert len(shown(written(replace(info, rate=rate), pictures, format))[1]) == 1


@pytest.mark.parametrize("format", ["mp4", "mkv"])
def test_a_frame_that_is_shown_too_late_is_named(format):
    info, pictures = clip(times=[Fraction(0), Fraction(2**70)])
    with pytest.raises(MediaError, match="frame 1 is shown so late"):
        write_video(info, pictures, io.BytesIO(), format)


def test_deep_planes_and_finer_colour_come_back():
    info, pictures = clip(EVEN, 3)
    whole = [Picture(tuple((yuv.whole(p, q.planes[0].shape) * 4).astype(np.uint16) for p in q.planes), q.time)
             for q in pictures]  # fmt: skip
    info = replace(info, depth=10, chroma="444")
    for format in ("mkv", "y4m"):
        data = written(info, whole, format)
        layouts = (Layout(), Layout(10, "444"))
        for found, wanted in zip(read_video(data, layouts=layouts).pictures(), whole, strict=True):
            assert all(np.array_equal(a, b) for a, b in zip(found.planes, wanted.planes, strict=True))


def test_what_ffmpeg_refuses_is_one_line():
    info = replace(clip((16, 16), 1)[0], width=40_000)
    wide = Picture(tuple(np.zeros(s, np.uint8) for s in ((16, 40_000), (8, 20_000), (8, 20_000))), Fraction(0))
    with pytest.raises(CodecError, match=r"^mp4 can't hold this video [^\n]*write") as caught:
        write_video(info, [wide], io.BytesIO(), "mp4")
    assert not re.search("[\n]", str(caught.value))


@pytest.mark.parametrize("format", ["mp4", "mkv"])
def test_other_formats_go_through_a_pipe_when_they_are_complete(format):
    pipe = Pipe()
    assert write_video(*clip(), pipe, format) == 12
    assert pipe.data == written(*clip(), format)


@pytest.mark.parametrize("room", [0, 3000])
def test_a_full_disk_is_an_error_of_the_machine(room):
    class Full(io.BytesIO):
        def write(self, data):
            if self.tell() >= room:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(data)

    for format in VIDEO_FORMATS.values():
        with pytest.raises(OSError, match="No space left"):
            write_video(*clip(), Full(), format)


@pytest.mark.parametrize("format", VIDEO_FORMATS.values())
def test_pictures_are_taken_one_at_a_time(format):
    """What was taken and not yet let go of is bounded: a long video doesn't fill the memory."""
    info, pictures = clip((16, 16), 200)
    alive, most = set(), 0

    class Counted(np.ndarray):
        def __del__(self):
            alive.discard(id(self))

    def taken():
        nonlocal most
        for picture in pictures:
            y = picture.planes[0].copy().view(Counted)
            alive.add(id(y))
            most = max(most, len(alive))
            yield Picture((y, *picture.planes[1:]), picture.time)
            del y

    assert write_video(info, taken(), io.BytesIO(), format) == 200
    assert most <= 5
