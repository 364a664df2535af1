"""Which rows of an earlier run still hold, and which are made again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from codec.content import digest
from codec.evaluate.plan import ORIGINAL, Plan
from codec.evaluate.rows import Row
from codec.evaluate.sequence import History
from codec.urls import Place


class Again(NamedTuple):
    """`whole` tells whether a row may stay; `archives`: the specs of those that are begun again, of which none may."""

    whole: Callable[[Row], bool]
    archives: list[str]


def again(rows: Sequence[Row], plan: Plan, files: Sequence[Place], fields: Mapping[str, str | None]) -> Again:
    """What of these rows is made again by a plan on files: what has an error, lacks one of the `fields` that a whole
    row has or has another value there than is said, has no file where they are kept, or is of a file that has changed.
    Rows that are not asked for stay.

    The rows of an archive hold together or not at all, since a session stands on those before it.
    """
    if not rows:
        return Again(lambda row: False, [])
    asked = {(str(f), codec) for f in files for codec in plan.codecs()}
    now = cache(digest)
    histories = _histories(files, now) if plan.archives else {}
    kept_too = {"kept"} if plan.keep is not None else set()

    def whole(row: Row) -> bool:
        wanted = fields.keys() | (kept_too if row["codec"] != ORIGINAL else set())
        if "error" in row or not wanted <= row.keys():
            return False
        if any(value not in (None, row[name]) for name, value in fields.items()):
            return False
        try:
            return bool(row.get("content") == now(row["file"]))
        except OSError:
            return False

    archives = []
    for name in map(str, plan.archives):
        kept = {row["file"]: row["archive.after"] for row in rows if row["codec"] == name
                and (row["file"], name) in asked and "archive.after" in row and whole(row)}  # fmt: skip
        if kept != histories:
            archives.append(name)

    def stays(row: Row) -> bool:
        if row["codec"] in archives:
            return False
        return (row["file"], row["codec"]) not in asked or whole(row)

    return Again(stays, archives)


def _histories(files: Sequence[Place], now: Callable[[Place], str]) -> dict[str, str | None]:
    """Of each file what its row says of those before it; None where one of them can't be read."""
    found: dict[str, str | None] = {}
    history: History | None = History()
    for file in files:
        found[str(file)] = None if history is None else str(history)
        try:
            if history is not None:
                history.add(now(file))
        except OSError:
            history = None
    return found
