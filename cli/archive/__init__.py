"""`codec archive`: many videos in one file, to which more are added."""

from __future__ import annotations

import click

from codec.cli.archive.add import add, create
from codec.cli.archive.check import repair, verify
from codec.cli.archive.extract import extract
from codec.cli.archive.show import info, list_, stats


@click.group(short_help="Keep many videos in one file that grows.")
def archive() -> None:
    """Keep many videos in one file that grows.

    \b
    codec archive create all.ncf
    codec archive add all.ncf clip.mp4 clips/a.mp4    what is in it already is stored once
    codec archive list all.ncf
    codec archive extract all.ncf clip                writes clip.mp4
    codec archive verify all.ncf

    Each video is a session. No session ever changes: what was added decodes to the same pictures, whatever is
    added later.
    """


for command in (create, add, list_, info, extract, verify, stats, repair):
    archive.add_command(command)
