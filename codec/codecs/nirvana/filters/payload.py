"""A group's filters as bytes, and what they make of its frames.

The first byte has two bits a plane (Y the lowest): off, new, changed against the group before, or the same. Two bytes
of the symbols' checksum and the coded symbols follow where a plane is new or changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codec.codecs.checksum import compare
from codec.codecs.nirvana.filters.frames import Planes, check
from codec.codecs.nirvana.filters.model import Filter
from codec.codecs.nirvana.filters.run import run
from codec.codecs.nirvana.filters.weights import code_filter
from codec.entropy import Coder, Decoder, Encoder
from codec.errors import FormatError

OFF, NEW, CHANGED, SAME = range(4)
_NAMES = ("off", "new", "changed", "same")
_DAMAGED = "the filters of a group are damaged; get a whole copy of the file"
_HEAD = 3
LIMIT = 1 << 16  # bytes of a payload: a tenth of it is the most that ours take


@dataclass(frozen=True)
class State:
    """What a group inherits from the one before: the last filter of Y, U and V, None where there was none yet.

    `lent`: 0, or of one that is another chain's, how many quarters of its weights remain, as far as the coder knows. A
    group goes on from those that are lent or forgets them.
    """

    filters: tuple[Filter | None, Filter | None, Filter | None] = (None, None, None)
    lent: tuple[int, int, int] = (0, 0, 0)


def apply(base: Sequence[Planes], payload: bytes, depth: int, state: State | None) -> tuple[list[Planes], State]:
    """The frames of a group as its payload improves them, and the next group's state.

    `base`: what the standard decoder gave, planes of `depth` 8 (uint8) or 10 (uint16), exactly as at `fit`; `state`: of
    the group before, None where a chain starts. The same samples on every machine. Raises FormatError or DesyncError
    for a damaged payload, CodecError for frames that it can't be of.
    """
    check(base, depth)
    filters, state = unpack(payload, state or State())
    return list(run(base, depth, filters)), state


def replay(payload: bytes, state: State | None) -> State:
    """The next group's state, as `apply` gives it, without frames."""
    return unpack(payload, state or State())[1]


def describe(payload: bytes) -> dict[str, object]:
    """The bytes of a payload and what each plane uses: off, new, changed against the group before, or the same."""
    modes = _modes(payload)
    return {"bytes": len(payload)} | {name: _NAMES[mode] for name, mode in zip("yuv", modes, strict=True)}


def pack(filters: Sequence[Filter | None], modes: Sequence[int], state: State) -> bytes:
    """The payload of filters, each coded by its mode."""
    if not any(modes):
        return b""
    head = bytes([sum(mode << (2 * plane) for plane, mode in enumerate(modes))])
    if all(mode in (OFF, SAME) for mode in modes):
        return head
    coder = Encoder()
    _code(coder, filters, modes, state)
    return head + (coder.checksum & 0xFFFF).to_bytes(2, "little") + coder.finish()


def unpack(payload: bytes, state: State) -> tuple[tuple[Filter | None, ...], State]:
    """The filters of a payload, None for planes that stay, and the next group's state."""
    modes = _modes(payload)
    for mode, before, lent in zip(modes, state.filters, state.lent, strict=True):
        if (before is None or lent) and (mode in (CHANGED, SAME)) != bool(lent):
            raise FormatError(_DAMAGED)
    if all(mode in (OFF, SAME) for mode in modes):
        if len(payload) > 1:
            raise FormatError(_DAMAGED)
        filters = [before if mode == SAME else None for mode, before in zip(modes, state.filters, strict=True)]
    else:
        if len(payload) < _HEAD:
            raise FormatError(_DAMAGED)
        coder = Decoder(payload[_HEAD:])
        filters = _code(coder, None, modes, state)
        compare(coder.checksum & 0xFFFF, int.from_bytes(payload[1:_HEAD], "little"), "the filters of a group")
        coder.finish()
    return tuple(filters), following(filters, state)


def following(filters: Sequence[Filter | None], state: State) -> State:
    """What the group after one with these filters inherits."""
    kept = (None if lent else old for old, lent in zip(state.filters, state.lent, strict=True))
    y, u, v = (new or old for new, old in zip(filters, kept, strict=True))
    return State((y, u, v))


def _code(
    coder: Coder, filters: Sequence[Filter | None] | None, modes: Sequence[int], state: State
) -> list[Filter | None]:
    """The filters of all planes, in both directions."""
    result: list[Filter | None] = []
    axes: tuple[int, ...] | None = None  # of U, which are V's too
    for plane, mode in enumerate(modes):
        before = state.filters[plane]
        if mode in (NEW, CHANGED):
            which = None if filters is None else filters[plane]
            before = before if mode == CHANGED else None
            made = code_filter(coder, plane, which, before, axes, state.lent[plane])
            axes = made.settings if plane == 1 and mode == NEW else axes
            result.append(made)
        else:
            result.append(before if mode == SAME else None)
    return result


def _modes(payload: bytes) -> list[int]:
    """The modes of Y, U and V. FormatError for a payload that can't be one."""
    if len(payload) > LIMIT or (payload and (payload[0] > 63 or not payload[0])):
        raise FormatError(_DAMAGED)
    return [(payload[0] if payload else 0) >> (2 * plane) & 3 for plane in range(3)]
