"""One frame of the practical video codec: found motion, fitted latents, exact integers.

    planes -> flow (block matching) -> prediction (integers) -> latents (analysis, then fitted) -> code_frame
    code_frame -> flow -> prediction -> latents -> planes, the same ones on every machine

`code_frame` is the coding pass of both directions; everything else here is the encoder's.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from codec.entropy import Coder, Encoder
from codec.media.video import Planes
from codec.models.nirvana_grid import ALIGN, Latents, distortion, noisy
from codec.nirvana.exact import ONE
from codec.nirvana.fit import Budget, cosine
from codec.nirvana.flow import LIMIT, code_flow
from codec.nirvana.method import position, rate_weight
from codec.nirvana.motion import SPACINGS, UNITS, grid, search, warped
from codec.nirvana.nets import Nets

GREY = 128  # the prediction of a key frame
_RATE = 0.01  # of the fit, in a latent's steps
_SYMBOLS = {"quality": 201, "spacing": len(SPACINGS), "copy": 2}


@dataclass(frozen=True)
class Reference:
    """What a frame may be predicted from: the frame before, int32 [6, h, w], and its flow, with that one's spacing."""

    frame: Tensor
    flow: np.ndarray | None = None
    spacing: int = 0


@dataclass(frozen=True)
class Choice:
    """What an encoder has settled for a frame. `flow`: None in a key frame. `latents`: None copies the prediction."""

    quality: int  # 0 to 200
    spacing: int
    flow: np.ndarray | None
    latents: Latents | None


