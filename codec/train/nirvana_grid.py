"""Training of the video codec's networks (models/nirvana_grid.py), as the codec uses them: frame after frame.

The first frame of a clip is coded without a prediction, each later one with what the codec made of one or two others,
moved along the flow that the encoder's own search finds. One set of networks serves all qualities: each step draws one.
"""

import argparse
import json
import math
import sys
import time
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from codec.models.nirvana_grid import ALIGN, LATENTS, Coder, Prediction, distortion, mixed, shuffled
from codec.nirvana.method import position, rate_weight
from codec.nirvana.motion import luma, moved
from codec.nirvana.nets import export, parameters
from codec.nirvana.order import Place, order, own_quality
from codec.nirvana.predict import GREY
from codec.nirvana.search import merge, search
from codec.nirvana.sides import blended, choose, scaled
from codec.train import checkpoint
from codec.train.moving import Moving, load_clips
from codec.train.photos import load

_GREY = GREY / 255 - 0.5  # the prediction of a key frame
_MERGE = (12, 3, 1)  # steps of the search, fewer than an encoder's
_SMALL = 64  # pixels along a side that motion is searched whole at: at 128 this takes most of a step
_STRIDES = {1: 0.3, 2: 0.2, 4: 0.5}  # how often each is drawn


class Nets(nn.ModuleDict):
    """`key` and `inter`."""

    def __init__(self) -> None:
        super().__init__({"key": Coder(), "inter": Coder()})


def principal_components(data: Moving, seed: int) -> tuple[Tensor, Tensor]:
    """PCA of cells of frames less grey: vectors [96, 96], deviations [96]."""
    rng = np.random.default_rng(seed)
    cells = torch.cat([shuffled(data.batch(1, 8, rng)[0] - _GREY).permute(0, 2, 3, 1).flatten(0, 2) for _ in range(32)])
    values, vectors = torch.linalg.eigh(cells.double().T @ cells.double() / len(cells))
    return vectors.flip(1).T[:LATENTS].float(), values.flip(0)[:LATENTS].clamp_min(1e-8).sqrt().float()


def clip_loss(nets: Nets, frames: Tensor, t: float, rng: np.random.Generator) -> tuple[Tensor, dict[str, list[float]]]:
    """Of a batch of clips [T, B, 6, h, w]: the loss, and PSNR and bits per pixel of its frames by kind."""
    spacing, stride = int(rng.choice([8, 16])), int(rng.choice(list(_STRIDES), p=list(_STRIDES.values())))
    quality = round(100 * (t + 1))
    pixels = 4 * frames[0, :, 0].numel()
    loss, told = frames.new_zeros(()), dict[str, list[float]]()
    coded = dict[int, Tensor]()
    flow = frames.new_zeros(())  # of the last anchor
    for place in order(len(frames), True, stride):
        own = own_quality(quality, place, stride)
        weight, now = rate_weight(own), frames[place.frame]
        if place.low is None:
            kind, prediction = "key", Prediction(torch.full_like(now, _GREY), torch.zeros_like(now))
        else:
            kind = "inter"
            with torch.no_grad():
                low = coded[place.low]
                if place.high is None:
                    flow = _found(now, low, spacing, weight, None)
                    prediction = Prediction(moved(low, flow, spacing), torch.zeros_like(now))
                else:
                    prediction = _between(now, low, coded[place.high], flow, place, spacing, weight)
        found = nets[kind](now, prediction, position(own), mixed)
        error, bpp = distortion(found.frame, now), found.bits / pixels
        # In bits per pixel at the middle quality, and less unequal between qualities than either scale alone.
        loss = loss + (error / weight + bpp) * (weight / rate_weight(100)) ** 0.5
        name = "between" if place.high is not None else kind
        told.setdefault(f"psnr {name}", []).append(-10 * math.log10(float(error.detach())))
        told.setdefault(f"bpp {name}", []).append(float(bpp.detach()))
        coded[place.frame] = (found.frame.detach().clamp(-0.5, 0.5) * 255).round() / 255
    return loss, told


def _between(
    now: Tensor, low: Tensor, high: Tensor, flow: Tensor, place: Place, spacing: int, weight: float
) -> Prediction:
    """From two sides, as the encoder would; `flow`: that of the anchor above."""
    assert place.low is not None and place.high is not None
    whole = place.high - place.low
    sides = []
    for side, part in ((low, place.frame - place.low), (high, place.frame - place.high)):
        direct = scaled(flow, part, whole)
        sides.append(moved(side, _found(now, side, spacing, weight, direct), spacing))
    chosen = choose(luma(now), luma(sides[0]), luma(sides[1]), spacing, weight)
    return Prediction(blended(sides[0], sides[1], chosen, spacing), (sides[0] - sides[1]).abs() / 2)


def _found(now: Tensor, before: Tensor, spacing: int, weight: float, direct: Tensor | None) -> Tensor:
    """The flow from a frame to another, near a direct one if there is one."""
    lumas = luma(now), luma(before)
    flow = search(*lumas, spacing, weight, direct, near=direct is not None, small=_SMALL)
    return merge(*lumas, flow, spacing, weight, direct, _MERGE)


