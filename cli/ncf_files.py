"""Commands that look at .ncf files and write none."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

import click

from codec.cli.files import STDIO, stdin_as_dash
from codec.cli.messages import explain, is_expected, say
from codec.cli.walk import Found, find
from codec.engines import Done, Where, run


def files_of(sources: Sequence[str], recursive: bool) -> Found:
    """The .ncf files that are named, and with `recursive` those in folders."""
    return find(stdin_as_dash(sources), recursive=recursive, suffixes=(".ncf",), output=None)


def work_on(
    found: Found, work: Callable[[str, Any], str | None], where: Where | None = None, as_json: bool = False
) -> None:
    """Print what `work` says of each of them, and what else was found. Exit 1 if anything failed; `as_json`: that is a
    row, too.

    `work` is called as codec.engines calls it, with a name and a function that nobody listens to.
    """

    def failed(path: str, error: BaseException) -> None:
        line = explain(error, path)
        say(f"codec: {line}")
        if as_json:
            click.echo(json.dumps({"file": path, "error": line.removeprefix(f"{path}: ")}))

    for remark in found.notes:
        say(f"codec: {remark}")
    for path, error in found.problems:
        failed(path, error)
    wrong = bool(found.problems)
    names = [one.path for one in found.inputs]
    if where is None or STDIO in names:  # which is this process's alone
        where = Where()
    with closing(run(work, names, where)) as running:
        for event in running:
            if isinstance(event, Done):
                if event.value is not None:
                    click.echo(event.value)
                continue
            if isinstance(event.error, BrokenPipeError) or not is_expected(event.error):
                raise event.error
            wrong = True
            failed(event.job, event.error)
    if wrong:
        raise click.exceptions.Exit(1)
