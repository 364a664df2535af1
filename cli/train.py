"""`codec train`: make weights. Each loop has a command line of its own, and runs as a module too (torchrun)."""

import importlib

import click

from codec import codecs

LOOPS = {
    "boundary": "codec.train.boundary",
    "shards": "codec.train.shards",
    "drawn": "codec.train.drawn",
    "hclt": "codec.research.hclt",
    **{name: module for codec in codecs.all_codecs().values() for name, module in codec.training.items()},
}


@click.command(
    # Options belong to the loop: `codec train s2lic --help` is its help, `codec train --help` ours.
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}
)
@click.argument("what", type=click.Choice(sorted(LOOPS)))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def train(what: str, arguments: tuple[str, ...]) -> None:
    """Train weights, export a run's weights for shipping, or make shards to train on.

    \b
    codec train s2lic --data photos/ --val held-out/ --out runs/a --hours 8
    codec train s2lic --help
    codec train export runs/a -o weights/s2lic-mine.safetensors
    codec train circuit --data photos/ --out runs/b --hours 2
    codec train experts --init runs/b --data photos/ --out runs/e
    codec train export-circuit --photo runs/b --data photos/ -o weights/circuit-mine.safetensors
    codec train shards originals/ --exclude test/ held-out.tar --out photos.tar
    codec train drawn --out drawn.tar
    codec train hclt --dataset mnist --data mnist/ --states 16 --out runs/c
    """
    importlib.import_module(LOOPS[what]).main(list(arguments))
