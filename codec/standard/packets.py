"""Packets of a standard stream as the payload of a section B, in the order in which they are decoded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import NamedTuple

from codec.container import LIMITS, Header, Unit, unpack_last
from codec.container.fields import Cursor, varint
from codec.errors import FormatError, MediaError

_STEADY, _LISTED = 0, 1
_LIMIT = 2**48  # of times, in ticks


class Packet(NamedTuple):
    """`pts`: when its picture is shown, in the stream's ticks; `key`: decoding can begin with it."""

    pts: int
    key: bool
    data: bytes


def pack(packets: Sequence[Packet]) -> bytes:
    """The payload of a section B; at least one packet, of at least a byte each. MediaError for times beyond all sense,
    and for more packets than a unit may have.

    A packet's time is the one before's and a step, which is that between the first two shown; where it isn't, how far
    it is from that is listed.
    """
    if len(packets) > LIMITS.packets:
        raise MediaError(f"{len(packets):,} packets of a unit are too many: the limit is {LIMITS.packets:,}")
    shown = sorted(p.pts for p in packets)
    if max(-shown[0], shown[-1]) >= _LIMIT:
        raise MediaError("a frame is shown years after the one before it; cut the video there")
    step = shown[1] - shown[0] if len(shown) > 1 else 1
    off = [b.pts - a.pts - step for a, b in pairwise(packets)]
    fields = [len(packets), _LISTED if any(off) else _STEADY, _zigzag(packets[0].pts), step]
    fields += [2 * len(p.data) + p.key for p in packets]
    if any(off):
        fields += map(_zigzag, off)
    return b"".join([*map(varint, fields), *(p.data for p in packets)])


def unpack(payload: bytes) -> list[Packet]:
    """The inverse of `pack`; FormatError for what it would not have written."""
    cursor = Cursor(payload, "section 'B'")
    count, kind, first, step = (cursor.varint() for _ in range(4))
    if not 0 < count <= min(len(payload), LIMITS.packets) or kind > _LISTED or max(first, step) >= _LIMIT or not step:
        raise _damaged()
    sizes = [cursor.varint() for _ in range(count)]
    off = [_signed(cursor.varint()) for _ in range(count - 1)] if kind == _LISTED else [0] * (count - 1)
    times = list(accumulate([_signed(first), *(step + d for d in off)]))
    if sum(size >> 1 for size in sizes) != len(payload) - cursor.position or min(sizes) < 2:
        raise _damaged()
    if max(map(abs, times)) >= _LIMIT or len(set(times)) < count:
        raise _damaged()
    packets = [Packet(pts, bool(size & 1), cursor.take(size >> 1)) for pts, size in zip(times, sizes, strict=True)]
    if pack(packets)[: cursor.position] != payload[: cursor.position]:
        raise _damaged()
    return packets


def begins_chain(packets: Sequence[Packet]) -> bool:
    """Whether decoding can begin with these: the first one is a key packet that is shown before all others."""
    first, *rest = packets
    return first.key and all(packet.pts > first.pts for packet in rest)


def reordering(packets: Iterable[Packet]) -> int:
    """How many pictures a player holds back: the most packets in front of one that are shown after it."""
    held: list[int] = []
    most = 0
    for packet in packets:
        most = max(most, sum(pts > packet.pts for pts in held))
        held = sorted([*held, packet.pts])[-64:]
    return most


def seconds(header: Header, units: Iterable[Unit], frames: int) -> Fraction:
    """How long a video of so many frames is: to the end of its last picture where packets say when that is shown."""
    assert header.rate is not None
    last = header.metadata.get("last")
    held = unpack_last(last) if last else 1 / header.rate
    shown = max((p.pts for unit in units if unit.packets for p in unpack(unit.packets)), default=None)
    if shown is None or header.stream is None:
        return (frames - 1) / header.rate + held
    return shown * header.stream.tick + held


def _zigzag(value: int) -> int:
    return 2 * value if value >= 0 else -2 * value - 1


def _signed(value: int) -> int:
    return -(value + 1 >> 1) if value & 1 else value >> 1


def _damaged() -> FormatError:
    return FormatError("damaged: section 'B' does not hold packets; get a whole copy of the file")
