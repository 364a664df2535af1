"""The private bytes of a nirvana head: which of two kinds a file is, and how its stream was made. No torch.

The first byte is the number of a preset of the paper's network (1 to 4), or HYBRID; after that come an encoder's
number, its rate factor in steps, and the effort.
"""

from __future__ import annotations

from codec.codecs.nirvana import CODEC
from codec.container import Header, Unit
from codec.container.fields import Cursor, varint
from codec.errors import FormatError
from codec.standard.encoders import ENCODERS, STEPS, Encoder
from codec.standard.packets import begins_chain, unpack

HYBRID = 5
KEPT = 0  # in place of an encoder's number: the packets are the source's


def pack_private(encoder: Encoder | None, factor: float, effort: int) -> bytes:
    """The private bytes for a stream that this encoder made, or (None) that the source had."""
    number = encoder.number if encoder else KEPT
    return bytes([HYBRID]) + b"".join(map(varint, (number, round(factor * STEPS), effort)))


def made(header: Header) -> tuple[str, float, int]:
    """How a file's stream was made: by which encoder ("" if it is the source's), its rate factor, and the effort."""
    cursor = Cursor(header.private, "the head")
    kind, number, steps, effort = cursor.byte(), cursor.varint(), cursor.varint(), cursor.varint()
    names = {KEPT: "", **{encoder.number: name for name, encoder in ENCODERS.items()}}
    if kind != HYBRID or number not in names or cursor.rest() or header.stream is None:
        raise FormatError("made by a newer version: an unknown base; install a newer neural-codec")
    return names[number], steps / STEPS, effort


def starts_chain(header: Header, unit: Unit) -> bool:
    """Whether decoding can begin with a unit."""
    assert header.rate is not None
    if header.stream is None:
        from codec.codecs.nirvana.sine.units import parse

        return parse(unit, 0, header.rate).key
    return bool(unit.packets) and begins_chain(unpack(unit.packets))


def check(header: Header) -> None:
    """FormatError unless a header is of a video that this release decodes."""
    if header.codec != CODEC.id or header.revision != CODEC.revision or not header.private:
        raise FormatError(f"made by revision {header.revision} of {CODEC.name}; install a neural-codec that reads it")
    hybrid = header.private[0] == HYBRID
    depths = (8, 10) if hybrid else (8,)
    if (
        header.rate is None
        or header.channels != 3
        or header.depth not in depths
        or hybrid != (header.stream is not None)
    ):
        raise FormatError(f"not a video that {CODEC.name} codes; get a whole copy of the file")
