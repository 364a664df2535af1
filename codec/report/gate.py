"""A bar that a report is held to: `s2lic:task.classify.agree>=0.9@bpp<=0.3`, for a build that fails below it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from codec.errors import CodecError
from codec.report.curves import Curves

_FORM = re.compile(r"(?:([^:<>=@]+):)?([^:<>=@]+)(>=|<=)([^<>=@]+)(?:@(bpp|kbps)<=([^<>=@]+))?")


@dataclass(frozen=True)
class Gate:
    """Some point of `codec` ("" any) must have `name` at least (or, not `at_least`, at most) `value`, at a rate of
    `limit` (in `unit`) or less."""

    text: str
    codec: str
    name: str
    at_least: bool
    value: float
    unit: str
    limit: float

    def failed(self, curves: Iterable[tuple[str, Curves]]) -> str:
        """Why no point passes, "" if one does, given (unit of the rate, curves). CodecError if nothing has the name."""
        lines = [c for unit, c in curves if c.measure.name == self.name and self.unit in ("", unit)]
        points = [p for c in lines for codec, line in c.points.items() if self.codec in ("", codec) for p in line]
        if not points:
            whose = f" of {self.codec}" if self.codec else ""
            raise CodecError(f"--gate {self.text}: the rows have no {self.name}{whose}; check the name")
        values = [p.value for p in points if p.rate <= self.limit]
        if not values:
            return f"no point at {self.limit:g} {self.unit} or less; the lowest is at {min(p.rate for p in points):.4g}"
        best = max(values) if self.at_least else min(values)
        if best >= self.value if self.at_least else best <= self.value:
            return ""
        return f"the best is {best:.4g}"


def parse_gate(text: str) -> Gate:
    """A gate from its text, [CODEC:]NAME>=VALUE[@bpp<=RATE]; CodecError for other texts.

    >>> parse_gate("psnr>=30@bpp<=0.5").limit
    0.5
    """
    match = _FORM.fullmatch(text.replace(" ", ""))
    try:
        if match is None:
            raise ValueError(text)
        codec, name, sign, value, unit, limit = match.groups()
        return Gate(text, codec or "", name, sign == ">=", float(value), unit or "", float(limit or "inf"))
    except ValueError:
        raise CodecError(
            f"--gate {text}: give [CODEC:]NAME>=VALUE[@bpp<=RATE], such as s2lic:task.classify.agree>=0.9@bpp<=0.3"
        ) from None
