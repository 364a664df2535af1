"""The sizes of S2LIC: one parametric layout, three named configurations."""

from __future__ import annotations

import math
from dataclasses import MISSING, asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Config:
    """Sizes of a model. Equal configs and equal weights give equal files."""

    stages: tuple[tuple[int, int, int], ...]  # (channels, SwinV2 layers, heads) per scale, finest first
    slices: tuple[int, ...]  # latent channels coded together; their sum is M
    hyper: int  # N: channels of z
    hyper_widths: tuple[int, int, int, int]  # inside h_s
    hyper_out: int  # channels of h_s's output; the second half plays the "hyper means"
    hyper_subpel: int  # kernel of h_s's sub-pixel convolutions
    parameter_widths: tuple[int, ...]  # g_ep's hidden channels
    residual_widths: tuple[int, ...]  # LRP's hidden channels; () = no LRP
    context_hidden: int  # AC's hidden channels
    context_width: int  # most channels that AC, AG or SP give out
    global_context: bool  # AG: deformable attention over earlier slices
    mlp: int  # expansion of the SwinV2 MLPs
    unshuffle: int  # 1: the paper's stride-2 first convolution; 4: the quarter layout
    enhance: tuple[int, int, int] | None  # dense enhancement: hidden channels, growth, unshuffle
    shortcut: bool  # linear 16x16 transform beside g_a and g_s, started from the PCA of photos
    lambdas: tuple[float, float] = (8e-4, 0.2)  # of R + lambda 255^2 MSE, at q = 0 and q = 1
    convolutions: tuple[int, ...] = ()  # layers with a convolution for attention, before a stage's SwinV2 ones; () = 0
    filtered: bool = False  # g_s's finest stage sees the shortcut's pixels, and so can mend the edges of its squares

    @property
    def latents(self) -> int:
        """M: channels of y."""
        return sum(self.slices)

    def channels(self, i: int) -> slice:
        """The channels of slice i."""
        start = sum(self.slices[:i])
        return slice(start, start + self.slices[i])

    def slices_for(self, channels: int) -> int:
        """How many slices, from the first on, it takes to have so many channels."""
        return next((i for i in range(1, len(self.slices)) if sum(self.slices[:i]) >= channels), len(self.slices))

    @property
    def reach(self) -> int | None:
        """How many pixels beyond its own latent a decoded pixel depends on; None where attention looks further."""
        if self.enhance or not self.filtered or any(layers for _, layers, _ in self.stages):
            return None
        layers = sum(self.unshuffle * 2**i * count for i, count in enumerate(self.convolutions))
        return layers + 2 * self.unshuffle  # the convolution over the shortcut's pixels, and the last one

    @property
    def log_lambda_range(self) -> float:
        return math.log(self.lambdas[1] / self.lambdas[0])

    def log_lambda(self, q: Tensor) -> Tensor:
        """ln lambda of rates q in 0..1, of any shape."""
        return q * self.log_lambda_range + math.log(self.lambdas[0])

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, for JSON.

        A field that came later is left out where it is as models were before: so fingerprints of their weights stay.
        """
        later = {"convolutions", "filtered"}
        return {k: v for k, v in asdict(self).items() if k not in later or v}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Config:
        """Inverse of `to_dict` after a trip through JSON; ValueError if fields are missing or unknown.

        A field that a released config has not yet got has a default that means how models were before it.
        """
        unknown = set(values) - {f.name for f in fields(cls)}
        missing = {f.name for f in fields(cls) if f.default is MISSING} - set(values)
        if unknown or missing:
            raise ValueError(f"config fields differ: {sorted(unknown | missing)}")
        return cls(**{k: _tuples(v) for k, v in values.items()})


def _tuples(v: Any) -> Any:
    return tuple(_tuples(x) for x in v) if isinstance(v, list) else v


CONFIGS = {
    # The paper's model: N = 192, M = 320, ten slices.
    "full": Config(
        stages=((192, 1, 4), (192, 2, 8), (192, 3, 16)),
        slices=(32,) * 10,
        hyper=192,
        hyper_widths=(320, 320, 480, 480),
        hyper_out=640,
        hyper_subpel=3,
        parameter_widths=(320, 256, 128),
        residual_widths=(224, 128),
        context_hidden=192,
        context_width=320,
        global_context=True,
        mlp=4,
        unshuffle=1,
        enhance=(64, 32, 1),
        shortcut=False,
    ),
    # For a GPU: the quarter layout, wider; as much as a CPU may take to decode.
    "s": Config(
        stages=((128, 0, 4), (192, 0, 6)),
        convolutions=(1, 5),
        filtered=True,
        slices=(16, 16, 32, 64, 128),
        hyper=128,
        hyper_widths=(192, 192, 192, 192),
        hyper_out=256,
        hyper_subpel=1,
        parameter_widths=(192, 128),
        residual_widths=(),
        context_hidden=96,
        context_width=96,
        global_context=False,
        mlp=2,
        unshuffle=4,
        enhance=None,
        shortcut=True,
    ),
    # For CPUs: the quarter layout, convolutions for attention.
    "xs": Config(
        stages=((96, 0, 3), (128, 0, 4)),
        convolutions=(2, 6),
        filtered=True,
        slices=(16, 16, 32, 64, 128),
        hyper=96,
        hyper_widths=(192, 192, 192, 192),
        hyper_out=192,
        hyper_subpel=1,
        parameter_widths=(256, 160),
        residual_widths=(),
        context_hidden=128,
        context_width=64,
        global_context=False,
        mlp=2,
        unshuffle=4,
        enhance=None,
        shortcut=True,
    ),
}
