"""A trained context network as the integers that the codec runs (codec/codecs/circuit/network.py)."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codec.codecs.circuit.inputs import arrays
from codec.codecs.circuit.network import TOP, layer_inputs
from codec.codecs.circuit.scales import origin, parameters, scales
from codec.codecs.circuit.weights import load, save
from codec.errors import CodecError
from codec.models.circuit.context_net import ContextNet, Stage
from codec.train import commands
from codec.train.circuit import averaged, load_photos
from codec.train.integers import QUANTILE, Float, Tensors, quantised
from codec.train.screens import screen

SAMPLES, SAMPLE = 16, 320  # pictures that activations are scaled by, and their sides


def _stages(model: ContextNet) -> list[Stage]:
    return [stage for stage in model.stages if isinstance(stage, Stage)]


def integers(model: ContextNet, pictures: Sequence[NDArray[np.uint8]]) -> Tensors:
    """Tensors for `Network`: of every layer weight [out, in], bias [out], shift [out]; pictures [H, W, C]."""
    c = model.config
    units = {name: peak / TOP for name, peak in _peaks(model, pictures).items()}
    state = {name: _array(t) for name, t in model.state_dict().items()}
    worth = scales(c, units)
    result: Tensors = {}
    for name, largest in layer_inputs(c).items():
        weights, bias = parameters(c)[name]
        into, out = worth[name]
        weight = np.concatenate([state[w] for w in weights], 1) * into / out[:, None]
        shift = np.zeros(len(out)) if bias is None else (state[bias] - origin(c, name)) / out
        result |= quantised(name, weight, shift, largest)
    return result


def _array(t: Tensor) -> Float:
    return t.detach().cpu().double().numpy()


@torch.no_grad()
def _peaks(model: ContextNet, pictures: Sequence[NDArray[np.uint8]]) -> dict[str, Float]:
    """The upper quantile of every hidden channel over all pixels of some pictures."""
    seen: dict[str, list[Float]] = {}

    def keep(name: str, h: Tensor) -> None:
        seen.setdefault(name, []).append(np.quantile(h.flatten(0, -2).relu().numpy(), QUANTILE, 0))

    told: dict[int, Tensor] = {}
    handles = [
        model.feature1.register_forward_hook(lambda m, i, o: keep("feature1", o)),
        model.feature2.register_forward_hook(lambda m, i, o: keep("feature2", o)),
        model.hidden.register_forward_pre_hook(lambda m, i: keep("input", i[0])),
        model.hidden.register_forward_hook(lambda m, i, o: keep("hidden", o)),
    ]
    for n, stage in enumerate(_stages(model), 1):
        handles.append(stage.trunk.register_forward_hook(lambda m, i, o, n=n: told.__setitem__(n, o)))
        handles.append(stage.known.register_forward_hook(lambda m, i, o, n=n: keep(f"stage{n}", o + told[n])))
    for p in pictures:
        model(*(torch.from_numpy(a)[None] for a in arrays(p, model.config)))
    for h in handles:
        h.remove()
    return {name: np.maximum(np.max(values, 0), 1e-3) for name, values in seen.items()}


def main(argv: list[str] | None = None) -> None:
    """Entry point of `codec train export-circuit`."""
    p = argparse.ArgumentParser(
        prog="codec train export-circuit", description="Turn runs of `codec train circuit` into a weights file."
    )
    p.add_argument("--photo", type=Path, nargs="+", required=True, help="folders of the runs for colour")
    for name in ("grey", "screen"):
        p.add_argument(
            f"--{name}", type=Path, help="folder of the run, or a weights file that the network is taken from"
        )
    p.add_argument("--data", nargs="+", required=True, help="tar files or folders of photos, to scale activations by")
    commands.output(p, "-o", "--output")
    p.add_argument("--description", default="", help="one line for `codec models`")
    a = p.parse_args(sys.argv[1:] if argv is None else argv)
    commands.check_output(a.output, a.force)
    made = {}
    photo = [("photo" if n == 0 else f"photo-{n}", run) for n, run in enumerate(a.photo)]
    for name, run in (*photo, ("grey", a.grey), ("screen", a.screen)):
        if run is not None and run.is_file():
            network = load(run).get(name)
            if network is None:
                raise CodecError(f"{run} has no network {name!r}; name another file, or a run")
            made[name] = network.config, network.tensors
        elif run is not None:
            weights, config = averaged(run)
            model = ContextNet(config)
            model.load_state_dict(weights)
            pictures = [q[:SAMPLE, :SAMPLE] for q in load_photos(a.data, name == "grey")[:SAMPLES]]
            if name == "screen":
                pictures += [screen(q, np.random.default_rng(i)) for i, q in enumerate(pictures)]
            made[name] = config, integers(model.eval(), pictures)
    save(a.output, made, a.description)


if __name__ == "__main__":
    main()
