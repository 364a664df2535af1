"""Validation of a training run: estimated rate and PSNR on held-out photos, and BD-rate against JPEG on the same."""

import io
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image

from codec.errors import CodecError
from codec.media.distortion import psnr
from codec.metrics.bdrate import bd_rate
from codec.models.s2lic.model import CELL, S2LIC

SIDE = 512  # photos are cut to at most this
QUALITIES = (0.1, 0.3, 0.5, 0.7, 0.9)
JPEG_QUALITIES = (10, 20, 35, 50, 65, 80, 90, 95)


class Validation:
    """Held-out crops and their JPEG curve (4:2:0, optimised)."""

    def __init__(self, photos: Sequence[np.ndarray]) -> None:
        self.photos = [_centre(p) for p in photos if min(p.shape[:2]) >= CELL]
        if not self.photos:
            raise CodecError(f"no held-out photo has {CELL} pixels a side; give larger ones")
        points = np.array([[_jpeg(p, quality) for p in self.photos] for quality in JPEG_QUALITIES]).mean(1)
        self.reference = points.T  # bpp, PSNR

    @torch.no_grad()
    def run(self, model: S2LIC) -> dict[str, object]:
        """{'val': [[bpp, psnr] per quality], 'bd_rate_jpeg': per cent}; rates are estimates, without any header."""
        device = next(model.parameters()).device
        points = []
        for quality in QUALITIES:
            values = []
            for p in self.photos:
                x = (torch.from_numpy(p).permute(2, 0, 1)[None].float() / 255).to(device)
                out = model(x, torch.tensor([quality], device=device))
                bits = sum(float(-v.log2().sum()) for v in out["likelihoods"].values())
                levels = (out["x_hat"].clamp(0, 1) * 255).round()
                values.append((bits / p[..., 0].size, psnr(float((levels - x * 255).square().mean()) / 255**2)))
            points.append(np.mean(values, 0))
        bpp, decibels = np.array(points).T
        return {
            "val": np.round(points, 4).tolist(),
            "bd_rate_jpeg": round(bd_rate(bpp, decibels, *self.reference) or float("nan"), 2),
        }


def _centre(p: np.ndarray) -> np.ndarray:
    """The middle of a photo, its sides multiples of CELL up to SIDE."""
    h, w = (min(n // CELL * CELL, SIDE) for n in p.shape[:2])
    top, left = (p.shape[0] - h) // 2, (p.shape[1] - w) // 2
    return np.ascontiguousarray(p[top : top + h, left : left + w])


def _jpeg(p: np.ndarray, quality: int) -> tuple[float, float]:
    buffer = io.BytesIO()
    Image.fromarray(p).save(buffer, "JPEG", quality=quality, optimize=True, subsampling="4:2:0")
    decoded = np.asarray(Image.open(buffer).convert("RGB")).astype(np.float64)
    return 8 * buffer.tell() / p[..., 0].size, psnr(float(((decoded - p) ** 2).mean()) / 255**2)
