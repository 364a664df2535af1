"""The container's contract: what is written is read back, byte for byte as FORMAT.md says."""

import io
import os
import re
import threading
import zlib
from dataclasses import replace
from fractions import Fraction
from importlib.resources import files

import pytest
from helpers.archives import specified
from helpers.containers import (
    IMAGE,
    IMAGE_UNITS,
    METADATA,
    PACKETS,
    SAMPLES,
    STREAM,
    STREAM_UNITS,
    VIDEO,
    VIDEO_UNITS,
    Pipe,
    appended,
    framed,
    reading,
    split_after_head,
    written,
)

from codec.codecs import all_codecs, of
from codec.container import (
    LIMITS,
    Color,
    Limits,
    Unit,
    pack_chunks,
    pack_last,
    pack_tags,
    read,
    read_header,
    read_index,
    unpack_chunks,
    unpack_last,
    unpack_tags,
    write,
)
from codec.container.fields import varint
from codec.errors import CodecError, FormatError, LimitError
from codec.standard.packets import unpack


def test_the_image_of_the_specification_is_what_we_write_and_read():
    assert written(IMAGE, IMAGE_UNITS) == specified("image")
    assert reading(specified("image")) == (IMAGE, IMAGE_UNITS)


def test_the_chunks_of_the_specification_are_what_we_write_and_read():
    chunks = [(b"gAMA", (100_000).to_bytes(4, "big")), (b"tEXt", b"Title\0birds")]
    header = replace(IMAGE, metadata={"chunks": pack_chunks(chunks)})
    assert written(header, IMAGE_UNITS) == specified("chunks")
    assert reading(specified("chunks")) == (header, IMAGE_UNITS)
    assert list(unpack_chunks(header.metadata["chunks"])) == chunks


@pytest.mark.parametrize(
    ("value", "error"), [(b"\5tEXtab\0", FormatError), (b"\x80\0tEXt", FormatError), (b"\0tIME" * 4097, LimitError)]
)
def test_chunks_that_do_not_add_up_are_neither_written_nor_read(value, error):
    header = replace(IMAGE, metadata={"chunks": value})
    with pytest.raises(error, match="chunks"):
        written(header, IMAGE_UNITS)
    data = written(IMAGE, IMAGE_UNITS)
    at = len(data) - len(IMAGE_UNITS[0].payload) - 11
    assert data[at : at + 1] == b"P"
    with pytest.raises(error, match="chunks"):
        reading(data[:at] + framed(b"p", b"\0" + value) + data[at:])


def test_tags_have_a_limit():
    many = {f"t{n}": "x" for n in range(LIMITS.tags + 1)}
    with pytest.raises(LimitError, match="tags are too many"):
        pack_tags(many)
    value = b"".join(varint(len(name)) + name.encode() + b"\1x" for name in sorted(many))
    with pytest.raises(FormatError, match="does not hold tags"):
        unpack_tags(value)


def test_the_tags_of_the_specification_are_what_we_write_and_read():
    kept = {"last": pack_last(Fraction(3)), "tags": pack_tags({"title": "Sea"})}
    header = replace(VIDEO, metadata=kept)
    assert written(header, VIDEO_UNITS) == specified("tags")
    assert reading(specified("tags")) == (header, VIDEO_UNITS)
    assert (unpack_last(kept["last"]), unpack_tags(kept["tags"])) == (3, {"title": "Sea"})


@pytest.mark.parametrize(
    ("name", "values"),
    [
        # Not the shortest, half, over or below nothing, not in lowest terms, more behind it, too large; the rate's.
        ("last", (b"\x83\0\1", b"\3", b"\0\1", b"\1\0", b"\2\4", b"\3\1\1", varint(2**31) + b"\1")),
        ("last", (pack_last(1 / VIDEO.rate),)),
        # No text, no name, of other letters, out of order, twice, not UTF-8, cut, with a zero byte.
        ("tags", (b"\1a\0", b"\0\1a", b"\1A\1a", b"\1b\1x\1a\1x", b"\1a\1x\1a\1y")),
        ("tags", (b"\1a\1\xff", b"\1a\2x", b"\1a\1\0")),
    ],
)  # fmt: skip
def test_what_no_video_says_is_neither_written_nor_read(name, values):
    for value in values:
        with pytest.raises(FormatError):
            written(replace(VIDEO, metadata={name: value}), VIDEO_UNITS)
        section = framed(b"l", value) if name == "last" else framed(b"t", b"\0" + value)
        head, rest = split_after_head(written(replace(VIDEO, metadata={}), VIDEO_UNITS))
        with pytest.raises(FormatError):
            reading(head + section + rest)


