"""For how long the last picture is shown comes through: read, in an .ncf, written again, exported."""

import io
from fractions import Fraction

import av
import pytest
from helpers.coded_videos import decoded
from helpers.video_clips import moving, video_file

from codec import container, video
from codec.codecs.nirvana.kept import write as write_kept
from codec.codecs.options import Target, VideoOptions
from codec.container import unpack_last
from codec.media.video import read_video, write_video
from codec.standard.export import export
from codec.standard.keep import keep

TIMES = [Fraction(0), Fraction(12, 25), Fraction(13, 25), Fraction(1)]
SLIDES = {
    "mp4": video_file(moving(count=4), "mp4", "mpeg4", times=TIMES, held=Fraction(3)),
    "mkv": video_file(moving(count=4), times=TIMES, held=Fraction(3)),
}


def ncf(source: bytes, base: str) -> bytes:
    """The file of a video, without networks."""
    buffer, chosen = io.BytesIO(), VideoOptions(Target(quality=50.0), 1, seconds=0, base=base)
    video.encode(read_video(source), buffer, options=chosen, device="cpu")
    return buffer.getvalue()


def seconds(data: bytes) -> float:
    """The length of a file, as FFmpeg sees it."""
    with av.open(io.BytesIO(data)) as found:
        return found.duration / 10**6


def written(data: bytes, format: str) -> bytes:
    """What a file decodes to."""
    file, buffer = video.open_file(io.BytesIO(data), device="cpu"), io.BytesIO()
    write_video(file.info, file.pictures(), buffer, format)
    return buffer.getvalue()


def exported(data: bytes, format: str) -> bytes:
    """The stream in a file."""
    file, buffer = video.open_file(io.BytesIO(data), device="cpu"), io.BytesIO()
    export(file.header, file.packets, buffer, format)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", SLIDES)
def test_a_last_picture_is_read_with_its_duration(kind: str) -> None:
    opened = read_video(SLIDES[kind])
    assert unpack_last(opened.info.metadata["last"]) == 3 and opened.notes == []
    assert [p.held for p in opened.pictures()] == [None, None, None, 3]


@pytest.mark.parametrize("base", ["x264", "svt-av1"])  # the first one gives packets in another order than pictures
@pytest.mark.parametrize("kind", SLIDES)
def test_four_seconds_stay_four_seconds(kind: str, base: str) -> None:
    data = ncf(SLIDES[kind], base)
    assert [p.held for p in decoded(data)] == [None, None, None, 3] and decoded(data, 0, 2)[-1].held is None
    for format in ("mp4", "mkv"):
        for made in (written(data, format), exported(data, format)):
            assert seconds(made) == 4.0
            again = read_video(made)
            assert unpack_last(again.info.metadata["last"]) == 3 and again.notes == []
            assert [p.time for p in again.pictures()] == TIMES


def test_a_stream_that_is_kept_keeps_its_end() -> None:
    source, buffer = exported(ncf(SLIDES["mkv"], "x264"), "mp4"), io.BytesIO()
    write_kept(keep(source), buffer)
    assert [seconds(exported(buffer.getvalue(), format)) for format in ("mp4", "mkv")] == [4.0, 4.0]


def test_an_export_counts_as_fine_as_its_end_needs() -> None:
    data = ncf(video_file(moving(count=3), held=Fraction(503, 1000)), "x264")
    assert [round(seconds(exported(data, format)), 4) for format in ("mp4", "mkv")] == [0.583, 0.583]


@pytest.mark.parametrize(
    ("format", "encoder"), [("mp4", "libx264"), ("mp4", "mpeg4"), ("matroska", "ffv1"), ("webm", "libvpx"),
                            ("mpegts", "libx264"), ("avi", "mpeg4"), ("flv", "flv1")],
)  # fmt: skip
@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30000, 1001)])
def test_an_ordinary_end_takes_no_bytes(format: str, encoder: str, rate: Fraction) -> None:
    opened = read_video(video_file(moving(count=6), format, encoder, rate=rate))
    assert opened.info.metadata == {} and {p.held for p in opened.pictures()} == {None}


def test_an_end_that_is_cut_off_has_no_duration() -> None:
    source = SLIDES["mkv"]
    opened = read_video(source[: source.rindex(b"\xa3") - 200])
    assert len(list(opened.pictures())) < 4 and "last" not in opened.info.metadata


def test_of_a_file_that_breaks_off_the_last_picture_is_another() -> None:
    header, units = container.read(ncf(video_file(moving(32, 48, 6)), "x264"))
    buffer = io.BytesIO()
    kept = {"last": container.pack_last(Fraction(3))}
    container.write(buffer, container.Header(**{**vars(header), "metadata": kept}), units)
    whole = buffer.getvalue()
    assert decoded(whole)[-1].held == 3
    index = container.read_index(io.BytesIO(whole))
    broken = whole[: index.offsets[-1] + index.lengths[-1] - 3]
    assert {p.held for p in decoded(broken, partial=True)} == {None}
