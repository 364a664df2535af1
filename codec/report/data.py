"""Everything that the page and the tables show, worked out from rows: one Section for pictures, one for sound."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from codec.errors import CodecError
from codec.evaluate.plan import ORIGINAL
from codec.evaluate.sessions import sessions
from codec.evaluate.summary import Table, table
from codec.report.compare import Comparison, Equal, bd_rates, equal_quality
from codec.report.curves import Curves, curves, family
from codec.report.measures import measures, metric
from codec.report.published import Published

Row = dict[str, Any]

_RATES = {"audio": "kbps"}
_ANCHORS = {"audio": "mp3", "image": "jpeg", "video": "x264"}
# Before the measures in the table of items; what else a row holds comes after them.
_FIRST = ("bytes", "pixels", "bpp", "seconds", "kbps")
_LAST = ("encode_s", "decode_s")


@dataclass(frozen=True)
class Section:
    """The rows of one kind of media: `rate` is the field of their rate, `common` the files that means are over."""

    media: str
    rate: str
    anchor: str
    rows: list[Row]
    common: list[str]
    curves: list[Curves]
    bd: dict[str, list[Comparison]]  # by measure
    equal: dict[str, list[Equal]]
    seconds: dict[str, tuple[float, float]]  # by spec: means of encode_s and decode_s
    archives: dict[str, list[Row]]  # by spec: codec.evaluate.sessions
    published: list[Published] = field(default_factory=list)

    @property
    def specs(self) -> list[str]:
        """The codecs as given, in the order of the rows, the original apart."""
        return list(dict.fromkeys(r["codec"] for r in self.rows if r["codec"] != ORIGINAL))

    @property
    def files(self) -> list[str]:
        return list(dict.fromkeys(r["file"] for r in self.rows))


@dataclass(frozen=True)
class Report:
    """`errors`: rows of what failed."""

    title: str
    sections: list[Section]
    errors: list[Row]


def build(rows: Iterable[Row], published: Sequence[Published] = (), anchor: str = "", title: str = "") -> Report:
    """Work out a report. `anchor`: the codec, or the name of a published curve, that BD-rates are against; without
    one JPEG or MP3, or the first codec there is. CodecError if there is no such one, or nothing to report."""
    good: dict[str, list[Row]] = {"image": []} if published else {}
    errors = []
    for row in rows:
        if "error" in row:
            errors.append(row)
        else:
            good.setdefault(row.get("media", "image"), []).append(row)
    if not good:
        more = f"; all {len(errors)} rows are errors, the first: {errors[0]['error']}" if errors else ""
        raise CodecError(f"there are no rows to report{more}; give files that `codec evaluate -o` wrote")
    sections = [_section(media, r, list(published) if media == "image" else [], anchor) for media, r in good.items()]
    if anchor and not any(anchor == s.anchor for s in sections):
        names = {family(spec) for s in sections for spec in s.specs} | {p.name for p in published}
        raise CodecError(f"no codec {anchor!r} to be the anchor; choose one of {', '.join(sorted(names))}")
    return Report(title or "Evaluation of codecs", sections, errors)


def _section(media: str, rows: list[Row], published: list[Published], anchor: str) -> Section:
    rate = _RATES.get(media, "bpp")
    shared = table(r for r in rows if r.get(rate))
    codecs = list(dict.fromkeys(family(r["codec"]) for r in rows if r["codec"] != ORIGINAL))
    names = [*codecs, *(p.name for p in published)]
    chosen = next((n for n in (anchor, _ANCHORS.get(media, ""), *names) if n in names), "")
    found = measures(shared)
    drawn = {m.name for m in found}
    new = dict.fromkeys(name for p in published for name in p.curves if name not in drawn)
    if not found:  # published curves alone
        found = [metric(name) for name in new]
    lines = [curves(shared, m, rate) for m in found]
    return Section(
        media, rate, chosen, rows, list(next(iter(shared.values()), {})), lines,
        bd={c.measure.name: bd_rates(c, published, chosen) for c in lines},
        equal={c.measure.name: equal_quality(c, chosen) for c in lines if c.measure.task},
        seconds=_seconds(shared),
        archives=sessions(rows),
        published=published,
    )  # fmt: skip


def _seconds(shared: Table) -> dict[str, tuple[float, float]]:
    """Mean times of every codec whose rows have them."""
    found = {}
    for spec, files in shared.items():
        times = [[row.get(name) for name in _LAST] for row in files.values()]
        if spec != ORIGINAL and all(isinstance(t, (int, float)) for pair in times for t in pair):
            encode, decode = (sum(t) / len(t) for t in zip(*times, strict=True))
            found[spec] = encode, decode
    return found


def as_json(report: Report) -> dict[str, Any]:
    """What the page's script reads: plain values, infinities as "inf", missing ones as null."""
    return {
        "title": report.title,
        "sections": [_section_json(s) for s in report.sections],
        "errors": [{k: str(r.get(k, "")) for k in ("file", "codec", "error")} for r in report.errors],
    }


def _section_json(s: Section) -> dict[str, Any]:
    settings = {family(r["codec"]): r["settings"] for r in s.rows if r.get("settings")}
    return {
        "media": s.media,
        "rate": s.rate,
        "anchor": s.anchor,
        "files": len(s.files),
        "common": len(s.common),
        "specs": s.specs,
        "codecs": [
            {"name": name, "settings": str(settings.get(name, ""))} for name in dict.fromkeys(map(family, s.specs))
        ],
        "models": _models(s.rows),
        "measures": [_curves_json(s, c) for c in s.curves],
        "seconds": s.seconds,
        "archives": plain(s.archives),
        "items": _items(s),
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
        "top": plain(c.top),
        "points": {
            codec: [
                {
                    "spec": p.spec,
                    "rate": p.rate,
                    "value": plain(p.value),
                    "low": plain(p.low),
                    "high": plain(p.high),
                    "change": plain(p.change),
                    "flips": plain(p.flips),
                }
                for p in line
            ]
            for codec, line in c.points.items()
        },
        "published": [{"name": p.name, "points": p.curves[m.name]} for p in s.published if m.name in p.curves],
        "bd": [
            {"codec": b.codec, "value": plain(b.value), "low": plain(b.low), "high": plain(b.high),
             "overlap": plain(b.overlap), "why": b.why, "points": b.points, "thin": b.thin}
            for b in s.bd[m.name]
        ],
        "equal": [
            {"codec": e.codec, "share": e.share, "score": e.score, "rate": e.rate, "why": e.why, "saving": e.saving}
            for e in s.equal.get(m.name, [])
        ],
    }  # fmt: skip


def _items(s: Section) -> dict[str, Any]:
    """The table of single files: every number of the rows, in columns; `file` and `spec` are places in lists."""
    numbers = dict.fromkeys(k for r in s.rows for k, v in r.items() if isinstance(v, (int, float)))
    middle = [k for k in numbers if k not in _FIRST + _LAST and not k.startswith(("sec.", "archive."))]
    columns = [k for k in (*_FIRST, *middle, *_LAST) if k in numbers]
    files, specs = s.files, [ORIGINAL, *s.specs]
    place, number = {f: i for i, f in enumerate(files)}, {c: i for i, c in enumerate(specs)}
    return {
        "files": files,
        "specs": specs,
        "columns": columns,
        "rows": [[place[r["file"]], number[r["codec"]], *(plain(_numeric(r.get(k))) for k in columns)] for r in s.rows],
    }


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
