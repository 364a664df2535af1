"""JPEG files that codecs made smaller and gave back byte for byte: bytes against the JPEGs', by folder and quality."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from codec.evaluate.summary import Table, table
from codec.metrics.statistics import interval

Row = dict[str, Any]


def is_of_a_jpeg(row: Row) -> bool:
    """Whether a row is of a JPEG file made smaller, and not of a picture."""
    return isinstance(row.get("bytes"), int) and isinstance(row.get("file_bytes"), int) and row["file_bytes"] > 0


@dataclass(frozen=True)
class Kept:
    """What a codec makes of a group: bytes of all its files, the change against the JPEGs' in per cent with its 95 %
    interval over files, and mean seconds a file (None without times)."""

    codec: str
    bytes: int
    change: float
    low: float
    high: float
    encode_s: float | None
    decode_s: float | None


@dataclass(frozen=True)
class Group:
    """JPEGs of one `folder` that were coded alike: `kind`, in words, "" if it isn't known. `bpp`: of the JPEGs."""

    folder: str
    kind: str
    files: int
    file_bytes: int
    bpp: float
    codecs: list[Kept]


@dataclass(frozen=True)
class Jpegs:
    """`groups`, and `whole` for all files together, of those that every codec has; `rows` are all."""

    rows: list[Row]
    groups: list[Group]
    whole: Group | None

    @property
    def specs(self) -> list[str]:
        """The codecs in the order of the rows."""
        return list(dict.fromkeys(row["codec"] for row in self.rows))


def jpegs(rows: Sequence[Row]) -> Jpegs | None:
    """What there is to say of such rows, None without any."""
    if not rows:
        return None
    shared = table(rows)
    one = next(iter(shared.values()), {})
    base = _common([os.path.dirname(file) for file in one])
    by: dict[tuple[str, str], list[str]] = {}
    for file, row in one.items():
        place = os.path.relpath(os.path.dirname(file), base) if base else os.path.dirname(file)
        by.setdefault((place, str(row.get("file_kind") or "")), []).append(file)
    groups = [_group(shared, folder, kind, files) for (folder, kind), files in sorted(by.items())]
    return Jpegs(list(rows), groups, _group(shared, "", "", list(one)) if one else None)


def _common(folders: Iterable[str]) -> str:
    """The folder that all are in, "" if there is none."""
    try:
        return os.path.commonpath(list(folders))
    except ValueError:  # none at all, relative and absolute names, several drives
        return ""


def _group(shared: Table, folder: str, kind: str, files: list[str]) -> Group:
    first = [next(iter(shared.values()))[f] for f in files]
    size, pixels = sum(r["file_bytes"] for r in first), sum(r.get("pixels", 0) for r in first)
    kept = []
    for codec, rows in shared.items():
        own = [rows[f] for f in files]
        sizes = np.array([[r["bytes"], r["file_bytes"]] for r in own], np.float64)
        change, low, high = (100 * (v - 1) for v in interval(sizes, None, "ratio"))
        times = [_mean([r.get(name) for r in own]) for name in ("encode_s", "decode_s")]
        kept.append(Kept(codec, int(sizes[:, 0].sum()), change, low, high, times[0], times[1]))
    return Group(folder, kind, len(files), size, 8 * size / pixels if pixels else float("nan"), kept)


def _mean(values: list[Any]) -> float | None:
    return float(np.mean(values)) if all(isinstance(v, (int, float)) for v in values) else None
