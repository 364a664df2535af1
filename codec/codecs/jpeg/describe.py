"""What `codec info` says of a JPEG that is kept: its kind, and what is in it beside the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from codec.codecs.base import UnitsDescription
from codec.codecs.jpeg.payload import Parts, file_size, unpack, whole
from codec.container import Header, Unit
from codec.media.jpeg_bits import held, told


def describe(header: Header, units: Sequence[Unit]) -> UnitsDescription:
    """See Descriptor."""
    size = file_size(header)
    parts = unpack(units[0].payload)
    if isinstance(parts, Parts):
        kind, kept = told(parts.rest)
        values = {"jpeg": kind, "kept": kept}
        saved = 1 - len(units[0].payload) / size if size else 0.0
        said = f"{kind}; {size:,} bytes, {100 * saved:.1f} % less here"
        remark = f"{len(parts.rest):,} bytes beside the coefficients"
    else:
        kept = held(whole(parts, size))
        values = {"kept": kept}
        said, remark = f"{size:,} bytes, as they are or by LZMA", ""
    beside = {name: len(value) for name, value in header.metadata.items()}
    found = [_listed(beside)] if beside else []
    found += [f"in the JPEG: {_listed(kept)}"] if kept else []
    rows = {"metadata": "; ".join(found) or "none", "jpeg": said}
    return UnitsDescription(values, rows, [remark])


def _listed(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {size:,} bytes" for name, size in sizes.items())
