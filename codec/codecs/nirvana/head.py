"""The private bytes of a nirvana head: which of two kinds a file is, and how its stream was made. No torch.

The first byte is the number of a preset of the paper's network (1 to 4), or HYBRID or ARCHIVED; after those two come
an encoder's number, its rate factor in steps, and the effort.
"""

from __future__ import annotations

from collections.abc import Sequence

from codec.codecs.nirvana import CODEC
from codec.codecs.nirvana.references import ARCHIVED, GAINS, HYBRID
from codec.codecs.partial import check_plain
from codec.container import Header, Unit
from codec.container.fields import Cursor, varint
from codec.errors import FormatError, LimitError
from codec.media.video.layout import Layout
from codec.standard.encoders import ENCODERS, STEPS, Encoder
from codec.standard.packets import begins_chain, unpack

KEPT = 0  # in place of an encoder's number: the packets are the source's
GROUP = 128  # frames of a group over a stream at most, and
GROUP_BYTES = 2**27  # bytes of their planes
KEPT_FRAMES = 512  # of a unit without networks, at most
GROUPS = (4, 4, 3, 3)  # frames of a group, for each preset
SINE_PIXELS = 2**22  # of a frame: a few bytes may be the network of a frame of any size


def pack_private(encoder: Encoder | None, factor: float, effort: int, kind: int = HYBRID) -> bytes:
    """The private bytes for a stream that this encoder made, or (None) that the source had."""
    number = encoder.number if encoder else KEPT
    return bytes([kind]) + b"".join(map(varint, (number, round(factor * STEPS), effort)))


def made(header: Header) -> tuple[str, float, int]:
    """How a file's stream was made: by which encoder ("" if it is the source's), its rate factor, and the effort."""
    cursor = Cursor(header.private, "the head")
    kind, number, steps, effort = cursor.byte(), cursor.varint(), cursor.varint(), cursor.varint()
    names = {KEPT: "", **{encoder.number: name for name, encoder in ENCODERS.items()}}
    if kind not in (HYBRID, ARCHIVED) or number not in names or cursor.rest() or header.stream is None:
        raise FormatError("made by a newer version: an unknown base; install a newer neural-codec")
    return names[number], steps / STEPS, effort


def quality(header: Header) -> float | None:
    """The quality that a file was made with, 100 if its stream is the source's; None where the head doesn't say it."""
    if header.stream is None:
        return None
    name, factor, _ = made(header)
    return ENCODERS[name].quality(factor) if name else 100.0


def starts_chain(header: Header, unit: Unit) -> bool:
    """Whether decoding can begin with a unit."""
    assert header.rate is not None
    if header.stream is None:
        from codec.codecs.nirvana.sine.units import parse

        return parse(unit, 0, header.rate).key
    return bool(unit.packets) and begins_chain(unpack(unit.packets))


def check(header: Header, units: Sequence[Unit] = ()) -> None:
    """See Descriptor."""
    _check_head(header)
    most = KEPT_FRAMES if header.stream is not None else GROUPS[header.private[0] - 1]
    for unit in units:
        check_plain(unit)
        if unit.damage is not None:  # of what is left, not of what was written
            continue
        if header.stream is not None and 0 < len(unit.payload) <= GAINS:
            raise FormatError(f"unit {unit.index}: its networks are damaged; get a whole copy of the file")
        if not 1 <= unit.frames <= (largest_group(header) if header.stream is not None and unit.payload else most):
            what = f"unit {unit.index} states {unit.frames} frames, which no group has"
            raise FormatError(f"damaged: {what}; get a whole copy of the file")


def check_sine_size(width: int, height: int) -> None:
    """LimitError for frames that are too large for the paper's networks."""
    if width * height > SINE_PIXELS:
        raise LimitError(
            f"{width} x {height} is too large for the paper's networks: the limit is {SINE_PIXELS:,} pixels; "
            "encode without --preset"
        )


def largest_group(header: Header) -> int:
    """The most frames of a group that has networks over a stream: their planes are all in memory at once."""
    assert header.stream is not None
    layout = Layout(header.depth, header.stream.chroma)
    return max(min(GROUP, GROUP_BYTES // layout.frame_bytes(header.stream.height, header.stream.width)), 1)


def _check_head(header: Header) -> None:
    """FormatError unless a header is of a video that this release decodes."""
    if header.codec != CODEC.id or header.revision != CODEC.revision or not header.private:
        raise FormatError(f"made by revision {header.revision} of {CODEC.name}; install a neural-codec that reads it")
    hybrid = header.private[0] in (HYBRID, ARCHIVED)
    depths = (8, 10) if hybrid else (8,)
    if (
        header.rate is None
        or header.frames
        or header.channels != 3
        or header.depth not in depths
        or hybrid != (header.stream is not None)
    ):
        raise FormatError(f"not a video that {CODEC.name} codes; get a whole copy of the file")
    if hybrid:
        made(header)
        return
    if len(header.private) != 1 or not 1 <= header.private[0] <= len(GROUPS):
        raise FormatError("made by a newer version: an unknown preset; install a newer neural-codec")
    check_sine_size(header.width, header.height)
