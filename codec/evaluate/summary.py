"""Rows become a table: means over the files that all compare, scores with intervals, BD-rates against an anchor."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache

import numpy as np

from codec.evaluate.plan import ORIGINAL
from codec.evaluate.rows import Row
from codec.metrics import decibels, lower_is_better
from codec.metrics.statistics import BD, bd_rate_by_score, bd_rate_of, interval, pooled
from codec.tasks import TASKS, create
from codec.tasks.base import Key

Table = dict[str, dict[str, Row]]  # codec -> file -> row
_NOT_METRICS = {"file", "codec", "media", "bytes", "pixels", "bpp", "seconds", "kbps", "kbps_payload", "encode_s",
                "decode_s", "encode_cpu_s", "decode_cpu_s", "device", "settings", "content", "kept", "delay", "error",
                "frames", "notes", "file_bytes", "file_kind"}  # fmt: skip


def table(rows: Iterable[Row]) -> Table:
    """Rows without errors by codec and file, for the files that every codec has."""
    by_codec: Table = defaultdict(dict)
    for row in rows:
        if "error" not in row:
            by_codec[row["codec"]][row["file"]] = row
    common = sorted(set.intersection(*(set(v) for v in by_codec.values()))) if by_codec else []
    return {codec: {f: files[f] for f in common} for codec, files in by_codec.items()} if common else {}


def metric_keys(rows: Table) -> list[str]:
    """The metrics in rows, in their order."""
    names = dict.fromkeys(k for files in rows.values() for row in files.values() for k in row)
    return [n for n in names if n not in _NOT_METRICS and not n.startswith(("task.", "sec.", "archive."))]


def task_keys(rows: Table) -> list[tuple[str, Key]]:
    """The scores of tasks that rows have fields for, as (task, key)."""
    names = {k for files in rows.values() for row in files.values() for k in row}
    found = [(task, key) for task in TASKS if f"task.{task}.model" in names for key in create(task).keys]
    return [(task, key) for task, key in found if all(_columns(names, task, field) for field in key.fields)]


def _columns(names: Iterable[str], task: str, field: str) -> list[str]:
    """The names in rows that a field of a key stands for: itself, or all of a family ("inter.*"), in order."""
    name = f"task.{task}.{field}"
    if field.endswith("*"):
        return sorted(n for n in names if n.startswith(name[:-1]))
    return [name] if name in names else []


def of_classes(name: str) -> bool:
    """Whether a field of rows is one of a family, with one for each class ("task.segment.inter.3")."""
    return name.startswith(_families())


@cache
def _families() -> tuple[str, ...]:
    return tuple(
        f"task.{task}.{field[:-1]}"
        for task in TASKS
        for key in create(task).keys
        for field in key.fields
        if field.endswith("*")
    )


def fields(rows: Table, codec: str, task: str, key: Key) -> np.ndarray:
    """What a score is made of, [n, fields], nan where an item has none; of families 0 for classes that aren't there."""
    names = [f"task.{task}.{field}" for field in key.fields]
    if key.pool == "iou":
        seen = {k for files in rows.values() for row in files.values() for k in row}
        classes = [n.rpartition(".")[2] for n in _columns(seen, task, key.fields[1])]
        names = [f"{name[:-1]}{c}" for name in names for c in classes]
        start = names[0].rpartition(".")[0]
        has = [any(k.startswith(start + ".") for k in row) for row in rows[codec].values()]
        values = [
            [row.get(n, 0) if h else None for n in names] for row, h in zip(rows[codec].values(), has, strict=True)
        ]
    else:
        values = [[row.get(name) for name in names] for row in rows[codec].values()]
    return np.array([[np.nan if v is None else v for v in row] for row in values], np.float64)


def scored(rows: Table, task: str, key: Key) -> np.ndarray:
    """Which files have a score with every codec: bool [n]."""
    return np.all([np.isfinite(fields(rows, codec, task, key)).all(1) for codec in rows], 0)


def summarise(rows: Iterable[Row], anchor: str | None = None) -> list[Row]:
    """A row for each codec and setting: files, means of rate, of every metric and of seconds, and the tasks' scores.

    Means are over the files that every codec could code, so that all compare the same ones; those of a metric over
    the files among them that have it with all, and that no lossy codec gives back perfect: its PSNR would be infinite.
    `ms-ssim_db` is the mean MS-SSIM in decibels; `file_percent`, of codecs that make JPEG files smaller, by how much.
    A score comes with `.change` against the original and its 95 % interval `.low`, `.high`. With an anchor,
    `bd.<metric>` is the BD-rate of the whole codec in per cent, null where it is refused, and `bd.points` how many
    points the least of them stands on.
    """
    found = table(rows)
    if not found:
        return []
    rate = "bpp" if any("bpp" in row for row in next(iter(found.values())).values()) else "kbps"
    result = {codec: _means(found, codec, rate) for codec in found}
    for task, key in task_keys(found):
        chosen = scored(found, task, key)
        if chosen.any():
            _add_scores(result, found, task, key, chosen)
    if anchor is not None:
        names = {codec: codec.partition(":")[0] for codec in found}
        each = {name: _bd_rates(found, name, anchor, rate) for name in set(names.values())}
        for codec, row in result.items():
            row |= each[names[codec]]
    return list(result.values())


