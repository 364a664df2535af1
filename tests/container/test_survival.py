"""Whatever a file can say is read as it was written, and what nobody would write is refused: by property."""

import io
from dataclasses import replace
from fractions import Fraction

from helpers.containers import (
    PACKETS,
    VIDEO,
    VIDEO_UNITS,
    appended,
    reading,
    written,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.codecs import all_codecs
from codec.container import (
    CHROMA,
    METADATA_TAGS,
    STANDARDS,
    Color,
    Header,
    Stream,
    Unit,
    pack_chunks,
    pack_last,
    pack_tags,
    read_header,
    read_index,
    unpack_last,
    unpack_tags,
)
from codec.errors import FormatError
from codec.standard.packets import Packet, pack, reordering, unpack

color = st.builds(Color, *[st.integers(0, 255)] * 3, st.booleans())
headers = st.builds(
    Header,
    codec=st.sampled_from(sorted(found.id for found in all_codecs().values())),
    revision=st.integers(0, 2**32 - 1),
    width=st.integers(1, 16384),
    height=st.integers(1, 16384),
    channels=st.integers(1, 4),
    depth=st.integers(1, 16),
    rate=st.none() | st.fractions(min_value=Fraction(1, 1000), max_value=1000, max_denominator=2000),
    color=color,
    fingerprint=st.just(b"") | st.binary(min_size=8, max_size=8),
    private=st.binary(max_size=40),
    metadata=st.builds(
        lambda values, chunks: values | ({"chunks": pack_chunks(chunks)} if chunks else {}),
        st.dictionaries(
            st.sampled_from(sorted(METADATA_TAGS.keys() - {"chunks", "last", "tags"})),
            st.binary(min_size=1, max_size=300),
        ),
        st.lists(st.tuples(st.binary(min_size=4, max_size=4), st.binary(max_size=100)), max_size=3),
    ),
)
ratios = st.fractions(min_value=Fraction(1, 2**20), max_value=2**10, max_denominator=2**20)
streams = st.builds(
    Stream, st.sampled_from(list(STANDARDS)), st.integers(1, 16384), st.integers(1, 16384), st.sampled_from(CHROMA),
    ratios, st.integers(0, 7), ratios, st.binary(max_size=60),
)  # fmt: skip
runs = st.lists(
    st.tuples(st.integers(-(2**40), 2**40), st.booleans(), st.binary(min_size=1, max_size=40)),
    min_size=1, max_size=12, unique_by=lambda packet: packet[0],
)  # fmt: skip
contents = st.lists(
    st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 3), st.binary(max_size=300), st.integers(0, 300)),
    min_size=1,
    max_size=6,
)


@settings(deadline=None)
@given(headers, contents, st.sampled_from(["image", "video", "open"]), st.integers(0, 5))
def test_any_header_and_units_survive(header, contents, kind, cut):
    units = [
        Unit(index, checksum, phase, payload, 0 if kind == "image" else frames + 2)
        for index, (checksum, phase, payload, frames) in enumerate(contents)
    ]
    total = sum(unit.frames for unit in units)
    header = replace(header, frames={"image": 1, "video": total, "open": 0}[kind])
    data = written(header, units)
    assert reading(data) == (header, units)
    assert written(*reading(data)) == data
    if kind == "open" and 0 < cut < len(units):
        data = appended(written(header, units[:cut]), units[cut:])
        assert reading(data) == (header, units)
    assert read_index(io.BytesIO(data)).frame_count == max(1, total)


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40)


@settings(deadline=None)
@given(
    st.dictionaries(st.from_regex(r"[a-z0-9_]{1,64}", fullmatch=True), texts, min_size=1, max_size=4),
    st.fractions(min_value=Fraction(1, 2**20), max_value=2**10, max_denominator=2**20),
)
def test_any_tags_and_duration_survive(tags, seconds):
    header = replace(VIDEO, metadata={"last": pack_last(seconds), "tags": pack_tags(tags)})
    assert reading(written(header, VIDEO_UNITS)) == (header, VIDEO_UNITS)
    assert (unpack_last(header.metadata["last"]), unpack_tags(header.metadata["tags"])) == (seconds, tags)


@settings(deadline=None)
@given(runs)
def test_any_packets_survive(run):
    packets = [Packet(*values) for values in run]
    assert unpack(pack(packets)) == packets


@settings(deadline=None)
@given(runs, st.data())
def test_packets_that_nobody_would_write_are_refused(run, data):
    packed = pack([Packet(*values) for values in run])
    at = data.draw(st.integers(0, len(packed) - 1))
    changed = packed[:at] + bytes([packed[at] ^ 1 << data.draw(st.integers(0, 7))]) + packed[at + 1 :]
    for other in (changed, packed[:at], packed + b"?"):
        try:
            found = unpack(other)
        except FormatError:
            continue
        assert pack(found) == other


def test_steady_packets_cost_a_byte_or_two_each():
    packets = [Packet(n, n == 0, bytes(50)) for n in range(250)]
    assert len(pack(packets)) == 250 * 51 + 5
    assert reordering(packets) == 0 and reordering(PACKETS) == 1


@settings(deadline=None)
@given(headers, streams, runs)
def test_any_stream_survives(header, stream, run):
    header = replace(header, frames=0, rate=Fraction(25), stream=stream)
    units = [Unit(0, 1, 0, b"?", 1, pack([Packet(*values) for values in run])), Unit(1, 1, 0, b"", 2)]
    data = written(header, units)
    assert reading(data) == (header, units)
    assert read_header(data) == header
