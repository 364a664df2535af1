"""Everything that the page and the tables show, worked out from rows: a Section for pictures, sound and videos."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from codec.errors import CodecError
from codec.evaluate.plan import METRICS, ORIGINAL
from codec.evaluate.sessions import sessions
from codec.evaluate.summary import Table, table
from codec.report.compare import Comparison, Equal, bd_rates, equal_quality
from codec.report.curves import Curves, curves, family
from codec.report.jpegs import Jpegs, is_of_a_jpeg, jpegs
from codec.report.measures import measures, metric
from codec.report.published import Published, told_apart

Row = dict[str, Any]

_RATES = {"audio": "kbps"}
_ANCHORS = {"audio": "mp3", "image": "jpeg", "video": "x264"}
_TIMES, _CPU_TIMES = ("encode_s", "decode_s"), ("encode_cpu_s", "decode_cpu_s")


@dataclass(frozen=True)
class Section:
    """The rows of one kind of media: `rate` is the field of their rate, `common` the files that means are over."""

    media: str
    rate: str
    anchor: str
    rows: list[Row]
    common: list[str]
    curves: list[Curves]
    against: dict[str, dict[str, list[Comparison]]]  # by measure, then by anchor: BD-rates
    equal: dict[str, list[Equal]]
    seconds: dict[str, tuple[float, float]]  # by spec: means of encode_s and decode_s
    cpu_seconds: dict[str, tuple[float, float]]  # of encode_cpu_s and decode_cpu_s
    archives: dict[str, list[Row]]  # by spec: codec.evaluate.sessions
    published: list[Published] = field(default_factory=list)

    @property
    def bd(self) -> dict[str, list[Comparison]]:
        """By measure, BD-rates against the section's anchor."""
        return {name: found.get(self.anchor, []) for name, found in self.against.items()}

    @property
    def specs(self) -> list[str]:
        """The codecs as given, in the order of the rows, the original apart."""
        return list(dict.fromkeys(r["codec"] for r in self.rows if r["codec"] != ORIGINAL))

    @property
    def files(self) -> list[str]:
        return list(dict.fromkeys(r["file"] for r in self.rows))


@dataclass(frozen=True)
class Report:
    """`jpegs`: JPEG files made smaller, which are in no section; `errors`: rows of what failed."""

    title: str
    sections: list[Section]
    errors: list[Row]
    jpegs: Jpegs | None = None


def build(rows: Iterable[Row], published: Sequence[Published] = (), anchor: str = "", title: str = "") -> Report:
    """Work out a report. `anchor`: the codec, or the name of a published curve, that BD-rates are against; without
    one JPEG, MP3 or x264, or the first codec there is. CodecError if there is no such one, or nothing to report."""
    good: dict[str, list[Row]] = {}
    errors: list[Row] = []
    kept: list[Row] = []
    for row in rows:
        if "error" in row:
            errors.append(row)
        elif is_of_a_jpeg(row):
            kept.append(row)
        else:
            good.setdefault(row.get("media", "image"), []).append(row)
    if not good and not kept and not published:
        more = f"; all {len(errors)} rows are errors, the first: {errors[0]['error']}" if errors else ""
        raise CodecError(f"there are no rows to report{more}; give files that `codec evaluate -o` wrote")
    codecs = {family(row["codec"]) for r in good.values() for row in r}
    curves_of = [(_media(p), p) for p in told_apart(published, codecs)]
    for media, _ in curves_of:
        good.setdefault(media, [])
    sections = [_section(media, r, [p for of, p in curves_of if of == media], anchor) for media, r in good.items()]
    if anchor and not any(anchor == s.anchor for s in sections):
        names = {family(spec) for s in sections for spec in s.specs} | {p.name for _, p in curves_of}
        if not names:
            raise CodecError("what makes JPEG files smaller is measured against the JPEGs; leave the anchor out")
        raise CodecError(f"no codec {anchor!r} to be the anchor; choose one of {', '.join(sorted(names))}")
    return Report(title or "Evaluation of codecs", sections, errors, jpegs(kept))


def _media(published: Published) -> str:
    """What a published curve is of: planes have metrics of their own."""
    return "video" if published.curves.keys() & (set(METRICS["video"]) - set(METRICS["image"])) else "image"


def _section(media: str, rows: list[Row], published: list[Published], anchor: str) -> Section:
    rate = _RATES.get(media, "bpp")
    shared = table(r for r in rows if 0 < (r.get(rate) or 0) < math.inf)
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
        against={c.measure.name: bd_rates(c, published) for c in lines},
        equal={c.measure.name: equal_quality(c, chosen) for c in lines if c.measure.task},
        seconds=_seconds(shared, _TIMES),
        cpu_seconds=_seconds(shared, _CPU_TIMES),
        archives=sessions(rows),
        published=published,
    )  # fmt: skip


def _seconds(shared: Table, names: tuple[str, str]) -> dict[str, tuple[float, float]]:
    """Mean times of every codec whose rows have them."""
    found = {}
    for spec, files in shared.items():
        times = [[row.get(name) for name in names] for row in files.values()]
        if spec != ORIGINAL and all(isinstance(t, (int, float)) for pair in times for t in pair):
            encode, decode = (sum(t) / len(t) for t in zip(*times, strict=True))
            found[spec] = encode, decode
    return found