def test_the_end_of_a_video_is_said_of_whole_videos_only():
    kept = {"last": pack_last(Fraction(3)), "tags": pack_tags({"title": "Sea"})}
    for name, value in kept.items():
        with pytest.raises(FormatError):
            written(replace(IMAGE, metadata={name: value}), IMAGE_UNITS)
    data = written(replace(VIDEO, metadata=kept), VIDEO_UNITS)
    with pytest.raises(FormatError, match="can't be appended to"):
        appended(data, [Unit(2, 3, 0, b"", 1)])
    longer = SAMPLES["archive"][len(written(VIDEO, VIDEO_UNITS)) :]
    with pytest.raises(FormatError, match="goes on after its end"):
        reading(data + longer)
    with pytest.raises(FormatError, match="do not agree"):
        read_index(io.BytesIO(data + longer))


def test_the_video_of_the_specification_is_what_we_write_append_and_read():
    first = written(VIDEO, VIDEO_UNITS)
    assert specified("video")[: len(first)] == first
    assert appended(first, [Unit(2, 3, 0, b"", 1)]) == specified("video")
    assert reading(specified("video")) == (VIDEO, [*VIDEO_UNITS, Unit(2, 3, 0, b"", 1)])


def test_the_stream_of_the_specification_is_what_we_write_and_read():
    assert written(STREAM, STREAM_UNITS) == specified("stream")
    assert reading(specified("stream")) == (STREAM, STREAM_UNITS)
    assert unpack(reading(specified("stream"))[1][0].packets) == PACKETS


def test_the_specification_states_the_default_limits_and_codec_numbers():
    text = files("codec").joinpath("FORMAT.md").read_text(encoding="utf-8")
    limits = Limits()
    assert f"| width, height | {limits.side} |" in text
    assert f"| frames | {limits.frames} |" in text
    (listed,) = re.findall(r"^\| codec \|.*?\| always \| ([^;]*);", text, re.MULTILINE)
    numbers = {name: int(number) for number, name in (entry.split() for entry in listed.split(", "))}
    assert [*numbers.values()] == sorted(set(numbers.values()))  # each once
    assert numbers.items() >= {name: found.id for name, found in all_codecs().items()}.items()
    assert (limits.pixels, limits.head, limits.metadata) == (2**28, 64 << 10, 64 << 20)
    assert (limits.audio, limits.units, limits.payload) == (2**30, 2**20, 2**30)


@pytest.mark.parametrize("size", [1, 100, 5_000, 16_000, 2_000_000])
def test_an_image_without_metadata_costs_at_most_45_bytes(size):
    header = replace(IMAGE, width=6000, height=4000, private=b"opts")
    assert len(written(header, [Unit(0, 2**32 - 1, 3, bytes(size))])) - size <= 45


@pytest.mark.parametrize("name", SAMPLES)
def test_rewriting_a_file_gives_the_same_bytes(name):
    header, units = reading(SAMPLES[name])
    sessions = [units[:2], units[2:]] if name == "archive" else [units]
    data = written(header, sessions[0])
    for more in sessions[1:]:
        data = appended(data, more)
    assert data == SAMPLES[name]


@pytest.mark.parametrize("name", SAMPLES)
def test_the_header_is_read_without_the_units(name):
    data = SAMPLES[name]
    body = read_index(io.BytesIO(data)).offsets[0]
    assert read_header(data[: body + 1]) == reading(data)[0]


def test_metadata_survives_and_is_deflated_where_that_is_shorter():
    header, _ = reading(SAMPLES["metadata"])
    assert header.metadata == METADATA
    packed = written(replace(IMAGE, metadata={"icc": bytes(100_000)}), IMAGE_UNITS)
    assert len(packed) < 1000
    noise = os.urandom(1000)
    raw = written(replace(IMAGE, metadata={"icc": noise}), IMAGE_UNITS)
    assert noise in raw


def test_metadata_deflated_by_another_zlib_is_rewritten_unchanged():
    value = bytes(range(64)) * 40
    encoder = zlib.compressobj(1, zlib.DEFLATED, -15, 1, zlib.Z_HUFFMAN_ONLY)
    foreign = framed(b"i", b"\x01" + encoder.compress(value) + encoder.flush())
    head, rest = split_after_head(SAMPLES["image"])
    data = head + foreign + rest
    header, units = reading(data)
    assert header.metadata == {"icc": value}
    assert written(header, units) == data
    assert written(replace(header, metadata={"icc": bytes(value)}), units) != data


def test_an_unknown_ancillary_section_is_skipped():
    head, rest = split_after_head(SAMPLES["image"])
    data = head + framed(b"q", b"from the future") + rest
    assert reading(data) == (IMAGE, IMAGE_UNITS)
    assert read_index(io.BytesIO(data)).offsets == (len(head) + 21,)


def test_an_unknown_ancillary_section_does_not_get_in_the_way_of_append():
    head, rest = split_after_head(written(replace(VIDEO, metadata={}), VIDEO_UNITS))
    grown = appended(head + framed(b"q", b"?") + rest, [Unit(2, 0, 0, b"", 1)])
    assert len(reading(grown)[1]) == 3


@pytest.mark.parametrize("step", [1, 3, 1000])
@pytest.mark.parametrize("name", SAMPLES)
def test_reading_needs_no_seek_and_takes_short_reads(name, step):
    header, units = read(Pipe(SAMPLES[name], step))
    assert (header, list(units)) == reading(SAMPLES[name])


