"""Trained networks of coefficients as the integers that the codec runs (codec/codecs/jpeg/network.py)."""

import argparse
import math
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from codec.codecs.jpeg.mixture import LEAST_SCALE, NATS, SCALES_PER_OCTAVE, UNIT
from codec.codecs.jpeg.network import MIX_BITS, TOP, end_limits, input_limits
from codec.codecs.jpeg.weights import save
from codec.codecs.networks import BOUND
from codec.models.jpeg.coefficient_net import CoefficientNet
from codec.models.jpeg.shape import KINDS, LARGEST, CoefficientConfig
from codec.train import commands, photos
from codec.train.integers import LARGEST_WEIGHT, QUANTILE, Float, Tensors, quantised
from codec.train.jpeg import averaged, jpegs, lengths
from codec.train.jpeg_samples import Samples

SAMPLES, VARIANTS, SEED = 24, 2, 7  # photos that activations are scaled by
EACH = 1500  # coefficients of every frequency


def input_units(c: CoefficientConfig) -> Float:
    """What a step of each input is worth in the float network."""
    told = [1 / 16, 1 / 32, 1 / 16, 1 / 32, *[1 / 16] * 4, 1 / 64, *[1 / 32] * 5]
    return np.array([1 / 64] * (2 * c.predictions + c.sizes) + [1 / UNIT] * c.counts + told)


def integers(model: CoefficientNet, samples: Samples) -> Tensors:
    """Tensors for `Network`."""
    c = model.config
    state = {name: t.detach().double().numpy() for name, t in model.state_dict().items()}
    inner, trunk, first, second = (peak / TOP for peak in _peaks(model, samples))
    told, limits = input_units(c), input_limits(c)
    logistics = np.repeat([1 / NATS, 1 / UNIT, math.log(2) / SCALES_PER_OCTAVE], c.mixtures)
    origin = state["origin"] - np.repeat([0, 0, math.log(LEAST_SCALE)], c.mixtures)
    hidden = np.full(c.hidden, TOP), np.full(c.trunk, TOP), np.full(c.end_hidden, TOP)
    head = np.concatenate([state["head.weight"], state["skip.weight"]], 1)
    layers = {
        "inner": (state["inner.weight"], state["inner.bias"] + state["place"], told, inner, limits),
        "trunk": (state["trunk.weight"], state["trunk.bias"], inner, trunk, hidden[0]),
        "head": (
            head, state["head.bias"] + origin, np.concatenate([trunk, told]), logistics,
            np.concatenate([hidden[1], limits]),
        ),
        "ends.0": (state["ends.0.weight"], state["ends.0.bias"], np.full(c.end_inputs, 1 / 32), first, end_limits(c)),
        "ends.2": (state["ends.2.weight"], state["ends.2.bias"], first, second, hidden[2]),
        "ends.4": (state["ends.4.weight"], state["ends.4.bias"], second, np.full(64, 1 / NATS), hidden[2]),
    }  # fmt: skip
    result: Tensors = {}
    for name, (weight, bias, into, out, largest) in layers.items():
        result |= quantised(name, weight * into / out[:, None], bias / out, largest)
    sums = state["sums"].transpose(0, 2, 1)
    reach, peak = np.abs(sums).sum(2) * LARGEST, np.abs(sums).max(2)
    room = BOUND - 1 - LARGEST * (c.taps + 1) / 2
    shift = np.floor(np.log2(np.minimum(room / np.maximum(reach, 1e-9), LARGEST_WEIGHT / np.maximum(peak, 1e-9))))
    shift = shift.clip(0, 20).astype(np.int32)
    result["sums.weight"] = np.rint(np.ldexp(sums, shift[..., None])).astype(np.int32)
    result["sums.shift"] = shift
    mean = np.rint(np.ldexp(state["mean"].transpose(0, 1, 3, 2), MIX_BITS))
    result["mean.weight"] = mean.clip(-LARGEST_WEIGHT, LARGEST_WEIGHT).astype(np.int32)
    return result


@torch.no_grad()
def _peaks(model: CoefficientNet, samples: Samples) -> list[Float]:
    """The upper quantile of every hidden channel: inner, trunk, and both of the ends."""
    layers = (model.trunk, model.head, model.ends[2], model.ends[4])
    seen: list[list[Tensor]] = [[] for _ in layers]
    handles = [
        layer.register_forward_pre_hook(lambda _, i, kept=kept: kept.append(i[0].flatten(0, -2)))
        for layer, kept in zip(layers, seen, strict=True)
    ]
    rng = torch.Generator().manual_seed(SEED)
    for k in range(64):
        if count := int(samples.count[k]):
            at = samples.order[torch.randint(count, (1, EACH), generator=rng)]
            lengths(model, samples, torch.tensor([k]), at)
    model.ends(samples.ends(samples.order[torch.randint(samples.blocks, (16 * EACH,), generator=rng)])[0])
    for handle in handles:
        handle.remove()
    return [np.maximum(np.quantile(torch.cat(kept).numpy(), QUANTILE, 0), 1e-3) for kept in seen]


def main(argv: list[str] | None = None) -> None:
    """Entry point of `codec train export-jpeg`."""
    p = argparse.ArgumentParser(
        prog="codec train export-jpeg", description="Turn runs of `codec train jpeg` into a weights file."
    )
    p.add_argument("runs", type=Path, nargs=3, help=f"folders of the runs of {', '.join(KINDS)}")
    p.add_argument("--data", nargs="+", required=True, help="tar files or folders of photos, to scale activations by")
    commands.output(p, "-o", "--output")
    p.add_argument("--description", default="", help="one line for `codec models`")
    a = p.parse_args(sys.argv[1:] if argv is None else argv)
    commands.check_output(a.output, a.force)
    pictures = list(jpegs(photos.load(a.data)[:SAMPLES], VARIANTS, SEED))
    models = {kind: averaged(run) for kind, run in zip(KINDS, a.runs, strict=True)}
    made = {kind: (model.config, integers(model, Samples(kind, pictures))) for kind, model in models.items()}
    save(a.output, made, a.description)


if __name__ == "__main__":
    main()
