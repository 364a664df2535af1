"""A report as plain values that the page's script reads: infinities as "inf", missing ones as null."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from codec.evaluate.plan import ORIGINAL
from codec.evaluate.summary import of_classes
from codec.report.curves import Curves, family
from codec.report.data import Report, Row, Section
from codec.report.gaps import gap
from codec.report.jpegs import Group, Jpegs

# Before the measures in the table of items; what else a row holds comes after them.
_FIRST = ("bytes", "file_bytes", "pixels", "bpp", "seconds", "kbps")
_LAST = ("encode_s", "decode_s", "encode_cpu_s", "decode_cpu_s")


def as_json(report: Report) -> dict[str, Any]:
    """All that the page shows but for pictures."""
    found = {
        "title": report.title,
        "sections": [_section_json(s) for s in report.sections],
        "jpegs": None if report.jpegs is None else _jpegs_json(report.jpegs),
        "errors": [{k: str(r.get(k, "")) for k in ("file", "codec", "error")} for r in report.errors],
    }
    shown: dict[str, Any] = plain(found)
    return shown


def _section_json(s: Section) -> dict[str, Any]:
    return {
        "media": s.media,
        "rate": s.rate,
        "anchor": s.anchor,
        "files": len(s.files),
        "common": len(s.common),
        "specs": s.specs,
        "codecs": _codecs(s.rows, s.specs),
        "models": _models(s.rows),
        "measures": [_curves_json(s, c) for c in s.curves],
        "seconds": s.seconds,
        "cpu_seconds": s.cpu_seconds,
        "archives": s.archives,
        "items": _items(s.rows, s.specs),
    }


def _curves_json(s: Section, c: Curves) -> dict[str, Any]:
    m = c.measure
    return {
        "name": m.name,
        "label": m.label,
        "unit": m.unit,
        "task": m.task,
        "higher": m.key.higher_is_better,
        "decibels": m.in_decibels,
        "files": len(c.files),
        "top": c.top,
        "points": {
            codec: [
                {
                    "spec": p.spec,
                    "rate": p.rate,
                    "value": p.value,
                    "low": p.low,
                    "high": p.high,
                    "least": p.least,
                    "most": p.most,
                    "change": p.change,
                    "flips": p.flips,
                }
                for p in line
            ]
            for codec, line in c.points.items()
        },
        "published": [{"name": p.name, "points": p.curves[m.name]} for p in s.published if m.name in p.curves],
        "bd": {
            anchor: [
                {"codec": b.codec, "value": b.value, "low": b.low, "high": b.high, "overlap": b.overlap,
                 "why": b.why, "points": b.points, "thin": b.thin}
                for b in found
            ]
            for anchor, found in s.against[m.name].items()
        },
        "equal": [
            {"codec": e.codec, "share": e.share, "score": e.score, "rate": e.rate, "why": e.why}
            for e in s.equal.get(m.name, [])
        ],
    }  # fmt: skip


def _codecs(rows: Sequence[Row], specs: Sequence[str]) -> list[dict[str, Any]]:
    """The codecs with all that their rows say of how they were made: several where rows are of several versions."""
    found: dict[str, dict[str, dict[str, None]]] = {family(spec): {"settings": {}, "devices": {}} for spec in specs}
    for row in rows:
        for key, name in (("settings", "settings"), ("devices", "device")):
            if row["codec"] != ORIGINAL and row.get(name):
                found[family(row["codec"])][key][str(row[name])] = None
    return [{"name": name} | {k: list(v) for k, v in told.items()} for name, told in found.items()]


def _items(rows: Sequence[Row], specs: Sequence[str]) -> dict[str, Any]:
    """The table of single files: every number of the rows, in columns; `file` and `spec` are places in lists. `gaps`:
    by reason the cells that are missing, counted along the rows."""
    numbers = dict.fromkeys(k for r in rows for k, v in r.items() if isinstance(v, (int, float)))
    other = [k for k in numbers if k not in _FIRST + _LAST and not k.startswith(("sec.", "archive."))]
    middle = [k for k in other if not of_classes(k)]  # of which there may be hundreds
    columns = [k for k in (*_FIRST, *middle, *_LAST) if k in numbers]
    files, specs = list(dict.fromkeys(r["file"] for r in rows)), [ORIGINAL, *specs]
    place, number = {f: i for i, f in enumerate(files)}, {c: i for i, c in enumerate(specs)}
    gaps: dict[str, list[int]] = {}
    cells = []
    for i, row in enumerate(rows):
        values = [plain(_numeric(row.get(k))) for k in columns]
        for j, (name, value) in enumerate(zip(columns, values, strict=True)):
            if value is None:
                gaps.setdefault(gap(row, name), []).append(i * len(columns) + j)
        cells.append([place[row["file"]], number[row["codec"]], *values])
    return {"files": files, "specs": specs, "columns": columns, "rows": cells, "gaps": gaps}


def _jpegs_json(found: Jpegs) -> dict[str, Any]:
    return {
        "specs": found.specs,
        "codecs": _codecs(found.rows, found.specs),
        "files": len({r["file"] for r in found.rows}),
        "groups": [_group_json(g) for g in found.groups],
        "whole": None if found.whole is None else _group_json(found.whole),
        "items": _items(found.rows, found.specs),
    }


def _group_json(g: Group) -> dict[str, Any]:
    return vars(g) | {"codecs": {one.codec: vars(one) for one in g.codecs}}


def _models(rows: list[Row]) -> dict[str, list[str]]:
    """Which models the tasks' scores are of; more than one is a warning that the rows don't belong together."""
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        for key, value in row.items():
            if key.startswith("task.") and key.endswith(".model") and isinstance(value, str):
                found.setdefault(key.split(".")[1], {})[value] = None
    return {task: list(names) for task, names in found.items()}


def _numeric(value: Any) -> Any:
    return value if isinstance(value, (int, float)) else None


def plain(value: Any) -> Any:
    """Values as strict JSON has them."""
    if isinstance(value, (tuple, list)):
        return [plain(v) for v in value]
    if isinstance(value, Mapping):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "inf" if value > 0 else "-inf"
    return value
