"""Writing and reading from front to back, with one unit in memory at a time."""

import io
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice
from typing import IO

from codec.container.clip import check_clip
from codec.container.ends import find_body, find_stream
from codec.container.header import Header, pack_header, unpack_header
from codec.container.limits import LIMITS, Limits
from codec.container.metadata import METADATA_NAMES, check_sizes, pack_metadata, unpack_metadata
from codec.container.sections import MAGIC, VERSION, Reader, Truncated, section
from codec.container.standard import Stream, pack_stream, unpack_stream
from codec.container.units import UNIT_FIELDS, Tally, Unit, end_limit, pack_sole, read_section, unpack_sole
from codec.errors import CodecError, FormatError, LimitError


def write(fp: IO[bytes], header: Header, units: Iterable[Unit], limits: Limits = LIMITS) -> None:
    """Write a whole file to a buffered binary stream, which need not be seekable.

    `units` is consumed one at a time. FormatError or LimitError when header or units are not what
    `read` would accept; the stream then holds an incomplete file.
    """
    prefix = MAGIC + bytes([VERSION]) + pack_bare(header, limits)
    units = iter(units)
    opening = list(islice(units, 2 if header.frames == 1 else 1))
    if not opening:
        raise FormatError("no units: there is nothing to decode")
    if header.frames == 1 and len(opening) == 1:
        fp.write(prefix + pack_sole(header, opening[0], limits))
        return
    fp.write(prefix)
    write_session(fp, Tally(header, limits), chain(opening, units))


def to_bytes(header: Header, units: Iterable[Unit], limits: Limits = LIMITS) -> bytes:
    """What `write` writes."""
    buffer = io.BytesIO()
    write(buffer, header, units, limits)
    return buffer.getvalue()


def pack_bare(header: Header, limits: Limits = LIMITS) -> bytes:
    """What stands between version and units; the whole content of a session of an archive that has no units."""
    packed = section(b"H", pack_header(header, limits))
    check_clip(header.metadata, header.rate)
    packed += pack_metadata(header.metadata, limits)
    if header.stream is not None:
        check_video(header)
        packed += section(b"S", pack_stream(header.stream, limits))
    return packed


def write_session(fp: IO[bytes], tally: Tally, units: Iterable[Unit]) -> None:
    """Write units and the end section that lists them."""
    for unit in units:
        fp.write(tally.pack(unit))
    fp.write(tally.end())


def read(
    source: IO[bytes] | bytes, limits: Limits = LIMITS, damage: list[CodecError] | None = None
) -> tuple[Header, Iterator[Unit]]:
    """Header and units of a file, from bytes or a binary stream that need not be seekable.

    The header is checked here, each unit when the iterator reaches it; the iterator's end says that
    the file is complete. On a truncated file it yields the complete units, then raises FormatError. `damage`: is told
    of metadata that isn't whole, which is left out then; None: that is an error.
    """
    reader, header, tag = open_file(source, limits, damage)
    return header, read_units(reader, header, tag, limits)


def read_header(source: IO[bytes] | bytes, limits: Limits = LIMITS, damage: list[CodecError] | None = None) -> Header:
    """Header and metadata alone; reads one byte past them, so a stream that can't seek is spent.

    `damage`: as in `read`.
    """
    return open_file(source, limits, damage)[1]


def read_bare(fp: IO[bytes], limits: Limits = LIMITS) -> Header:
    """The header of what `pack_bare` wrote behind magic and version: no unit follows."""
    reader, header = _head(fp, limits)
    metadata: dict[str, bytes] = {}
    stream, tag = _before_units(reader, header, limits, metadata, None)
    if tag:
        reader.refuse(tag)
    return replace(header, metadata=metadata, stream=stream)


def open_file(
    source: IO[bytes] | bytes, limits: Limits, damage: list[CodecError] | None = None
) -> tuple[Reader, Header, bytes]:
    """Read up to and including the tag of the first unit. `damage`: as in `read`."""
    reader, header = _head(io.BytesIO(source) if isinstance(source, bytes) else source, limits)
    found: dict[str, bytes] = {}
    if damage is not None and reader.fp.seekable():
        return _salvaged(reader, header, limits, found, damage)
    stream, tag = _before_units(reader, header, limits, found, damage)
    _check_goes_on(tag)
    if tag not in (b"B", b"P", b"U"):
        reader.refuse(tag)
    return reader, replace(header, metadata=found, stream=stream), tag


def _head(fp: IO[bytes], limits: Limits) -> tuple[Reader, Header]:
    """What a file begins with."""
    reader = Reader(fp)
    reader.magic()
    tag = reader.tag()
    if not tag:
        raise Truncated("truncated: the head is missing")
    if tag != b"H":
        reader.refuse(tag)
    return reader, unpack_header(reader.payload(tag, limits.head), limits)


def _check_goes_on(tag: bytes) -> None:
    if not tag:
        raise Truncated("truncated: no unit follows the head")


