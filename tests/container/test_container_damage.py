"""Damaged, truncated, hostile and newer files: always a named error, never much memory."""

import io
import struct
import tracemalloc
import zlib

import pytest
from helpers.containers import (
    IMAGE,
    IMAGE_UNITS,
    SAMPLES,
    VIDEO,
    VIDEO_UNITS,
    Pipe,
    appended,
    framed,
    leb128,
    reading,
    split_after_head,
    written,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.container import Limits, read, read_index, read_unit
from codec.errors import CodecError, FormatError, LimitError

HEAD, SOLE = split_after_head(SAMPLES["image"])
UNIT = framed(b"U", bytes(7))


def by_index(data: bytes) -> list:
    """All units, by way of the index."""
    fp = io.BytesIO(data)
    index = read_index(fp)
    return [read_unit(fp, index, number) for number in range(len(index.offsets))]


@pytest.mark.parametrize("name", SAMPLES)
def test_flipping_any_bit_is_detected(name):
    data = bytearray(SAMPLES[name])
    for bit in range(8 * len(data)):
        data[bit >> 3] ^= 1 << (bit & 7)
        with pytest.raises((FormatError, LimitError)) as caught:
            reading(bytes(data))
        assert "\n" not in str(caught.value)
        with pytest.raises((FormatError, LimitError)):
            by_index(bytes(data))
        data[bit >> 3] ^= 1 << (bit & 7)
    reading(bytes(data))


@pytest.mark.parametrize("name", [name for name in SAMPLES if name != "archive"])
def test_every_truncation_is_detected(name):
    for stop in range(1, len(SAMPLES[name])):
        with pytest.raises(FormatError, match="truncated"):
            reading(SAMPLES[name][:stop])
        with pytest.raises(FormatError):
            by_index(SAMPLES[name][:stop])


def test_an_archive_truncated_anywhere_but_to_an_earlier_state_is_detected():
    data = SAMPLES["archive"]
    earlier = len(written(VIDEO, VIDEO_UNITS))
    for stop in set(range(1, len(data))) - {earlier}:
        with pytest.raises(FormatError, match="truncated"):
            reading(data[:stop])
        with pytest.raises(FormatError):
            by_index(data[:stop])
    assert reading(data[:earlier]) == (VIDEO, VIDEO_UNITS)


@pytest.mark.parametrize("name", SAMPLES)
def test_trailing_bytes_are_detected(name):
    for extra in (b"\0", b"U", b"Z", b"q", b"\n", SAMPLES[name], framed(b"q", b"")):
        with pytest.raises(FormatError):
            reading(SAMPLES[name] + extra)
        with pytest.raises(FormatError):
            by_index(SAMPLES[name] + extra)


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("garbage", [bytes(64), b"\xff" * 64, bytes(range(64)), b"UUUUUUUU" * 8])
def test_every_prefix_with_garbage_after_it_is_detected(name, garbage):
    for stop in range(len(SAMPLES[name])):
        with pytest.raises(CodecError):
            reading(SAMPLES[name][:stop] + garbage)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_are_not_a_file(data):
    for start in (b"", HEAD[:4], HEAD[:5], HEAD):
        with pytest.raises(CodecError):
            reading(start + data)


def test_errors_say_what_is_wrong():
    checksum = bytearray(SAMPLES["image"])
    checksum[-6] ^= 1
    for data, message in {
        b"": "not an .ncf file",
        b"\x89PNG\r\n": "not an .ncf file",
        HEAD[:4] + b"\x02" + HEAD[5:]: "newer version of the format, 0.2",
        HEAD[:4] + b"\x10" + HEAD[5:]: "newer version of the format, 1.0",
        HEAD[:4] + b"\x00" + HEAD[5:]: "older draft version of the format, 0.0",
        SAMPLES["image"][:-9]: "truncated in section 'P' at byte 28: expected 9 bytes, got 4",
        bytes(checksum): "damaged: checksum of section 'P' at byte 28",
        HEAD + framed(b"Q", b"?") + SOLE: "unknown critical section 'Q': made by a newer version",
        HEAD + UNIT + framed(b"Q", b"?"): "unknown critical section 'Q': made by a newer version",
        HEAD + b"7": "byte 37 at 28 where a section should begin",
        HEAD[:5] + SOLE: "section 'P' at byte 5 is out of place",
    }.items():
        with pytest.raises(FormatError, match=message):
            reading(data)


def head(*payload: int) -> bytes:
    return HEAD[:5] + framed(b"H", bytes(payload))


def end(*payload: int) -> bytes:
    return framed(b"Z", bytes(payload) + struct.pack("<I", len(payload) + 10))


LATER = framed(b"U", b"\1" + bytes(6))

NOT_CANONICAL = {
    "long varint": head(0x81, 0, 0, 0, 1, 1, 0x1E),
    "explicit frames": head(1, 0, 1, 1, 1, 0x1E, 1),
    "unreduced rate": head(1, 0, 2, 1, 1, 0x1E, 4, 2),
    "zero rate": head(1, 0, 2, 1, 1, 0x1E, 0, 1),
    "rate by zero": head(1, 0, 2, 1, 1, 0x1E, 1, 0),
    "explicit colour": head(1, 0, 4, 1, 1, 0x1E, 1, 13, 0, 1),
    "range of 2": head(1, 0, 4, 1, 1, 0x1E, 1, 1, 1, 2),
    "unknown flag": head(1, 0, 16, 1, 1, 0x1E),
    "spare sample bit": head(1, 0, 0, 1, 1, 0x5E),
    "codec 0": head(0, 0, 0, 1, 1, 0x1E),
    "no width": head(1, 0, 0, 0, 1, 0x1E),
    "half a fingerprint": head(1, 0, 8, 1, 1, 0x1E, 1, 2, 3, 4),
    "empty head": head(),
    "long section length": HEAD[:5] + framed(b"H", bytes([1, 0, 0, 1, 1, 0x1E]), b"\x86\0"),
}


@pytest.mark.parametrize("name", NOT_CANONICAL)
def test_a_head_in_any_other_form_is_refused(name):
    reading(head(1, 0, 0, 1, 1, 0x1E) + SOLE)
    with pytest.raises(FormatError):
        reading(NOT_CANONICAL[name] + SOLE)


@pytest.mark.parametrize(
    "sections",
    [
        framed(b"i", b"\0b") + framed(b"e", b"\0a"),
        framed(b"i", b"\0a") + framed(b"i", b"\0a"),
        framed(b"q", b"") + framed(b"e", b"\0a"),
        framed(b"e", b""),
        framed(b"e", b"\0"),
        framed(b"a", b""),
        framed(b"e", b"\2a"),
        framed(b"e", b"\1"),
        framed(b"e", b"\1not deflate"),
        HEAD[5:],
    ],
)
def test_metadata_out_of_order_or_form_is_refused(sections):
    assert len(reading(HEAD + framed(b"e", b"\0a") + framed(b"i", b"\0b") + SOLE)[0].metadata) == 2
    with pytest.raises(FormatError):
        reading(HEAD + sections + SOLE)


def test_deflate_that_is_truncated_padded_or_useless_is_refused():
    def deflated(value: bytes) -> bytes:
        encoder = zlib.compressobj(9, zlib.DEFLATED, -15)
        return encoder.compress(value) + encoder.flush()

    good = deflated(bytes(100))
    assert reading(HEAD + framed(b"e", b"\1" + good) + SOLE)[0].metadata == {"exif": bytes(100)}
    for bad in (good[:-1], good + b"\0", deflated(b"short")):
        with pytest.raises(FormatError):
            reading(HEAD + framed(b"e", b"\1" + bad) + SOLE)


@pytest.mark.parametrize(
    "body",
    [
        UNIT + end(1, 0, 1, 13, 0),  # an image of one unit
        end(0, 0, 0),
        UNIT + LATER,
        UNIT + LATER + end(2, 0, 2, 13, 0, 14, 0),
        UNIT + LATER + end(2, 1, 2, 13, 0, 13, 1),
        UNIT + LATER + end(2, 0, 1, 13, 0),
        UNIT + LATER + framed(b"Z", bytes([2, 0, 2, 13, 0, 13, 0, 16, 0, 0, 0])),
        UNIT + UNIT + end(2, 0, 2, 13, 0, 13, 0),
        LATER + UNIT + end(2, 0, 2, 13, 0, 13, 0),
        UNIT + LATER + end(2, 0, 2, 13, 0, 13, 0) * 2,
        UNIT + framed(b"q", b"") + LATER + end(2, 0, 2, 13, 0, 13, 0),
        UNIT + SOLE,
        SOLE + SOLE,
        framed(b"P", b"\0\0"),
        framed(b"P", b"\4\0\0\0\0"),
    ],
)
def test_units_or_index_in_any_other_form_are_refused(body):
    good = HEAD + UNIT + LATER + end(2, 0, 2, 13, 0, 13, 0)
    assert len(reading(good)[1]) == len(by_index(good)) == 2
    for read_all in (reading, by_index):
        with pytest.raises(FormatError):
            read_all(HEAD + body)


def test_a_video_in_the_form_of_an_image_is_refused():
    video_head, _ = split_after_head(SAMPLES["video"])
    with pytest.raises(FormatError, match="not an image"):
        reading(video_head + SOLE)


def test_a_video_with_a_stated_frame_count_has_one_session():
    session = split_after_head(appended(written(VIDEO, VIDEO_UNITS[:1]), VIDEO_UNITS[1:]))[1]
    assert len(reading(HEAD[:5] + framed(b"H", bytes([3, 0, 1, 1, 1, 0x1E, 0])) + session)[1]) == 2
    for read_all in (reading, by_index):
        with pytest.raises(FormatError):
            read_all(HEAD[:5] + framed(b"H", bytes([3, 0, 1, 1, 1, 0x1E, 9])) + session)


def sections_of(data: bytes) -> list[tuple[bytes, bytes]]:
    out, at = [], 5
    while at < len(data):
        out.append((data[at : at + 1], data[at + 2 : at + 2 + data[at + 1]]))
        at += 6 + data[at + 1]
    return out


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(SAMPLES)), st.data())
def test_whatever_is_accepted_is_canonical_and_anything_else_is_a_named_error(name, data):
    """Payload bytes change and sections move, with their checksums put right."""
    sections = sections_of(SAMPLES[name])
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(sections) - 1))
        tag, payload = sections[at]
        if data.draw(st.booleans()) and payload:
            byte = data.draw(st.integers(0, len(payload) - 1))
            value = data.draw(st.sampled_from([0, 1, 2, 0x7F, 0x80, 0xFF]) | st.integers(0, 255))
            sections[at] = tag, payload[:byte] + bytes([value]) + payload[byte + 1 :]
        else:
            sections.insert(data.draw(st.integers(0, len(sections) - 1)), sections.pop(at))
    changed = HEAD[:5] + b"".join(framed(*section) for section in sections)
    try:
        header, units = reading(changed)
    except CodecError:
        with pytest.raises(CodecError):
            by_index(changed)
        return
    assert by_index(changed) == units
    if name == "archive":
        assert appended(written(header, units[:2]), units[2:]) == changed
    else:
        assert written(header, units) == changed