def test_writing_and_reading_work_through_a_real_pipe():
    units = [Unit(i, i, 0, bytes([i]) * 100_000, 1) for i in range(5)]
    source, sink = (os.fdopen(fd, mode) for fd, mode in zip(os.pipe(), ("rb", "wb"), strict=True))

    def feed() -> None:
        with sink:
            write(sink, VIDEO, iter(units))

    writer = threading.Thread(target=feed)
    writer.start()
    with source:
        header, received = read(source)
        assert (header, list(received)) == (VIDEO, units)
    writer.join()


def test_units_are_written_and_read_one_at_a_time():
    seen = []

    def produce():
        for i in range(4):
            seen.append(i)
            yield Unit(i, 0, 0, b"", 1)

    class Watch(io.BytesIO):
        def write(self, data):
            log.append(max(seen))
            return super().write(data)

    log: list[int] = []
    sink = Watch()
    write(sink, VIDEO, produce())
    assert log == [0, 0, 1, 2, 3, 3]
    source = io.BytesIO(sink.getvalue() + b"garbage")
    _, units = read(source)
    assert next(units).index == 0
    assert source.tell() < len(sink.getvalue()) / 2


def test_packets_need_a_stream_and_a_stream_a_video():
    with pytest.raises(FormatError, match="packets of a stream that the file doesn't have"):
        written(VIDEO, STREAM_UNITS)
    with pytest.raises(FormatError, match="in a file that is no video"):
        written(replace(STREAM, rate=None), STREAM_UNITS)
    with pytest.raises(FormatError, match="is not a positive ratio"):
        written(replace(STREAM, stream=STREAM.stream._replace(tick=Fraction(0))), STREAM_UNITS)
    with pytest.raises(LimitError, match="too large"):
        written(replace(STREAM, stream=STREAM.stream._replace(width=2**20)), STREAM_UNITS)


INVALID = {
    "codec": {"codec": 0},
    "revision": {"revision": -1},
    "width": {"width": 0},
    "height": {"height": -3},
    "channels": {"channels": 5},
    "depth": {"depth": 17},
    "frames": {"frames": -1},
    "rate": {"rate": Fraction(-1)},
    "colour": {"color": Color(primaries=256)},
    "fingerprint": {"fingerprint": b"short"},
    "icc": {"metadata": {"icc": b""}},
    "gps": {"metadata": {"gps": b"?"}},
}


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_header_is_refused_by_name_and_nothing_is_written(name):
    fp = io.BytesIO()
    with pytest.raises(FormatError, match=name):
        write(fp, replace(IMAGE, **INVALID[name]), IMAGE_UNITS)
    assert not fp.getvalue()


@pytest.mark.parametrize(
    ("header", "units"),
    [
        (IMAGE, []),
        (IMAGE, [Unit(1, 0, 0, b"")]),
        (IMAGE, [Unit(0, 0, 0, b""), Unit(0, 0, 0, b"")]),
        (IMAGE, [Unit(0, 0, 0, b""), Unit(2, 0, 0, b"")]),
        (IMAGE, [Unit(0, 2**32, 0, b"")]),
        (IMAGE, [Unit(0, 0, 4, b"")]),
        (IMAGE, [Unit(0, 0, 0, b"", 1)]),
        (VIDEO, [Unit(0, 0, 0, b"", -1)]),
        (VIDEO, []),
        (replace(VIDEO, frames=10), VIDEO_UNITS),
        (replace(VIDEO, frames=8), VIDEO_UNITS),
    ],
)
def test_units_that_no_file_can_have_are_refused(header, units):
    with pytest.raises(FormatError):
        written(header, units)


@pytest.mark.parametrize(
    ("header", "limits"),
    [
        (IMAGE, Limits(side=767)),
        (IMAGE, Limits(pixels=768 * 512 - 1)),
        (IMAGE, Limits(head=16)),
        (IMAGE, Limits(payload=3)),
        (replace(IMAGE, metadata=METADATA), Limits(audio=2)),
        (replace(IMAGE, metadata=METADATA), Limits(metadata=73)),
        (replace(VIDEO, frames=9), Limits(frames=8)),
        (VIDEO, Limits(frames=8)),
        (VIDEO, Limits(units=1)),
    ],
)
def test_each_limit_holds_on_write_and_on_read(header, limits):
    units = IMAGE_UNITS if header.frames == 1 else VIDEO_UNITS
    with pytest.raises(LimitError):
        write(io.BytesIO(), header, units, limits)
    with pytest.raises(LimitError):
        list(read(written(header, units), limits)[1])


def test_a_codec_is_named_and_an_unknown_one_is_an_error():
    assert of(IMAGE).name == "s2lic"
    future = read_header(written(replace(IMAGE, codec=2**32 - 1), IMAGE_UNITS))
    with pytest.raises(CodecError, match="codec number 4294967295"):
        of(future)