def _before_units(
    reader: Reader, header: Header, limits: Limits, metadata: dict[str, bytes], damage: list[CodecError] | None
) -> tuple[Stream | None, bytes]:
    """Read metadata into a dict, and the stream if there is one; with the tag behind them, b"" at the end."""
    previous = b""
    while (tag := reader.tag()).isalpha() and tag.islower():
        if tag <= previous:
            raise FormatError(f"damaged: {reader.where} is out of order; get a whole copy of the file")
        previous = tag
        name = METADATA_NAMES.get(tag, tag.decode())
        try:
            if tag not in METADATA_NAMES:
                reader.skip(tag)
                continue
            most = {"audio": limits.audio, "preview": limits.preview}.get(name, limits.metadata + 1)
            payload = reader.payload(tag, most)
            value = unpack_metadata(name, payload, limits)
            check_clip({name: value}, header.rate)
            metadata[name] = value
        except FormatError as error:  # its length may be right, and what follows whole
            if damage is None or isinstance(error, Truncated):
                raise
            damage.append(FormatError(f"{error} ({name} is left out)"))
        check_sizes(metadata, limits)
    stream = None
    if tag == b"S":
        check_video(header)
        stream = unpack_stream(reader.payload(tag, limits.head), limits)
        tag = reader.tag()
    return stream, tag


def _salvaged(
    reader: Reader, header: Header, limits: Limits, metadata: dict[str, bytes], damage: list[CodecError]
) -> tuple[Reader, Header, bytes]:
    """The same of a damaged file: where lengths or tags of metadata are wrong, units are found from the file's end."""
    start, lost = reader.offset, list[CodecError]()
    stream: Stream | None = None
    trouble: CodecError | None = None
    body: int | None = None
    try:
        stream, tag = _before_units(reader, header, limits, metadata, lost)
        _check_goes_on(tag)
        body = reader.offset - 1
        if tag not in (b"B", b"P", b"U"):
            trouble = FormatError(f"damaged: byte {tag.hex()} at {body} where a unit should begin; get a whole copy")
    except (FormatError, LimitError) as error:
        trouble = error
    if trouble or lost:
        found = find_body(reader.fp, header, start, limits)
        if found is not None and found != body:
            place = find_stream(reader.fp, start, found, limits)
            if place is None and trouble and reader.where.startswith("section 'S'"):
                raise trouble
            stream = None if place is None else _stream_at(reader.fp, place, limits)
            lost, body = [FormatError(f"{trouble or lost[0]} (metadata is left out)")], found
        elif body is None and trouble:
            raise trouble
        assert body is not None
        reader.fp.seek(body)
        reader = Reader(reader.fp, body)
        tag = reader.tag()
    damage += lost
    return reader, replace(header, metadata=metadata, stream=stream), tag


def _stream_at(fp: IO[bytes], place: int, limits: Limits) -> Stream:
    """The stream that a section S says, whose checksum is right."""
    fp.seek(place)
    reader = Reader(fp, place)
    return unpack_stream(reader.payload(reader.tag(), limits.head), limits)


def check_video(header: Header) -> None:
    """FormatError for the head of a file that can't have a standard stream."""
    if header.rate is None or header.frames == 1:
        raise FormatError("damaged: a stream of pictures in a file that is no video; get a whole copy of the file")


def read_units(reader: Reader, header: Header, tag: bytes, limits: Limits) -> Iterator[Unit]:
    """All units, given the tag of the first; returns only at the end of a complete file."""
    if tag == b"P":
        unit = unpack_sole(header, reader.payload(tag, limits.payload + UNIT_FIELDS), limits)
        refuse_more(reader)
        yield unit
        return
    tally = Tally(header, limits)
    complete = 0
    try:
        while True:
            yield from _session(reader, tally, tag)
            complete = reader.offset
            if not header.grows:
                refuse_more(reader)
                return
            tag = reader.tag()
            if not tag:
                return
    except Truncated as error:
        if not complete:
            raise
        hint = f"an append did not finish, and the first {complete} bytes are a whole file"
        raise Truncated(f"{error.what}: {hint}", complete) from error


def refuse_more(reader: Reader) -> None:
    """Raise unless the stream ends here."""
    if reader.fp.read(1):
        raise FormatError(
            f"damaged: the file goes on after its end at byte {reader.offset}; get a whole copy of the file"
        )


def _session(reader: Reader, tally: Tally, tag: bytes) -> Iterator[Unit]:
    start = reader.offset - 1
    while tag in (b"B", b"U"):
        unit = read_section(reader, tag, tally.limits)
        tally.check(unit)
        tally.add(unit, reader.offset - start)
        yield unit
        start = reader.offset
        tag = reader.tag()
    if not tag:
        raise Truncated(f"truncated: no end section after unit {tally.units - 1}")
    if tag != b"Z" or not tally.entries:
        reader.refuse(tag)
    payload = reader.payload(tag, end_limit(tally.limits))
    if section(tag, payload) != tally.end():
        raise FormatError("damaged: the end section does not list the units of the file; get a whole copy of the file")
