"""NIRVANA as its paper has it: each group of frames is a small sine network, coded against the group's before.

A group's payload holds integers only: the network's weights, its tensors' steps, and how each is coded. So
every machine decodes the same weights; pixels are computed in floating point and may differ by a level.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from codec.codecs.checksum import compare
from codec.codecs.nirvana.sine.fit import SineFit
from codec.codecs.nirvana.sine.latents import STEP_LIMIT, Weights
from codec.codecs.nirvana.sine.loop import Budget, fit
from codec.codecs.nirvana.sine.patches import Grid
from codec.codecs.nirvana.sine.presets import Preset
from codec.codecs.nirvana.sine.tensors import Shapes, code_tensors
from codec.entropy import Coder, Decoder, Encoder
from codec.errors import CodecError, FormatError
from codec.media.video import Planes
from codec.models.nirvana.sine import Sine, patch_centres

BATCH = 64  # patches that the network computes at once: always as many, as floats may differ between sizes
SAME = 1.01  # a distortion up to this many times that of the group before means that the frames repeat it


@dataclass(frozen=True)
class State:
    """What the next group starts from: the weights and, in the encoder that fitted them, their distortion."""

    weights: Weights
    distortion: float | None = None


@dataclass(frozen=True)
class Coded:
    """An encoded group: its bytes, the CRC-32 of its symbols, what a decoder gives, the state for the next group."""

    payload: bytes
    checksum: int
    planes: list[Planes]
    state: State


class SineGroups:
    """Codes groups of up to `preset.shape.group` frames of `height` x `width`.

    `init` is the learned start of key groups, the same in encoder and decoder (None: random, and coded whole).
    """

    def __init__(
        self, preset: Preset, height: int, width: int, init: Weights | None = None, device: str = "cpu"
    ) -> None:
        self.preset, self._init, self._device = preset, init, device
        self._shapes = preset.shape.tensors()
        self._grid = Grid(height, width, preset.shape.patch)
        self._net = Sine(preset.shape).to(device)
        self._centres = patch_centres(self._grid.rows, self._grid.columns, preset.shape.patch).to(device)

    def encode(self, planes: list[Planes], reference: State | None, lambda_: float, budget: Budget) -> Coded:
        """Fits a group of 1 to G frames; `reference` is the state of the group before, None in a key group.

        The loss is (6 Y + U + V) / 8 of the mean squared errors, of samples in 0..1, plus `lambda_` * bits per luma
        sample. Raises CodecError if the planes are not of this size.
        """
        self._check(planes)
        target = self._grid.cut(planes, self.preset.shape.group).to(self._device)
        origin = reference.weights if reference else self._init
        pixels = len(planes) * self._grid.height * self._grid.width
        what = SineFit(
            self._net,
            self._centres,
            target,
            origin or self.preset.random_weights(),
            origin,
            lambda_=lambda_,
            pixels=pixels,
            rates=self.preset.rates,
            near=reference is not None,
        )
        if reference and reference.distortion and what.evaluate()[0] <= SAME * reference.distortion:
            budget = Budget(steps=0)
        fitted = fit(what, lambda_, budget)
        coder = Encoder()
        code_weights(coder, fitted.state, self._shapes, origin)
        state = State(fitted.state, fitted.distortion)
        return Coded(coder.finish(), coder.checksum, self.render(fitted.state, len(planes)), state)

    def decode(self, payload: bytes, checksum: int, count: int, reference: State | None) -> tuple[list[Planes], State]:
        """The `count` frames of a group and its state. Raises FormatError or DesyncError for damaged bytes."""
        coder = Decoder(payload)
        weights = code_weights(coder, None, self._shapes, reference.weights if reference else self._init)
        coder.finish()
        compare(coder.checksum, checksum, "the decoded weights of a group")
        return self.render(weights, count), State(weights)

    def render(self, weights: Weights, count: int) -> list[Planes]:
        """The first `count` frames of a group."""
        floats = weights.floats(self._device)
        frames = self._grid.frames(min(count, self.preset.shape.group))
        with torch.no_grad(), torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
            for first in range(0, len(self._centres), BATCH):
                centres = self._centres[first : first + BATCH]
                full = F.pad(centres, (0, 0, 0, BATCH - len(centres)))
                frames.put(first, self._net(full, floats)[: len(centres), :count])
        return frames.planes()

    def _check(self, planes: list[Planes]) -> None:
        height, width = self._grid.height, self._grid.width
        small = (-(-height // 2), -(-width // 2))
        sizes = [(height, width), small, small]
        if not 1 <= len(planes) <= self.preset.shape.group:
            raise CodecError(f"A group has 1 to {self.preset.shape.group} frames, not {len(planes)}.")
        if any([plane.shape for plane in frame] != sizes for frame in planes):
            raise CodecError(f"The frames of a group must be 4:2:0 planes of {width}x{height} pixels.")


def code_weights(coder: Coder, weights: Weights | None, shapes: Shapes, reference: Weights | None) -> Weights:
    """Codes a network, or decodes it where `weights` is None, against `reference` (None: zeros)."""
    known = None if reference is None else {"steps": reference.steps}
    given = None if weights is None else {"steps": weights.steps}
    steps = code_tensors(coder, given, {"steps": (len(shapes),)}, known)["steps"]
    if np.abs(steps).max() > STEP_LIMIT:
        raise FormatError("The steps of a group's weights are out of range; the file is damaged.")
    before = None if reference is None else reference.tensors
    return Weights(code_tensors(coder, None if weights is None else weights.tensors, shapes, before), steps)
