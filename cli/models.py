"""`codec models`: the weights that are installed (without torch)."""

from __future__ import annotations

import json

import click


@click.command(short_help="List the weights that are installed.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def models(as_json: bool) -> None:
    """List the weights that are installed.

    \b
    codec models
    codec models --json

    Weights are found in the package and in the folders of CODEC_WEIGHTS, and by the fingerprint in a file.
    """
    from codec import weights

    found = weights.available()
    for w in found:
        values = {
            "name": w.name,
            "codec": w.codec,
            "fingerprint": w.fingerprint,
            "parameters": w.parameters,
            "bytes": w.bytes,
            "path": str(w.path),
            "description": w.description,
        }
        click.echo(
            json.dumps(values)
            if as_json
            else f"{w.name}  {w.fingerprint}  {w.parameters:,} parameters  {w.bytes:,} bytes\n  {w.description}"
        )
    if not found:
        click.echo("codec: no weights are installed; name a folder of them in CODEC_WEIGHTS", err=True)
