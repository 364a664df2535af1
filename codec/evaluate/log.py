"""Rows in a file of JSON lines: what is there is not done again, whatever a kill left at its end."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path

from codec.errors import CodecError
from codec.evaluate.rows import Row
from codec.output import whole_file


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
    if path.exists():
        with whole_file(path) as fp:
            fp.write("".join(dumps(row) + "\n" for row in kept).encode())
    return kept


def dumps(row: Row) -> str:
    """A row as JSON. Infinite values (the PSNR of equal pictures) are 1e999, which is JSON and read as infinite.

    >>> dumps({"psnr": math.inf})
    '{"psnr": 1e999}'
    """
    return (
        "{" + ", ".join(f"{json.dumps(k)}: {'1e999' if v == math.inf else json.dumps(v)}" for k, v in row.items()) + "}"
    )


def append(path: Path, row: Row) -> None:
    """Add a row to a file, in one write."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as f:
        f.write(dumps(row) + "\n")


def _rows(path: Path) -> Iterable[Row]:
    lines = path.read_text(errors="replace").split("\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if not isinstance(row, dict) or not all(isinstance(row.get(k), str) for k in ("file", "codec")):
                raise ValueError("no row")
        except ValueError:
            if number == len(lines):  # a kill in the middle of a write
                return
            raise CodecError(f"{path}, line {number}: not a row of an evaluation; give files that it wrote") from None
        yield row
