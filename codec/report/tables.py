"""A report as tables: CSV for further work, Markdown to paste into a text."""

from __future__ import annotations

import csv
import io
import math

from codec.report.compare import Comparison
from codec.report.curves import Curves, Point
from codec.report.data import Report, Section
from codec.report.jpegs import Jpegs

# What is said of a session of an archive: title, name in codec.evaluate.sessions, format.
_SESSION = (
    ("bytes", "bytes", ","), ("of them the entry", "entry", ","), ("PSNR 6:1:1", "psnr", ".3f"),
    ("alone: bytes", "alone_bytes", ","), ("alone: PSNR", "alone_psnr", ".3f"), ("frames", "frames", ","),
    ("shared", "shared", ","), ("networks begun", "begun", ","), ("weights reused", "reused", ".0%"),
    ("backward transfer", "backward", ".3f"), ("changed", "changed", ","),
)  # fmt: skip


def csv_table(report: Report) -> str:
    """One line a codec and setting; each measure has its value and the ends of its interval, empty where not known. Of
    codecs that make JPEG files smaller `file_percent` says by how much."""
    names = list(dict.fromkeys(c.measure.name for s in report.sections for c in s.curves))
    smaller = ["file_percent"] * (report.jpegs is not None)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    ends = ("", ".low", ".high")
    head = ["media", "codec", "files", "bpp", "kbps", "encode_s", "decode_s", *smaller]
    writer.writerow([*head, *(n + e for n in names for e in ends)])
    for s in report.sections:
        for spec, points in _points(s).items():
            rate = _rate(s, points)
            rates = [rate if s.rate == unit else None for unit in ("bpp", "kbps")]
            values = [(p.value, p.low, p.high) if (p := points.get(n)) else (None,) * 3 for n in names]
            line = [s.media, spec, len(s.common), *rates, *s.seconds.get(spec, (None, None)), *[None for _ in smaller]]
            writer.writerow(["" if v is None or v != v else v for v in [*line, *sum(values, ())]])
    if report.jpegs is not None and report.jpegs.whole is not None:
        whole, nothing = report.jpegs.whole, [""] * (len(names) * len(ends))
        for one in whole.codecs:
            rate = one.bytes / whole.file_bytes * whole.bpp
            line = ["jpeg", one.codec, whole.files, rate, None, one.encode_s, one.decode_s, one.change]
            writer.writerow(["" if v is None or v != v else v for v in line] + nothing)
    return buffer.getvalue()


def markdown_table(report: Report) -> str:
    """The settings of each codec, BD-rates and the rates of equal quality, a table each."""
    parts = [f"# {_escaped(report.title)}"]
    for s in report.sections:
        kind = {"audio": "Sound", "video": "Videos"}.get(s.media, "Pictures")
        means = f"Means over {len(s.common)} of {len(s.files)} files, those that every codec has."
        parts += [f"## {kind}", means if s.files else ""]
        points = _points(s)
        if points:
            head = ["codec", s.rate, *(c.measure.name for c in s.curves)]
            parts.append(_table(head, [_settings(s, spec, p) for spec, p in points.items()]))
        parts += [_bd_table(s), *_equal_tables(s), *_archive_tables(s)]
    parts += _jpeg_table(report.jpegs)
    if report.errors:
        lines = [[r["file"], r["codec"], str(r["error"])] for r in report.errors]
        parts.append(f"## Errors\n\n{_table(['file', 'codec', 'error'], lines)}")
    return "\n\n".join(p for p in parts if p) + "\n"


def _points(s: Section) -> dict[str, dict[str, Point]]:
    """The points by spec, then by measure."""
    found: dict[str, dict[str, Point]] = {}
    for c in s.curves:
        for line in c.points.values():
            for p in line:
                found.setdefault(p.spec, {})[c.measure.name] = p
    return {spec: found[spec] for spec in s.specs if spec in found}


def _rate(s: Section, points: dict[str, Point]) -> float:
    """The mean rate over the files of the measure that has most of them."""
    most = max((c for c in s.curves if c.measure.name in points), key=lambda c: len(c.files))
    return points[most.measure.name].rate


def _settings(s: Section, spec: str, points: dict[str, Point]) -> list[str]:
    cells = []
    for c in s.curves:
        p = points.get(c.measure.name)
        cells.append("" if p is None else _score(p) if c.measure.task else _number(p.value))
    return [spec, _number(_rate(s, points)), *cells]


