"""Rows of archives as tables: what each session takes, what it has of earlier ones, and what it has become since."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from codec.evaluate.rows import Row
from codec.evaluate.specs import ARCHIVE


def sessions(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """By spec the sessions of its archive in their order, None where rows don't say.

    `session`, from 0, `file`, `bytes` by which the archive grew, of them `content` and `entry`; `psnr`, 6:1:1, dB;
    `frames`, of which so many are `shared` with earlier sessions; `begun` networks from earlier ones, and `reused`,
    what part of their weights is as it was there; `backward`: of the PSNRs that it had after each later session less
    the one at first that which is furthest from 0, None before there is one; `changed`: after how many of them its
    SHA-256 was another. `alone_bytes` and `alone_psnr`: in a file of its own, if that is in the rows.
    """
    rows = list(rows)
    alone = {(row["file"], row["codec"]): row for row in rows if "error" not in row}
    found: dict[str, list[Row]] = {}
    for row in rows:
        if row["codec"].startswith(ARCHIVE) and "error" not in row and _number(row.get("archive.number")) is not None:
            found.setdefault(row["codec"], []).append(row)
    for each in found.values():
        each.sort(key=lambda row: row["archive.number"])
    return {
        spec: [_session(row, each, alone.get((row["file"], spec.removeprefix(ARCHIVE)), {})) for row in each]
        for spec, each in found.items()
    }


def _session(row: Row, each: list[Row], alone: Row) -> Row:
    number = row["archive.number"]
    later = [other for other in each if other["archive.number"] > number]
    backward = [b for other in later if (b := _at(other.get("archive.backward"), number)) is not None]
    weights, kept = _number(row.get("archive.weights")), _number(row.get("archive.kept"))
    return {
        "session": number,
        "file": row["file"],
        "bytes": _number(row.get("bytes")),
        "content": _number(row.get("archive.content_bytes")),
        "entry": _number(row.get("archive.entry_bytes")),
        "psnr": _number(row.get("archive.psnr")),
        "frames": _number(row.get("frames")),
        "shared": _number(row.get("archive.taken")),
        "begun": _number(row.get("archive.begun")),
        "reused": kept / weights if weights and kept is not None else None,
        "backward": max(backward, key=abs, default=None),
        "changed": sum(number in _list(other.get("archive.changed")) for other in later) if later else None,
        "alone_bytes": _number(alone.get("bytes")),
        "alone_psnr": _number(alone.get("psnr-ycbcr")),
    }


def _number(value: Any) -> Any:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _at(values: Any, place: Any) -> Any:
    return _number(_list(values)[place]) if isinstance(place, int) and 0 <= place < len(_list(values)) else None
