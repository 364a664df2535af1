"""`codec doctor`: what the installation stands on, and what is missing."""

from __future__ import annotations

import dataclasses
import json

import click

_SHOWN = {"ok": "", "optional": "could have more: ", "waste": "works, and is large: ", "broken": "BROKEN: "}


@click.command(short_help="Say what is installed and what is missing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def doctor(as_json: bool) -> None:
    """Say what the installation stands on, and what is missing, with the line that brings it.

    \b
    codec doctor
    codec doctor --json

    Exit code 1 if something is broken. Nothing is installed or fetched.
    """
    from codec.installation import examine

    broken = False
    for finding in examine():
        broken |= finding.state == "broken"
        if as_json:
            click.echo(json.dumps(dataclasses.asdict(finding)))
            continue
        remedy = f"; {finding.remedy}" if finding.remedy else ""
        click.echo(f"{finding.name}: {_SHOWN[finding.state]}{finding.text}{remedy}")
    if broken:
        raise click.exceptions.Exit(1)