def _score(p: Point) -> str:
    return f"{_number(p.value)} [{_number(p.low)}, {_number(p.high)}]"


def _bd_table(s: Section) -> str:
    shown = [c for c in s.curves if s.bd[c.measure.name]]
    if not shown:
        return ""
    names = list(dict.fromkeys(b.codec for c in shown for b in s.bd[c.measure.name]))
    by = [{b.codec: b for b in s.bd[c.measure.name]} for c in shown]
    lines = [[name, *(_bd(c, found.get(name)) for c, found in zip(shown, by, strict=True))] for name in names]
    head = ["codec", *(c.measure.name for c in shown)]
    title = f"### BD-rate against {_escaped(s.anchor)}"
    return (
        f"{title}\n\nBelow 0 saves bits; in brackets the 95 % interval, then what it is over.\n\n{_table(head, lines)}"
    )


def _bd(c: Curves, b: Comparison | None) -> str:
    if b is None:
        return ""
    if b.value is None:
        return f"n/a: {b.why}"
    interval = "" if math.isnan(b.low) else f" [{b.low:+.1f}, {b.high:+.1f}]"
    unit = f" {c.measure.unit}" if c.measure.unit else ""
    points = f", {b.points} points only" if b.thin else ""
    return f"{b.value:+.1f} %{interval}, {_number(b.overlap[0])} to {_number(b.overlap[1])}{unit}{points}"


def _equal_tables(s: Section) -> list[str]:
    found = []
    for name, rates in s.equal.items():
        shares = list(dict.fromkeys(e.share for e in rates))
        lines = []
        for codec in dict.fromkeys(e.codec for e in rates):
            own = [e for e in rates if e.codec == codec]
            saved = ["" if e.saving is None else f" ({e.saving:+.0f} %)" for e in own]
            lines.append([codec, *(_at(e.rate, e.why) + t for e, t in zip(own, saved, strict=True))])
        if lines:
            head = ["codec", *(f"{100 * share:g} %" for share in shares)]
            title = f"### {s.rate} at shares of the uncompressed {_escaped(name)}"
            found.append(f"{title}\n\nIn brackets the change against {_escaped(s.anchor)}.\n\n{_table(head, lines)}")
    return found


def _archive_tables(s: Section) -> list[str]:
    note = (
        "One archive, session after session. Backward transfer: PSNR after later sessions less that at first, the "
        "furthest from 0; changed: after how many of these its SHA-256 was another."
    )
    head = ["file", *(title for title, _, _ in _SESSION)]
    found = []
    for spec, lines in s.archives.items():
        cells = [
            [one["file"], *("" if one[key] is None else format(one[key], how) for _, key, how in _SESSION)]
            for one in lines
        ]
        found.append(f"### Sessions of {_escaped(spec)}\n\n{note}\n\n{_table(head, cells)}")
    return found


def _jpeg_table(found: Jpegs | None) -> list[str]:
    """Bytes against the JPEGs' by folder and kind."""
    if found is None or found.whole is None:
        return []
    note = "Bytes of all files of a line against the JPEGs' own, in brackets the 95 % interval over files."
    head = ["JPEGs", "files", "bytes", *(one.codec for one in found.whole.codecs)]
    names = [": ".join(filter(None, (g.folder, g.kind))) for g in found.groups]
    lines = [
        [
            name,
            str(g.files),
            f"{g.file_bytes:,}",
            *(f"{k.change:+.1f} % [{k.low:+.1f}, {k.high:+.1f}]" for k in g.codecs),
        ]
        for name, g in zip([*names, "all together"], [*found.groups, found.whole], strict=True)
    ]
    return [f"## JPEG files\n\n{note}\n\n{_table(head, lines)}"]


def _at(rate: float | None, why: str) -> str:
    return why if rate is None else _number(rate)


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.4g}"


def _table(head: list[str], lines: list[list[str]]) -> str:
    rule = ["---", *("---:" for _ in head[1:])]
    return "\n".join(f"| {' | '.join(map(_escaped, line))} |" for line in ([head, rule, *lines]))


def _escaped(text: str) -> str:
    """Text that stays one cell and is no markup."""
    line = " ".join(text.split())
    return "".join(f"\\{c}" if c in "\\|<>`*[]_" else c for c in line)
