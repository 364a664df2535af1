"""Every kind of video that is read is known as one by its first bytes, whatever its name; nothing else is."""

import io
import struct
from pathlib import Path

import av
import numpy as np
import pytest
from helpers.video_clips import BT601, moving, video_file
from PIL import Image

from codec.evaluate import media_of
from codec.media.formats import VIDEO_SUFFIXES, is_video
from codec.media.signatures import HEAD
from codec.media.video import read_video
from codec.media.video.layout import frame_of

FRAMES = moving(count=6)


def dv() -> bytes:
    """A grey frame of PAL."""
    y, u, v = (np.full(size, 128, np.uint8) for size in ((576, 720), (288, 360), (288, 360)))
    return video_file([frame_of((y, u, v), BT601)] * 2, "dv", "dvvideo")


def ogg_pages(*bodies: bytes) -> bytes:
    """The first pages of an Ogg file whose streams begin with these bytes."""
    head = struct.Struct("<4sBBQIIIBB").pack
    return b"".join(head(b"OggS", 0, 2, 0, n, 0, 0, 1, len(body)) + body for n, body in enumerate(bodies))


def bare_av1() -> bytes:
    """Packets of AV1 with what says where a time begins, as an .obu file has them."""
    data = video_file(FRAMES, "ivf", "libsvtav1")
    with av.open(io.BytesIO(data)) as container:
        return b"".join(bytes(p) for p in container.demux() if p.size)


def transport(cut: int = 0) -> bytes:
    """A transport stream without its first `cut` bytes."""
    return video_file(moving(count=30), "mpegts", "mpeg2video")[cut:]


KINDS = {
    "dv": dv,
    "obu": bare_av1,
    "vp8 in ogg": lambda: video_file(FRAMES, "ogg", "libvpx"),
    "m4v": lambda: video_file(FRAMES, "m4v", "mpeg4"),
    "ts": transport,
    "ts cut between packets": lambda: transport(2 * 188),
    "ts cut in a packet": lambda: transport(3 * 188 + 57),
    "ts cut before its end": lambda: transport(187),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_video_is_known_by_its_content(kind: str, tmp_path: Path) -> None:
    data = KINDS[kind]()
    assert is_video(data[:HEAD])
    named = tmp_path / "without a suffix"
    named.write_bytes(data)
    assert is_video(named) and media_of(named) == "video"
    assert len(list(read_video(data).pictures())) > 1


def test_ogg_is_a_video_where_one_of_its_streams_is() -> None:
    skeleton, vorbis, theora = b"fishead\0" + bytes(56), b"\x01vorbis" + bytes(23), b"\x80theora" + bytes(35)
    for streams in ((theora,), (skeleton, theora), (skeleton, vorbis, theora), (vorbis, b"OVP80\1\1" + bytes(19))):
        assert is_video(ogg_pages(*streams)), streams
    for streams in ((vorbis,), (skeleton, vorbis), (b"OpusHead" + bytes(11),), (b"\x7fFLAC" + theora,)):
        assert not is_video(ogg_pages(*streams)), streams
    assert not is_video(ogg_pages(vorbis)[:30])


def test_av1_with_lengths_is_a_video() -> None:
    """Annex B: a unit of time, in it a frame's, in it a delimiter of one byte and a sequence header."""
    assert is_video(b"\xc0\x02\xbe\x02\x01\x10\x0b\x08" + bytes(60))


def test_what_looks_a_little_like_a_video_is_none(tmp_path: Path) -> None:
    icon = io.BytesIO()
    Image.new("RGB", (16, 16)).save(icon, "ico")
    random = np.random.default_rng(0).bytes(HEAD)
    for data in (icon.getvalue(), b"G" * HEAD, b"G\0\0\0" * 1024, b"\x1f\x07\0" + bytes(100), b"BBCD\0", random):
        assert not is_video(data), data[:16]
    named = tmp_path / "sound.ogg"
    named.write_bytes(ogg_pages(b"\x01vorbis" + bytes(23)))
    assert media_of(named) == "audio"


def test_folders_are_searched_for_every_kind() -> None:
    assert {".dv", ".obu", ".ogv", ".ogm", ".m4v", ".ts", ".m2ts", ".m2v", ".3g2", ".qt"} <= VIDEO_SUFFIXES
