"""Commands that look at .ncf files one after the other and write none."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click

from codec.cli.files import stdin_as_dash
from codec.cli.messages import explain, run_each, say
from codec.cli.walk import Found, find


def files_of(sources: Sequence[str], recursive: bool) -> Found:
    """The .ncf files that are named, and with `recursive` those in folders."""
    return find(stdin_as_dash(sources), recursive=recursive, suffixes=(".ncf",), output=None)


def work_on(found: Found, work: Callable[[str], None]) -> None:
    """Call `work` on each of them, and say what else was found. Exit 1 if anything failed."""
    for remark in found.notes:
        say(f"codec: {remark}")
    for path, error in found.problems:
        say(f"codec: {explain(error, path)}")
    run_each([one.path for one in found.inputs], work)
    if found.problems:
        raise click.exceptions.Exit(1)
