"""Metadata that travels with the picture, each kind in an ancillary section of its own.

Deflate is not one encoding: builds of zlib differ. A value that was read therefore remembers the
bytes that stored it, and writing it again emits those.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping

from codec.container.fields import Cursor, varint
from codec.container.limits import Limits
from codec.container.sections import section
from codec.errors import FormatError, LimitError

# In the order of their tags, which is their order in the file.
METADATA_TAGS: Mapping[str, bytes] = {
    "audio": b"a", "exif": b"e", "icc": b"i", "last": b"l", "chunks": b"p", "tags": b"t", "preview": b"v",
    "xmp": b"x",
}  # fmt: skip
METADATA_NAMES: Mapping[bytes, str] = {tag: name for name, tag in METADATA_TAGS.items()}

_PLAIN = ("audio", "last", "preview")  # stored as they are: compressed already, or too short for it
RAW, DEFLATE = 0, 1
WINDOW = -15  # deflate without zlib's wrapper: the section has a checksum already


def pack_chunks(chunks: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The value "chunks" of PNG chunks, each the four bytes of its type and its data."""
    return b"".join(varint(len(data)) + tag + data for tag, data in chunks)


def unpack_chunks(value: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The inverse of pack_chunks; FormatError where the records don't add up to the value."""
    cursor = Cursor(value, "the list of chunks")
    while cursor.position < len(value):
        length = cursor.varint()
        yield cursor.take(4), cursor.take(length)


class Stored(bytes):
    """A value as read, with the payload that held it."""

    payload: bytes


def pack_metadata(metadata: Mapping[str, bytes], limits: Limits) -> bytes:
    """The metadata sections, in order."""
    unknown = sorted(metadata.keys() - METADATA_TAGS.keys())
    if unknown:
        raise FormatError(f"unknown metadata {unknown[0]!r}: one of {', '.join(METADATA_TAGS)}")
    check_sizes(metadata, limits)
    check_chunks(metadata.get("chunks", b""), limits)
    return b"".join(
        section(tag, _pack(name, metadata[name])) for name, tag in METADATA_TAGS.items() if name in metadata
    )


def unpack_metadata(name: str, payload: bytes, limits: Limits) -> bytes:
    """The value held in the payload of the section for `name`."""
    if name in _PLAIN:
        return payload
    method, data = payload[:1], payload[1:]
    if method == bytes([RAW]):
        value = Stored(data)
    elif method == bytes([DEFLATE]):
        value = Stored(_inflate(name, data, limits.metadata))
    else:
        raise FormatError(
            f"damaged: {name} is stored by unknown method {method.hex() or 'none'}; get a whole copy of the file"
        )
    if name == "chunks":
        check_chunks(value, limits)
    value.payload = payload
    return value


def check_sizes(metadata: Mapping[str, bytes], limits: Limits) -> None:
    """FormatError for a value that no file can have, LimitError for more than one may hold."""
    for name, value in metadata.items():
        if not value:
            raise FormatError(f"invalid metadata: {name} is empty and has to be left out")
    audio = len(metadata.get("audio", b""))
    others = sum(map(len, metadata.values())) - audio
    preview = len(metadata.get("preview", b""))
    for what, size, limit in (
        ("audio", audio, limits.audio), ("preview", preview, limits.preview), ("metadata", others, limits.metadata)
    ):  # fmt: skip
        if size > limit:
            raise LimitError(f"{size} bytes of {what} are too many: the limit is {limit}")


def check_chunks(value: bytes, limits: Limits) -> None:
    """FormatError for what is no list of chunks, LimitError for one that is too long."""
    for number, _ in enumerate(unpack_chunks(value)):
        if number == limits.chunks:
            raise LimitError(f"more than {limits.chunks} chunks, the limit")


def _pack(name: str, value: bytes) -> bytes:
    if name in _PLAIN:
        return value
    if isinstance(value, Stored):
        return value.payload
    deflate = zlib.compressobj(9, zlib.DEFLATED, WINDOW)
    packed = deflate.compress(value) + deflate.flush()
    return bytes([DEFLATE]) + packed if len(packed) < len(value) else bytes([RAW]) + value


def _inflate(name: str, data: bytes, limit: int) -> bytes:
    inflate = zlib.decompressobj(WINDOW)
    try:
        value = inflate.decompress(data, limit + 1)
    except zlib.error as error:
        raise FormatError(f"damaged: {name} is not a deflate stream; get a whole copy of the file") from error
    if len(value) > limit:
        raise LimitError(f"{name} inflates to more than {limit} bytes, the limit")
    if not inflate.eof or inflate.unused_data:
        raise FormatError(f"damaged: {name} is not one complete deflate stream; get a whole copy of the file")
    if len(data) >= len(value):
        raise FormatError(
            f"damaged: {name} is deflated though that does not make it shorter; get a whole copy of the file"
        )
    return value
