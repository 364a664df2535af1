"""Which rows of an earlier run still hold, and which are made again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

from codec.content import digest
from codec.evaluate.plan import Plan
from codec.evaluate.rows import Row
from codec.evaluate.sequence import History
from codec.urls import Place


class Again(NamedTuple):
    """`whole` tells whether a row may stay; `archives`: the specs of those that are begun again, of which none may."""

    whole: Callable[[Row], bool]
    archives: list[str]


def again(rows: Sequence[Row], plan: Plan, files: Sequence[Place], fields: set[str]) -> Again:
    """What of these rows is made again by a plan on files: what has an error, lacks one of the `fields` that a whole
    row has, or is of a file that has changed. Rows that are not asked for stay.

    The rows of an archive hold together or not at all, since a session stands on those before it.
    """
    asked = {(str(f), codec) for f in files for codec in plan.codecs()}
    histories = _histories(files) if plan.archives else {}
    now = cache(digest)

    def whole(row: Row) -> bool:
        try:
            return "error" not in row and fields <= row.keys() and row.get("content") == now(row["file"])
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


def _histories(files: Sequence[Place]) -> dict[str, str | None]:
    """Of each file what its row says of those before it; None where one of them can't be read."""
    found: dict[str, str | None] = {}
    history: History | None = History()
    for file in files:
        found[str(file)] = None if history is None else str(history)
        try:
            if history is not None:
                history.add(digest(file))
        except OSError:
            history = None
    return found