def train(data: Moving, out: Path, a: argparse.Namespace) -> None:
    """Run or resume until the schedule's end or `stop_after` seconds."""
    torch.manual_seed(a.seed)
    nets = Nets().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if a.threads:
        torch.set_num_threads(a.threads)
    vectors, deviations = principal_components(data, a.seed)
    nets["key"].start_from(vectors, deviations)
    nets["inter"].start_from(vectors, deviations / 4)  # what is left after motion
    ema = deepcopy(nets)
    optimizer = torch.optim.Adam(nets.parameters(), lr=a.lr)
    state = {"step": 0, "seconds": 0.0}
    if (found := checkpoint.load(out / "checkpoint")) is not None:
        tensors, state = found
        for name, net in (("net", nets), ("ema", ema)):
            net.load_state_dict({k[4:]: v for k, v in tensors.items() if k.startswith(name + ".")})
        checkpoint.restore_optimizer(optimizer, tensors)
    elif a.init:
        given = parameters(a.init)
        for net in (nets, ema):
            net.load_state_dict(given)

    def save() -> None:
        tensors = {f"net.{k}": v for k, v in nets.state_dict().items()}
        tensors |= {f"ema.{k}": v for k, v in ema.state_dict().items()}
        checkpoint.save(out / "checkpoint", tensors | checkpoint.optimizer_tensors(optimizer), state)

    out.mkdir(parents=True, exist_ok=True)
    began = saved = time.monotonic()
    before, told = state["seconds"], dict[str, list[float]]()
    while state["seconds"] < a.hours * 3600 and time.monotonic() - began < (a.stop_after or math.inf):
        step = int(state["step"])
        rng = np.random.default_rng([a.seed, step])
        torch.manual_seed(a.seed * 1_000_003 + step)
        share = state["seconds"] / (a.hours * 3600)
        rate = a.lr * min(1, (step + 1) / 100) * min(1, (1 - share) / a.decay)
        for group in optimizer.param_groups:
            group["lr"] = rate
        frames = data.batch(a.frames, a.batch, rng).to(memory_format=torch.contiguous_format)
        loss, numbers = clip_loss(nets, frames, float(rng.uniform(-1, 1)), rng)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(nets.parameters(), 2.0)
        optimizer.step()
        with torch.no_grad():
            kept = min(a.ema, (step + 1) / (step + 10))
            for slow, fast in zip(ema.parameters(), nets.parameters(), strict=True):
                slow.lerp_(fast, 1 - kept)
        now = time.monotonic()
        state = {"step": step + 1, "seconds": before + now - began}
        for name, values in numbers.items():
            told.setdefault(name, []).extend(values)
        if (step + 1) % a.log_every == 0:
            means = {name: round(float(np.mean(values)), 4) for name, values in sorted(told.items())}
            line = {"step": step + 1, "seconds": round(state["seconds"]), **means}
            with (out / "log.jsonl").open("a") as fp:
                fp.write(json.dumps(line) + "\n")
            print(json.dumps(line), flush=True)
            told = {}
        if now - saved > a.save_every:
            save()
            saved = now
    save()


def main(argv: list[str] | None = None) -> None:
    """Entry point of `codec train nirvana`."""
    p = argparse.ArgumentParser(prog="codec train nirvana", description=__doc__)
    p.add_argument("--photos", nargs="+", required=True, help="tar files or folders of photos, which are set moving")
    p.add_argument("--videos", nargs="*", default=[], help="videos, for half of the clips")
    p.add_argument("--out", type=Path, required=True, help="folder of the run; resumed if it exists")
    p.add_argument("--hours", type=float, required=True, help="length of the schedule in hours of training")
    p.add_argument("--frames", type=int, default=5, help="of a clip (default 5)")
    p.add_argument("--crop", type=int, default=128, help="pixels along a side, a multiple of 16 (default 128)")
    p.add_argument("--batch", type=int, default=4, help="clips a step (default 4)")
    p.add_argument("--lr", type=float, default=1.5e-3, help="peak learning rate (default 0.0015)")
    p.add_argument("--decay", type=float, default=0.5, help="last share of the schedule, falling to 0 (default 0.5)")
    p.add_argument("--ema", type=float, default=0.998, help="decay of the averaged weights (default 0.998)")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--threads", type=int, default=0, help="of torch; 0: as many as it likes")
    p.add_argument("--init", type=Path, help="a weights file to start from instead of principal components")
    p.add_argument("--log-every", type=int, default=100, help="steps between lines of log.jsonl")
    p.add_argument("--save-every", type=float, default=120.0, help="seconds between checkpoints")
    p.add_argument("--stop-after", type=float, help="stop this process after so many seconds, leaving a checkpoint")
    p.add_argument("--export", type=Path, help="write the run's averaged weights to this file instead of training")
    p.add_argument("--description", default="", help="with --export: one line for `codec models`")
    a = p.parse_args(sys.argv[1:] if argv is None else argv)
    if a.export:
        saved = checkpoint.load(a.out / "checkpoint")
        if saved is None:
            p.error(f"{a.out} holds no checkpoint")
        export({k[4:]: v for k, v in saved[0].items() if k.startswith("ema.")}, a.export, a.description)
        return
    if a.crop % (2 * ALIGN):
        p.error(f"--crop must be a multiple of {2 * ALIGN}")
    train(Moving(load_clips(a.videos), load(a.photos), a.crop), a.out, a)


if __name__ == "__main__":
    main()
