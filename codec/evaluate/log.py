"""Rows in a file of JSON lines: what is there is not done again, whatever a kill left at its end."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path

from codec.errors import CodecError
from codec.evaluate.rows import Row
from codec.output import whole_file

_BEGIN = '{"file": "'  # of every row, by which one that was cut off is told from a file of something else


def read(paths: Iterable[Path]) -> list[Row]:
    """The rows of all files in their order; of those with the same file and codec the last one without an error.

    A last line that was cut off is left out; CodecError for other lines that are no rows.
    """
    found: dict[tuple[str, str], Row] = {}
    for path in paths:
        for row in _rows(path):
            key = row["file"], row["codec"]
            if "error" not in row or key not in found:
                found[key] = row
    return list(found.values())


def resume(path: Path, whole: Callable[[Row], bool]) -> list[Row]:
    """The rows of a file that needn't be made again: those that `whole` accepts. The others leave the file."""
    rows = read([path]) if path.exists() else []
    kept = [row for row in rows if whole(row)]
    if path.exists() and not _holds(path, len(kept)):
        with whole_file(path) as fp:
            for row in kept:
                fp.write(f"{dumps(row)}\n".encode())
    return kept


def _holds(path: Path, count: int) -> bool:
    """Whether a file of rows has so many lines, all of them whole: then there is nothing to take out of it."""
    lines, end = 0, b"\n"
    with path.open("rb") as fp:
        while piece := fp.read(2**20):
            lines, end = lines + piece.count(b"\n"), piece[-1:]
    return lines == count and end == b"\n"


def dumps(row: Row) -> str:
    """A row as JSON. Infinite values (the PSNR of equal pictures) are 1e999, which is JSON and read as infinite.

    >>> dumps({"psnr": math.inf})
    '{"psnr": 1e999}'
    """
    return "{" + ", ".join(f"{json.dumps(k)}: {_value(v)}" for k, v in row.items()) + "}"


def _value(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, float) and not math.isfinite(value):
        return "null" if math.isnan(value) else "1e999" if value > 0 else "-1e999"
    return json.dumps(value)


def append(path: Path, row: Row) -> None:
    """Add a row to a file, in one write. OSErrors name the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("a") as f:
            f.write(dumps(row) + "\n")
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def _row(line: str) -> Row:
    """A row from its line; ValueError, or RecursionError for lists in lists without end, if it is none."""
    row = json.loads(line, parse_int=_integer)
    if (
        not isinstance(row, dict)
        or not all(isinstance(row.get(k, ""), str) for k in ("file", "codec", "media"))
        or not {"file", "codec"} <= row.keys()
        or not all(isinstance(row.get(k, 0), int | float) for k in ("bytes", "pixels", "bpp", "seconds", "kbps"))
    ):
        raise ValueError("no row")
    return row


def _integer(digits: str) -> int:
    if len(digits) > 300:
        raise ValueError("more than a float holds")
    return int(digits)


def _rows(path: Path) -> Iterable[Row]:
    lines = path.read_text(errors="replace").split("\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = _row(line)
        except (ValueError, RecursionError):
            if number == len(lines) and line[: len(_BEGIN)] == _BEGIN[: len(line)]:  # a kill in the middle of a write
                return
            raise CodecError(f"{path}, line {number}: not a row of an evaluation; give files that it wrote") from None
        yield row
