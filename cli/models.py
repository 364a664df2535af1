"""`codec models`: the weights that are installed (without torch)."""

from __future__ import annotations

import json

import click

from codec.cli.messages import shown


@click.command(short_help="List the weights that are installed.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def models(as_json: bool) -> None:
    """List the weights that are installed.

    \b
    codec models
    codec models --json

    Weights are looked for in the folders of CODEC_WEIGHTS first, then in the package; by their names to encode, by
    the fingerprint in a file to decode.
    """
    from codec import codecs, weights

    found = weights.available()
    first = {(w.codec, w.name): w for w in reversed(found)}
    listed = codecs.all_codecs().values()
    defaults = {(codec.name, codec.weights) for codec in listed}
    others = {(codec.name, name): what for codec in listed for name, what in codec.other_weights.items()}
    for w in found:
        hides = first[w.codec, w.name]
        default = hides is w and (w.codec, w.name) in defaults
        remark = "encodes by default" if default else ""
        if hides is not w:
            remark = f"not used to encode: {hides.path} is"
        elif what := others.get((w.codec, w.name)):
            remark = f"encodes {what}"
        values = {
            "name": w.name,
            "codec": w.codec,
            "fingerprint": w.fingerprint,
            "parameters": w.parameters,
            "bytes": w.bytes,
            "path": str(w.path),
            "description": w.description,
            "default": default,
        }
        click.echo(
            json.dumps(values)
            if as_json
            else shown(f"{w.name}  {w.fingerprint}  {w.parameters:,} parameters  {w.bytes:,} bytes")
            + (f"  ({shown(remark)})" if remark else "")
            + f"\n  {shown(w.description)}"
        )
    if not found:
        click.echo("codec: no weights are installed; name a folder of them in CODEC_WEIGHTS", err=True)
