"""One frame of the practical video codec: a prediction, fitted latents, exact integers.

    planes, references -> motion, prediction -> latents (analysis, then fitted) -> code_frame
    code_frame -> motion -> prediction -> latents -> planes, the same ones on every machine

`code_frame` is the coding pass of both directions; everything else here is the encoder's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from codec.entropy import Coder
from codec.media.video import Planes
from codec.models.nirvana_grid import ALIGN, Latents, Prediction, Quantise, distortion, noisy, rounded
from codec.nirvana.exact import ONE
from codec.nirvana.find import MERGED, error, find
from codec.nirvana.fit import Budget, cosine
from codec.nirvana.method import position, rate_weight
from codec.nirvana.motion import SPACINGS
from codec.nirvana.nets import Nets
from codec.nirvana.predict import Motion, Predicted, References, code_motion, code_symbol, grey, predicted

_RATE = 0.01  # of the fit, in a latent's steps


@dataclass(frozen=True)
class Choice:
    """What an encoder has settled for a frame. `motion`: None in a key frame. `latents`: None copies the prediction."""

    motion: Motion | None
    latents: Latents | None


def code_frame(
    coder: Coder,
    nets: Nets,
    choice: Choice | None,
    references: References | None,
    quality: int,
    shape: tuple[int, int],
) -> tuple[Tensor, Motion | None]:
    """Codes a frame of half size `shape`, or decodes one where `choice` is None; a key frame without references.

    Returns the frame, int32 [6, h, w], and its motion.
    """
    latents = None if choice is None else choice.latents
    if references is None:
        return _through(coder, nets, "key", latents, grey(shape, nets.device), quality), None
    motion = code_motion(coder, None if choice is None else choice.motion, references, shape)
    base = predicted(motion, references)
    if code_symbol(coder, 2, None if choice is None else int(latents is None)):
        return base.frame, motion
    return _through(coder, nets, "inter", latents, base, quality), motion


def _through(coder: Coder, nets: Nets, kind: str, latents: Latents | None, base: Predicted, quality: int) -> Tensor:
    t = round(position(quality) * ONE)
    return nets.exact[kind].code(coder, latents, base.frame, base.doubt, t, nets.whole_steps(kind, quality))


def settle(
    nets: Nets,
    wanted: Tensor,
    references: References | None,
    quality: int,
    budget: Budget,
    spacings: Sequence[int] = SPACINGS,
    care: int = MERGED,
) -> tuple[Choice, float]:
    """The encoder's choices for a frame [6, h, w] (int32, 0 to 255), and the seconds that the fit took.

    `spacings`: those of the flow that are tried; `care`: how far the search goes.
    """
    weight = rate_weight(quality)
    if references is None:
        kind, motion, base = "key", None, grey((wanted.shape[1], wanted.shape[2]), nets.device)
    else:
        kind = "inter"
        motion, base = find(wanted, references, weight, spacings, care)
    began = time.monotonic()
    latents, loss = fit(nets, kind, wanted, base, quality, budget)
    taken = time.monotonic() - began
    if motion is not None and loss > error(base.frame, wanted) / weight:
        return Choice(motion, None), taken
    return Choice(motion, latents), taken


def fit(nets: Nets, kind: str, wanted: Tensor, base: Predicted, quality: int, budget: Budget) -> tuple[Latents, float]:
    """Latents in units of their steps, from the analysis, then by gradient on error and rate; and both of these.

    The loss is in bits per pixel: the error divided by what a bit is worth, and the rate.
    """
    net, weight = nets.fits[kind], rate_weight(quality)
    target = wanted[None].float() / 255 - 0.5
    prediction = Prediction(base.frame[None].float() / 255 - 0.5, base.doubt[None].float() / 510)
    t, log2_steps = position(quality), nets.log2_steps(kind, quality)
    pixels = 4 * wanted[0].numel()

    def loss(latents: Latents, quantise: Quantise) -> Tensor:
        coded = net.decoder(latents, prediction, t, log2_steps, quantise)
        return distortion(coded.frame, target) / weight + coded.bits / pixels

    with torch.no_grad():
        latents: Latents = net.analysis(target, prediction.frame, t, log2_steps)
    if budget.steps or budget.seconds:
        latents = _descended(latents, loss, budget, nets.device)
    with torch.no_grad():
        return latents, float(loss(latents, rounded))


def _descended(
    latents: Latents, loss: Callable[[Latents, Quantise], Tensor], budget: Budget, device: torch.device
) -> Latents:
    variables = Latents(*(y.clone().requires_grad_() for y in latents))
    optimizer = torch.optim.Adam(variables, lr=_RATE, betas=(0.9, 0.99))
    began, step, fraction = time.monotonic(), 0, 0.0
    own = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(own):  # the same noise in each run, and the caller's generator as it was
        torch.manual_seed(0)
        while fraction < 1:
            optimizer.param_groups[0]["lr"] = _RATE * cosine(fraction, 0.05)
            value = loss(variables, noisy)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            step += 1
            fraction = step / budget.steps if budget.steps else (time.monotonic() - began) / (budget.seconds or 1)
    return Latents(*(y.detach() for y in variables))


def half_size(height: int, width: int) -> tuple[int, int]:
    """Of the packed frame of a picture of these luma sides: padded, so that all grids fit."""
    return -(-height // (2 * ALIGN)) * ALIGN, -(-width // (2 * ALIGN)) * ALIGN


def pack(planes: Planes, device: torch.device) -> Tensor:
    """Planes as int32 [6, h, w] at half size; beyond their last rows and columns these are repeated."""
    height, width = half_size(*planes[0].shape)
    sides = ((2 * height, 2 * width), (height, width), (height, width))
    y, u, v = (
        np.pad(p, ((0, high - p.shape[0]), (0, wide - p.shape[1])), "edge")
        for p, (high, wide) in zip(planes, sides, strict=True)
    )
    luma = y.reshape(height, 2, width, 2).transpose(1, 3, 0, 2).reshape(4, height, width)
    return torch.from_numpy(np.concatenate([luma, u[None], v[None]]).astype(np.int32)).to(device)


def unpack(frame: Tensor, height: int, width: int) -> Planes:
    """The inverse of `pack`."""
    samples = frame.to("cpu", torch.uint8).numpy()
    high, wide = samples.shape[1:]
    luma = samples[:4].reshape(2, 2, high, wide).transpose(2, 0, 3, 1).reshape(2 * high, 2 * wide)
    half = -(-height // 2), -(-width // 2)
    y, u, v = (np.ascontiguousarray(p) for p in (luma[:height, :width], *samples[4:, : half[0], : half[1]]))
    return y, u, v
