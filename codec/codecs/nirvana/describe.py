"""What a video's file is made of: its base, and what each group uses and has of it. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from codec.codecs.base import UnitsDescription, no_description
from codec.codecs.nirvana import filters, references
from codec.codecs.nirvana.head import made
from codec.codecs.nirvana.references import GAINS, Reference
from codec.container import Header, Unit
from codec.standard.encoders import ENCODERS

GAIN_STEPS = 20  # of a dB


def gains(unit: Unit) -> tuple[float, float, float]:
    """How many dB a group's Y, U and V are better than its base's."""
    y, u, v = (value / GAIN_STEPS for value in unit.payload[:GAINS] or bytes(GAINS))
    return y, u, v


def _said(one: Reference) -> str:
    sessions = "session" if one.distance == 1 else "sessions"
    return f"{one.names} from unit {one.unit} of {one.distance} {sessions} back"


def describe(header: Header, units: Sequence[Unit]) -> UnitsDescription:
    """The base, the bytes of both, and each group; nothing of the paper's network."""
    if header.stream is None:
        return no_description(header, units)
    base, factor, effort = made(header)
    values: dict[str, Any] = {"standard": header.stream.standard, "base": base or "kept"}
    how = "as the source had it"
    if base:
        encoder = ENCODERS[base]
        preset = encoder.presets[effort - 1] if 1 <= effort <= len(encoder.presets) else "?"
        values |= {"crf": factor, "preset": preset, "effort": effort}
        how = f"{base}, crf {factor:g}, preset {preset}"
    groups, remarks = [], []
    for unit in units:
        group: dict[str, Any] = {"network_bytes": len(unit.payload)}
        remark = ""
        if unit.payload:
            y, u, v = gains(unit)
            begins, payload = references.split(unit.payload)
            uses = filters.describe(payload)
            group |= {"gain": [round(gain, 2) for gain in (y, u, v)], "uses": uses}
            said = ", ".join(f"{name} {what}" for name, what in uses.items())
            remark = f"network {len(unit.payload):,}: Y +{y:.2f} U +{u:.2f} V +{v:.2f} dB ({said})"
            if begins:
                group["begins"] = [{"back": one.distance, "unit": one.unit, "planes": one.names} for one in begins]
                remark += "; " + ", ".join(map(_said, begins))
        groups.append(group)
        remarks.append(remark)
    stream, networks = (sum(len(getattr(unit, part)) for unit in units) for part in ("packets", "payload"))
    frames = sum(unit.frames for unit in units)
    y, u, v = (round(sum(gains(unit)[i] * unit.frames for unit in units) / max(frames, 1), 2) for i in range(3))
    values |= {"base_bytes": stream, "network_bytes": networks, "gain": [y, u, v], "groups": groups}
    rows = {
        "base": f"{header.stream.standard}, {stream:,} bytes ({how})",
        "networks": f"{networks:,} bytes" + (f", Y +{y:.2f} dB, U +{u:.2f}, V +{v:.2f}" if networks else ""),
    }
    return UnitsDescription(values, rows, remarks)
