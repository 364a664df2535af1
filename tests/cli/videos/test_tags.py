"""Title, time, place of a clip and its default sound are kept, or a line says what is left out."""

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition
from helpers.commands import QUICK, call
from helpers.video_clips import moving, packets, video_file

import codec
from codec.container import pack_last, pack_tags, unpack_tags
from codec.media.video import read_video, tags

PHONE = {"title": "Holiday", "creation_time": "2024-05-01T10:00:00.000000Z", "location": "+48.1371+011.5754/"}
FRAMES = moving(16, 16, 2)


def said(data: bytes) -> dict[str, str]:
    """The tags of a file, in lower case."""
    with av.open(io.BytesIO(data)) as found:
        return {name.lower(): text for name, text in found.metadata.items()}


def two_sounds(default: int) -> bytes:
    """A clip with two streams of sound of which one is the default: noise of two levels."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as target, av.open(io.BytesIO(video_file(FRAMES))) as source:
        picture = target.add_stream_from_template(source.streams.video[0])
        voices = [target.add_stream("flac", rate=8000, layout="mono") for _ in range(2)]
        for number, voice in enumerate(voices):
            voice.disposition = Disposition.default if number == default else Disposition(0)
        made = []
        for number, voice in enumerate(voices):
            samples = np.random.default_rng(number).integers(-99, 99, (1, 4096)).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(samples, "s16", "mono")
            frame.sample_rate, frame.pts = 8000, 0
            made += [*voice.encode(frame), *voice.encode(None)]
        for packet in source.demux():
            if packet.size:
                packet.stream = picture
                target.mux(packet)
        target.mux(made)
    return buffer.getvalue()


@pytest.mark.parametrize("format", ["mp4", "mkv"])
def test_a_phones_tags_come_back(here: Path, format: str) -> None:
    Path("clip.mp4").write_bytes(video_file(FRAMES, "mp4", "mpeg4", metadata=PHONE))
    assert call("encode", *QUICK, "clip.mp4").stderr.count("left out") == 0
    call("decode", "clip.ncf", "-o", f"back.{format}")
    call("export", "clip.ncf", "-o", f"out.{format}")
    for name in ("back", "out"):
        assert PHONE.items() <= said(Path(f"{name}.{format}").read_bytes()).items()
    call("encode", "--keep-stream", f"out.{format}", "-o", "kept.ncf")
    assert unpack_tags(codec.info("kept.ncf").metadata["tags"]) == PHONE


def test_strip_drops_tags(here: Path) -> None:
    plain, tagged = (video_file(FRAMES, "mp4", "mpeg4", metadata=m) for m in ({}, PHONE))
    Path("clip.mp4").write_bytes(tagged)
    call("encode", *QUICK, "--strip", "clip.mp4")
    assert Path("clip.ncf").read_bytes() == codec.encode(plain, effort=1) == codec.encode(tagged, effort=1, strip=True)
    assert "tags" in codec.info(codec.encode(tagged, effort=1)).metadata


def test_what_a_file_has_no_place_for_is_said(here: Path) -> None:
    Path("clip.mkv").write_bytes(video_file(FRAMES, metadata={**PHONE, "make": "Acme", "weather": "fine"}))
    assert "these tags are left out: WEATHER" in call("encode", *QUICK, "clip.mkv").stderr
    line = "these tags are left out, which mp4 has no place for: make"
    assert line in call("decode", "clip.ncf").stderr
    assert line in call("export", "-f", "clip.ncf").stderr
    assert "left out" not in call("decode", "clip.ncf", "-o", "back.mkv").stderr
    assert said(Path("back.mkv").read_bytes())["make"] == "Acme"
    assert "creation_time, location, make, title" in call("decode", "clip.ncf", "-o", "back.y4m").stderr


def test_names_of_other_kinds_of_files_are_known() -> None:
    apple = "com.apple.quicktime."
    told = {f"{apple}make": "Acme", f"{apple}location.ISO6709": "+1+2/", "AUTHOR": "me", "artist": "you", "title": ""}
    value, notes = tags.found({**told, "major_brand": "isom", "location-eng": "+1+2/", "comment": "a\0b"})
    assert unpack_tags(value) == {"make": "Acme", "location": "+1+2/", "artist": "me", "comment": "ab"} and not notes
    assert tags.found({"creation_time": "1970-01-01T00:00:00.000000Z", "encoder": "x"}) == (b"", [])
    ((line),) = tags.found({f"k\x1b{n}": "v" for n in range(9)})[1]
    assert line.endswith("k\\x1b5 and 3 more") and "\x1b" not in line


@pytest.mark.parametrize("default", [0, 1])
def test_the_default_sound_is_the_one_that_is_kept(default: int) -> None:
    source = two_sounds(default)
    with av.open(io.BytesIO(source)) as found:
        voices = [bytes(b"".join(bytes(p) for p in found.demux(s))) for s in found.streams.audio[default : default + 1]]
    opened = read_video(source)
    assert opened.notes == ["these streams are left out: 1 more of sound"]
    assert [b"".join(data for _, data in packets(opened.info.metadata["audio"]))] == voices


def test_tags_that_nobody_wrote_do_no_harm(here: Path) -> None:
    strange = {"creation_time": "soon\x1b[2J", "location": "here", "title": "x" * 10**5, "new": "?"}
    header, units = codec.container.read(codec.encode(video_file(FRAMES), effort=1))
    values = {"tags": pack_tags(strange), "last": pack_last(Fraction(2**31 - 1))}
    with open("clip.ncf", "wb") as fp:
        codec.container.write(fp, codec.container.Header(**{**vars(header), "metadata": values}), units)
    call("decode", "clip.ncf", "-o", "back.mkv")
    assert said(Path("back.mkv").read_bytes())["title"] == strange["title"]
    assert "mp4 can't hold" in call("decode", "clip.ncf", code=1).stderr
    assert not Path("clip.mp4").exists()