def _means(found: Table, codec: str, rate: str) -> Row:
    files = found[codec]
    row: Row = {"codec": codec, "files": len(files), rate: round(_mean(files, rate), 4)}
    if all("file_bytes" in r for r in files.values()):
        row["file_percent"] = round(_against(files), 2)
    for name in metric_keys(found):
        shared = _shared(found, name)
        if shared:
            value = _mean({f: files[f] for f in shared}, name)
            row[name] = round(value, 6)
            if name == "ms-ssim":
                row["ms-ssim_db"] = round(decibels(value), 4)
    for name in ("encode_s", "decode_s"):
        if codec != ORIGINAL:
            row[name] = round(_mean(files, name), 4)
    return row


def _shared(found: Table, name: str) -> list[str]:
    """The files that a metric's means are over: those that have it with every codec, but for those of `telling`."""
    files = next(iter(found.values()))
    shared = [f for f in files if all(rows[f].get(name) is not None for rows in found.values())]
    values = {codec: np.array([rows[f][name] for f in shared], np.float64) for codec, rows in found.items()}
    return [f for f, tells in zip(shared, telling(values), strict=True) if tells]


def telling(values: Mapping[str, np.ndarray]) -> np.ndarray:
    """Which files a mean is over, bool [n], of a metric's values by codec, [n] each: not those that come back perfect
    (an empty page) from a codec that is lossy. One that gives back all of them has an infinite mean.

    >>> telling({"jpeg": np.array([40.0, np.inf]), "png": np.array([np.inf, np.inf])}).tolist()
    [True, False]
    """
    found = np.ones(len(next(iter(values.values()), ())), bool)
    for own in values.values():
        if not np.isinf(own).all():
            found &= ~np.isinf(own)
    return found


def _against(files: dict[str, Row]) -> float:
    """Bytes against those of the files that were made smaller, in per cent: below 0 is smaller."""
    sums = [sum(row[name] for row in files.values()) for name in ("bytes", "file_bytes")]
    return 100 * (sums[0] / sums[1] - 1)


def _mean(files: dict[str, Row], name: str) -> float:
    return float(np.mean([row[name] for row in files.values()]))


def _add_scores(result: dict[str, Row], found: Table, task: str, key: Key, chosen: np.ndarray) -> None:
    name = f"task.{task}.{key.name}"
    base = fields(found, ORIGINAL, task, key)[chosen] if ORIGINAL in found else None
    for codec, row in result.items():
        own = fields(found, codec, task, key)[chosen]
        row[name] = round(float(pooled(own, key.pool)), 6)
        if base is not None and codec != ORIGINAL:
            change, low, high = interval(own, base, key.pool)
            row |= {f"{name}.change": round(change, 6), f"{name}.low": round(low, 6), f"{name}.high": round(high, 6)}


def curve(found: Table, name: str, quality: str, rate: str) -> tuple[list[float], list[float]]:
    """Mean rates and qualities of all settings of a codec, such that a higher quality is better."""
    files = _shared(found, quality)
    rates, values = [], []
    for codec, rows in found.items():
        if codec.partition(":")[0] == name and files:
            chosen = {f: rows[f] for f in files}
            mean = _mean(chosen, quality)
            rates.append(_mean(chosen, rate))
            values.append(decibels(mean) if quality == "ms-ssim" else -mean if lower_is_better(quality) else mean)
    return rates, values


def score_curve(found: Table, name: str, task: str, key: Key, rate: str) -> tuple[list[float], list[float]]:
    """The same of a task's score; one that is better lower is negated."""
    chosen = scored(found, task, key)
    rates, values = [], []
    for codec, rows in found.items():
        if codec.partition(":")[0] == name and chosen.any():
            rates.append(float(np.mean([row[rate] for row, c in zip(rows.values(), chosen, strict=True) if c])))
            score = float(pooled(fields(found, codec, task, key)[chosen], key.pool))
            values.append(score if key.higher_is_better else -score)
    return rates, values


def _bd_rates(found: Table, name: str, anchor: str, rate: str) -> Row:
    """Those of one codec, all its settings together."""
    names = {c.partition(":")[0] for c in found}
    if name in (anchor, ORIGINAL) or anchor not in names:
        return {}
    rates: dict[str, BD] = {}
    for quality in metric_keys(found):
        rates[f"bd.{quality}"] = bd_rate_of(*curve(found, name, quality, rate), *curve(found, anchor, quality, rate))
    for task, key in task_keys(found):
        top = score_curve(found, ORIGINAL, task, key, rate)[1] if ORIGINAL in found else []
        both = *score_curve(found, name, task, key, rate), *score_curve(found, anchor, task, key, rate)
        rates[f"bd.task.{task}.{key.name}"] = bd_rate_by_score(*both, top[0] if top else None)
    row: Row = {key: _value(bd) for key, bd in rates.items()}
    return row | {"bd.points": min((bd.points for bd in rates.values() if bd.value is not None), default=None)}


def _value(found: BD) -> float | None:
    return None if found.value is None else round(found.value, 2)
