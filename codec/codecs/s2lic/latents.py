"""The coding pass of S2LIC's latents: integers from float64, the same symbols on every machine.

A table index is the bin of a scale; the encoder proves that no scale lies near the edge of its bin, else takes the
next of four phases of the bins. The decoder never rounds a float to a symbol.
"""

import math

import numpy as np
import torch
from torch import Tensor

from codec.entropy import Coder, Tables, gaussian_tables, tables_from_pmfs
from codec.errors import FormatError
from codec.models.s2lic.acgc import EntropyModel
from codec.models.s2lic.prior import SCALE_MIN

SCALES = 64  # tables of y, log-spaced from SCALE_MIN to SCALE_MAX
SCALE_MAX = 64.0
SCALE_STEP = math.log(SCALE_MAX / SCALE_MIN) / (SCALES - 1)
PHASES = 4
MARGIN = 2.0**-30  # of a bin: float64 differs between machines by 1e-13 at most (measured)


class TooClose(Exception):
    """A scale lies too near the edge of its bin: another machine might round it the other way."""


def scale_index(sigma: Tensor, phase: int, checked: bool) -> np.ndarray:
    """Table index of each sigma (float64); bins are shifted by phase / 4. `checked`: raise TooClose at an edge."""
    at = (sigma.clamp(min=1e-9) / SCALE_MIN).log() / SCALE_STEP + phase / PHASES
    if checked:
        edge = at.round().clamp(1, SCALES - 1)  # below 1 all is table 0, above 63 all is table 63
        if bool(((at - edge).abs() < MARGIN).any()):
            raise TooClose
    return at.floor().clamp(0, SCALES - 1).to(torch.uint8).cpu().numpy()


def build_tables(model: EntropyModel) -> tuple[Tables, Tables]:
    """Integer tables of z (one a channel) and of y (one a scale bin), built once when weights are exported."""
    # The centre of each bin at phase 0, which nearly all units have; bin 0 holds what is clamped to SCALE_MIN.
    scales = [SCALE_MIN * math.exp((k + 0.5 if k else 0) * SCALE_STEP) for k in range(SCALES)]
    pmfs = model.prior.pmfs()
    return tables_from_pmfs([p for _, p in pmfs], [first for first, _ in pmfs]), gaussian_tables(scales)


def code_latents(
    model: EntropyModel,
    tables: tuple[Tables, Tables],
    coder: Coder,
    q: Tensor,
    shape: tuple[int, int],
    phase: int,
    latents: tuple[Tensor, Tensor] | None,
    count: int | None = None,
) -> Tensor:
    """One tile's coding pass, the same in both directions.

    `shape`: rows and columns of y, multiples of 4. `latents`: (y scaled, z scaled) when encoding, else None.
    Returns y_hat [1, M, *shape], float64; `count`: of the first slices alone, so many. Raises TooClose when encoding
    with an unsafe phase, FormatError when decoded values make no sense.
    """
    y, z = latents or (None, None)
    device = q.device
    n = model.config.hyper
    z_shape = (n, shape[0] // 4, shape[1] // 4)
    channel = np.broadcast_to(np.arange(n)[:, None, None], z_shape)
    symbols = coder.code(_symbols(z[0]) if z is not None else None, channel, tables[0])
    hyper = model.hyper(torch.from_numpy(symbols).to(device, torch.float64)[None], q)

    def quantize(i: int, cells: Tensor, mu: Tensor, sigma: Tensor) -> Tensor:
        here = cells[0, 0]
        m, s = mu[0][:, here], sigma[0][:, here]  # [c, cells]
        if not bool(torch.isfinite(s).all() & torch.isfinite(m).all()):
            raise FormatError("the latents are damaged; get a whole copy of the file")
        index = scale_index(s, phase, checked=y is not None)
        values = _symbols(y[0, model.config.channels(i)][:, here] - m) if y is not None else None
        values = coder.code(values, index, tables[1])
        out = torch.zeros_like(mu)
        out[0][:, here] = torch.from_numpy(values).to(device, torch.float64) + m
        return out

    return model.decode(hyper, q, quantize, count)


def _symbols(v: Tensor) -> np.ndarray:
    """Nearest integers as int32 (values of photos are far inside its range)."""
    return v.round().clamp(-(2**30), 2**30).to(torch.int32).cpu().numpy()