HOSTILE = {
    "2^31 pixels": head(1, 0, 0, *leb128(2**16 - 1), *leb128(2**15 + 1), 0x1E) + SOLE,
    "side": head(1, 0, 0, *leb128(2**16), 1, 0x1E) + SOLE,
    "2^40 frames": head(1, 0, 1, 1, 1, 0x1E, *leb128(2**31)) + SOLE,
    **{f"2^{n} bytes of head": HEAD[:5] + b"H" + leb128(2**n) + bytes(20) for n in (17, 31, 60)},
    **{f"2^{n} bytes of {t}": HEAD + t.encode() + leb128(2**n) for n in (29, 31, 60, 63) for t in "aeqPUQ"},
    **{f"2^{n} bytes of index": HEAD + UNIT + b"Z" + leb128(2**n) for n in (24, 31, 60)},
    "2^60 units in the index": HEAD + UNIT + framed(b"Z", leb128(2**60) + bytes(4)),
    "endless length": HEAD + b"P" + b"\xff" * 64,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_length_is_believed(name):
    tracemalloc.start()
    for source in (HOSTILE[name], Pipe(HOSTILE[name], 7)):
        with pytest.raises((FormatError, LimitError)):
            list(read(source)[1])
    with pytest.raises((FormatError, LimitError)):
        by_index(HOSTILE[name])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


def test_an_index_that_claims_many_units_is_refused_before_they_are_listed():
    entries = bytes([13, 0]) * 200_000
    payload = leb128(200_000) + b"\0" + leb128(200_000) + entries
    size = len(payload) + 4 + 1 + len(leb128(len(payload) + 4)) + 4
    data = HEAD + UNIT + framed(b"Z", payload + struct.pack("<I", size))
    with pytest.raises(LimitError, match="200000 units"):
        read_index(io.BytesIO(data), Limits(units=100_000))


def test_an_inflating_bomb_stops_at_the_limit():
    encoder = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = encoder.compress(bytes(2**24)) + encoder.flush()
    data = HEAD + framed(b"i", b"\1" + bomb) + SOLE
    assert len(reading(data)[0].metadata["icc"]) == 2**24
    tracemalloc.start()
    with pytest.raises(LimitError, match="inflates"):
        read(data, Limits(metadata=2**16))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


def test_the_metadata_limit_counts_all_kinds_together():
    data = HEAD + framed(b"e", bytes(60)) + framed(b"i", bytes(60)) + SOLE
    assert list(read(data, Limits(metadata=118))[1]) == IMAGE_UNITS
    with pytest.raises(LimitError):
        read(data, Limits(metadata=117))


def test_a_raised_limit_lets_a_larger_picture_pass():
    data = head(1, 0, 0, *leb128(100_000), 1, 0x1E) + SOLE
    with pytest.raises(LimitError):
        reading(data)
    assert read(data, Limits(side=100_000))[0].width == 100_000
    assert reading(SAMPLES["image"])[0] == IMAGE
