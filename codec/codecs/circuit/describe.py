"""What the units of a lossless picture are, without decoding any."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from codec.codecs.base import UnitsDescription
from codec.codecs.circuit import methods
from codec.codecs.circuit.head import parse
from codec.container import Header, Unit


def describe(header: Header, units: Sequence[Unit]) -> UnitsDescription:
    """How many of each method, and whether a network was tuned."""
    tuned = parse(header).tuned
    counts = Counter(methods.NAMES[methods.method(unit.payload)] for unit in units[tuned:])
    text = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    text += ", the network tuned to the picture" if tuned else ""
    return UnitsDescription({"tuned": tuned, "methods": dict(counts)}, {"methods": text}, [""] * len(units))
