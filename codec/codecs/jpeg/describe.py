"""What `codec info` says of a JPEG that is kept: its kind, and what is in it beside the picture."""

from __future__ import annotations

from collections.abc import Sequence

from codec.codecs.base import UnitsDescription
from codec.codecs.jpeg.payload import Parts, file_size, unpack
from codec.container import Header, Unit
from codec.media.jpeg_bits import told


def describe(header: Header, units: Sequence[Unit]) -> UnitsDescription:
    """See Descriptor."""
    size = file_size(header)
    parts = unpack(units[0].payload)
    if not isinstance(parts, Parts):
        return UnitsDescription({}, {"jpeg": f"{size:,} bytes, as they are or by LZMA"}, [""])
    kind, kept = told(parts.rest)
    saved = 1 - len(units[0].payload) / size if size else 0.0
    rows = {"jpeg": f"{kind}; {size:,} bytes, {100 * saved:.1f} % less here"}
    if kept:
        rows["in it"] = ", ".join(f"{name} {count:,} bytes" for name, count in kept.items())
    return UnitsDescription({"jpeg": kind, "kept": kept}, rows, [f"{len(parts.rest):,} bytes beside the coefficients"])