def code_frame(
    coder: Coder, nets: Nets, choice: Choice | None, before: Reference | None, shape: tuple[int, int]
) -> Reference:
    """Codes a frame of half size `shape`, or decodes one where `choice` is None; a key frame where `before` is.

    Returns the frame, and with it what the next one may be predicted from.
    """
    latents = None if choice is None else choice.latents
    if before is None:
        quality = _code(coder, "quality", None if choice is None else choice.quality)
        grey = torch.full((6, *shape), GREY, dtype=torch.int32, device=nets.device)
        return Reference(_through(coder, nets, "key", latents, grey, quality))
    spacing = SPACINGS[_code(coder, "spacing", None if choice is None else SPACINGS.index(choice.spacing))]
    size = -(-2 * shape[0] // spacing), -(-2 * shape[1] // spacing)
    last = before.flow if before.spacing == spacing else None
    flow = code_flow(coder, None if choice is None else choice.flow, size, last)
    prediction = predict(before.frame, flow, spacing)
    if _code(coder, "copy", None if choice is None else int(latents is None)):
        return Reference(prediction, flow, spacing)
    quality = _code(coder, "quality", None if choice is None else choice.quality)
    return Reference(_through(coder, nets, "inter", latents, prediction, quality), flow, spacing)


def _through(coder: Coder, nets: Nets, kind: str, latents: Latents | None, prediction: Tensor, quality: int) -> Tensor:
    t = round(position(quality) * ONE)
    return nets.exact[kind].code(coder, latents, prediction, t, nets.whole_steps(kind, quality))


def predict(frame: Tensor, flow: np.ndarray, spacing: int) -> Tensor:
    """A frame [6, h, w] (int32) moved along a flow [2, rows, columns]: exact."""
    vectors = torch.from_numpy(np.ascontiguousarray(flow)).to(frame.device, torch.int32)
    luma = F.pixel_shuffle(frame[None, :4], 2)[0]
    luma = F.pixel_unshuffle(warped(luma, vectors, spacing, False)[None], 2)[0]
    return torch.cat([luma, warped(frame[4:], vectors, spacing, True)])


def settle(
    nets: Nets,
    wanted: Tensor,
    before: Reference | None,
    quality: int,
    budget: Budget,
    spacings: Sequence[int] = SPACINGS,
) -> tuple[Choice, float]:
    """The encoder's choices for a frame [6, h, w] (int32, 0 to 255), and the seconds that the fit took.

    `spacings`: those of the flow that are tried.
    """
    weight = rate_weight(quality)
    if before is None:
        kind, spacing, flow, prediction = "key", 0, None, torch.full_like(wanted, GREY)
    else:
        kind = "inter"
        spacing, flow, prediction = find_flow(wanted, before, weight, spacings)
    began = time.monotonic()
    latents = fit(nets, kind, wanted, prediction, quality, weight, budget)
    taken = time.monotonic() - began
    if before is not None:
        encoder = Encoder()
        found = _through(encoder, nets, kind, latents, prediction, quality)
        if _loss(error(found, wanted), encoder, wanted, weight) > error(prediction, wanted):
            return Choice(quality, spacing, flow, None), taken
    return Choice(quality, spacing, flow, latents), taken


def _loss(squares: float, encoder: Encoder, wanted: Tensor, weight: float) -> float:
    """Error and rate of a frame, in units of error."""
    return squares + weight * 8 * len(encoder.finish()) / (4 * wanted[0].numel())


def error(found: Tensor, wanted: Tensor) -> float:
    """Mean squared error (6 Y + U + V) / 8 of frames [6, h, w], on a scale of 0 to 1."""
    return float(distortion(found[None].double() / 255, wanted[None].double() / 255))


def find_flow(
    wanted: Tensor, before: Reference, weight: float, spacings: Sequence[int]
) -> tuple[int, np.ndarray, Tensor]:
    """The block size and the flow of least error and rate, and the frame that it predicts."""
    now, then = (F.pixel_shuffle(x[None, :4].float() / 255, 2) for x in (wanted, before.frame))
    best: tuple[float, int, np.ndarray, Tensor] | None = None
    for spacing in (0, *spacings):
        # First no motion at all, in the largest blocks.
        own = spacing or SPACINGS[-1]
        last = before.flow if before.spacing == own else None
        if spacing:
            start = None if last is None else torch.from_numpy(last).to(now)[None] / UNITS
            vectors = (search(now, then, own, weight, start)[0] * UNITS).round().clamp(-LIMIT, LIMIT)
            flow = vectors.to("cpu", torch.int32).numpy()
        else:
            flow = np.zeros((2, *grid(now, own)), np.int32)
        encoder = Encoder()
        code_flow(encoder, flow, (flow.shape[1], flow.shape[2]), last)
        prediction = predict(before.frame, flow, own) if spacing else before.frame
        loss = _loss(error(prediction, wanted), encoder, wanted, weight)
        if best is None or loss < best[0]:
            best = loss, own, flow, prediction
    assert best is not None
    return best[1:]


def fit(
    nets: Nets, kind: str, wanted: Tensor, prediction: Tensor, quality: int, weight: float, budget: Budget
) -> Latents:
    """Latents in units of their steps: from the analysis, then by gradient on error and rate."""
    net = nets.fits[kind]
    target, base = (x[None].float() / 255 - 0.5 for x in (wanted, prediction))
    t, log2_steps = position(quality), nets.log2_steps(kind, quality)
    with torch.no_grad():
        latents: Latents = net.analysis(target, base, t, log2_steps)
    if not (budget.steps or budget.seconds):
        return latents
    variables = Latents(*(y.clone().requires_grad_() for y in latents))
    optimizer = torch.optim.Adam(variables, lr=_RATE, betas=(0.9, 0.99))
    pixels = 4 * wanted[0].numel()
    began, step, fraction = time.monotonic(), 0, 0.0
    own = [nets.device] if nets.device.type == "cuda" else []
    with torch.random.fork_rng(own):  # the same noise in each run, and the caller's generator as it was
        torch.manual_seed(0)
        while fraction < 1:
            optimizer.param_groups[0]["lr"] = _RATE * cosine(fraction, 0.05)
            coded = net.decoder(variables, base, t, log2_steps, noisy)
            loss = distortion(coded.frame, target) / weight + coded.bits / pixels
            optimizer.zero_grad()
            loss.backward()
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


def _code(coder: Coder, name: str, value: int | None) -> int:
    """A small number, all values alike."""
    count = _SYMBOLS[name]
    part = np.full(count, 256 // count)
    part[0] += 256 - part.sum()
    wanted = None if value is None else np.array([value])
    return int(coder.code_pmfs(wanted, part[None], 8)[0])
