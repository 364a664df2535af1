"""What a file says of itself before any unit: the codec, the picture's shape, its colour, its weights."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from codec.container.fields import Cursor, varint
from codec.container.limits import Limits
from codec.container.standard import Stream
from codec.errors import FormatError, LimitError

HAS_FRAMES, HAS_RATE, HAS_COLOR, HAS_FINGERPRINT = 1, 2, 4, 8
FINGERPRINT_BYTES = 8


class Color(NamedTuple):
    """Code points of ITU-T H.273 (CICP), 0..255, and whether samples use their full range."""

    primaries: int = 1
    transfer: int = 13
    matrix: int = 0
    full_range: bool = True


SRGB = Color()


@dataclass(frozen=True)
class Header:
    """Everything that is known before the first unit is decoded."""

    codec: int  # its number (codec/FORMAT.md)
    revision: int  # of the codec: changes when the meaning of its bits changes
    width: int  # pixels, 1..
    height: int  # pixels, 1..
    channels: int = 3  # 1 grey, 2 grey + alpha, 3 RGB, 4 RGBA
    depth: int = 8  # bits of a sample, 1..16
    frames: int = 1  # 1: an image; 0: not known at the start, and the file can be appended to
    rate: Fraction | None = None  # frames a second (video)
    color: Color = SRGB
    fingerprint: bytes = b""  # 8 bytes naming the weights; empty: the stream carries its own network
    private: bytes = b""  # the codec's own options, packed
    metadata: Mapping[str, bytes] = field(default_factory=dict, hash=False)  # keys of METADATA_TAGS
    stream: Stream | None = None  # the standard stream that the units' packets are of (video)

    @property
    def grows(self) -> bool:
        """Whether more sessions may follow: the end of the file isn't said in it."""
        return self.frames == 0 and "last" not in self.metadata


def check_header(header: Header, limits: Limits) -> None:
    """Raise FormatError for a value that no file can have, LimitError for one that is too large."""
    for name, low, high in (
        ("codec", 1, 2**32 - 1),
        ("revision", 0, 2**32 - 1),
        ("width", 1, 2**32 - 1),
        ("height", 1, 2**32 - 1),
        ("channels", 1, 4),
        ("depth", 1, 16),
        ("frames", 0, 2**32 - 1),
    ):
        if not low <= getattr(header, name) <= high:
            raise FormatError(f"invalid head: {name} {getattr(header, name)} is not in {low}..{high}")
    if max(header.width, header.height) > limits.side or header.width * header.height > limits.pixels:
        raise LimitError(
            f"{header.width} x {header.height} is too large: "
            f"the limits are {limits.side} a side and {limits.pixels:,} pixels; raise the latter with --max-pixels"
        )
    if header.frames > limits.frames:
        raise LimitError(f"{header.frames} frames are too many: the limit is {limits.frames}")
    rate = header.rate
    if rate is not None and not (rate > 0 and max(rate.numerator, rate.denominator) < 2**31):
        raise FormatError(f"invalid head: frame rate {rate} is not a positive ratio of 31-bit integers")
    if not all(0 <= code <= 255 for code in header.color[:3]):
        raise FormatError(f"invalid head: colour {tuple(header.color)} has a code outside 0..255")
    if len(header.fingerprint) not in (0, FINGERPRINT_BYTES):
        raise FormatError(f"invalid head: the fingerprint has {len(header.fingerprint)} bytes, not 8")


def pack_header(header: Header, limits: Limits) -> bytes:
    """Payload of section H. A field with its default value takes no bytes."""
    check_header(header, limits)
    flags = 0
    sample = header.channels - 1 | header.depth - 1 << 2
    fields = [varint(header.width), varint(header.height), bytes([sample])]
    if header.frames != 1:
        flags |= HAS_FRAMES
        fields.append(varint(header.frames))
    if header.rate is not None:
        flags |= HAS_RATE
        fields += [varint(header.rate.numerator), varint(header.rate.denominator)]
    if header.color != SRGB:
        flags |= HAS_COLOR
        fields.append(bytes([*header.color[:3], bool(header.color.full_range)]))
    if header.fingerprint:
        flags |= HAS_FINGERPRINT
        fields.append(header.fingerprint)
    payload = b"".join([varint(header.codec), varint(header.revision), varint(flags), *fields, header.private])
    if len(payload) > limits.head:
        raise LimitError(f"the head takes {len(payload)} bytes: the limit is {limits.head}")
    return payload


def unpack_header(payload: bytes, limits: Limits) -> Header:
    """The inverse of pack_header; refuses every payload that pack_header would not have written."""
    cursor = Cursor(payload, "the head")
    codec, revision, flags = cursor.varint(), cursor.varint(), cursor.varint()
    if flags >= 2 * HAS_FINGERPRINT:
        raise FormatError(
            f"unknown flags {flags:#x} in the head: made by a newer version; install a newer neural-codec"
        )
    width, height, sample = cursor.varint(), cursor.varint(), cursor.byte()
    frames = cursor.varint() if flags & HAS_FRAMES else 1
    rate = None
    if flags & HAS_RATE:
        numerator, denominator = cursor.varint(), cursor.varint()
        rate = Fraction(numerator, denominator) if denominator else Fraction(0)
    color = SRGB
    if flags & HAS_COLOR:
        primaries, transfer, matrix, full_range = cursor.take(4)
        color = Color(primaries, transfer, matrix, bool(full_range))
    header = Header(
        codec=codec,
        revision=revision,
        width=width,
        height=height,
        channels=(sample & 3) + 1,
        depth=(sample >> 2 & 15) + 1,
        frames=frames,
        rate=rate,
        color=color,
        fingerprint=cursor.take(FINGERPRINT_BYTES) if flags & HAS_FINGERPRINT else b"",
        private=cursor.rest(),
    )
    if pack_header(header, limits) != payload:
        raise FormatError("damaged: the head is not in canonical form; get a whole copy of the file")
    return header
