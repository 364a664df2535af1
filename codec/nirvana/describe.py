"""What a file says of itself, for `codec info`: its base, and what each group uses and has of it. No torch."""

from __future__ import annotations

from typing import Any

from codec.container import Header, Unit
from codec.container.fields import Cursor
from codec.errors import FormatError
from codec.nirvana import filters
from codec.nirvana.codec import HYBRID
from codec.nirvana.sine.units import parse
from codec.standard.encoders import ENCODERS, STEPS
from codec.standard.packets import begins_chain, unpack

KEPT = 0  # in place of an encoder's number: the packets are the source's
GAINS = 3  # bytes in front of what the filters wrote: how much Y, U and V gained
GAIN_STEPS = 20  # of a dB


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
        return parse(unit, 0, header.rate).key
    return bool(unit.packets) and begins_chain(unpack(unit.packets))


def gains(unit: Unit) -> tuple[float, float, float]:
    """How many dB a group's Y, U and V are better than its base's."""
    y, u, v = (value / GAIN_STEPS for value in unit.payload[:GAINS] or bytes(GAINS))
    return y, u, v


def summary(header: Header, units: list[Unit]) -> dict[str, Any]:
    """The base, the bytes of both, and each group; nothing of the paper's network."""
    if header.stream is None:
        return {}
    base, factor, effort = made(header)
    values: dict[str, Any] = {"standard": header.stream.standard, "base": base or "kept"}
    if base:
        encoder = ENCODERS[base]
        preset = encoder.presets[effort - 1] if 1 <= effort <= len(encoder.presets) else "?"
        values |= {"crf": factor, "preset": preset, "effort": effort}
    groups = []
    for unit in units:
        found: dict[str, Any] = {"network_bytes": len(unit.payload)}
        if unit.payload:
            found |= {"gain": [round(gain, 2) for gain in gains(unit)], "uses": filters.describe(unit.payload[GAINS:])}
        groups.append(found)
    values["base_bytes"] = sum(len(unit.packets) for unit in units)
    values["network_bytes"] = sum(len(unit.payload) for unit in units)
    frames = sum(unit.frames for unit in units)
    values["gain"] = [round(sum(gains(u)[i] * u.frames for u in units) / max(frames, 1), 2) for i in range(3)]
    return {**values, "groups": groups}
