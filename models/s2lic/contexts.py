"""The entropy model's contexts (ACGC): what earlier slices say about the next one.

Everything here is plain convolution, gating and attention on independent tiles of T x T latents, so that
cost is linear in the image and a float64 copy of these modules computes the same on every machine to 1e-13.
"""

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from codec.models.s2lic.layers import conv, zero

TILE = 16  # latents along a side of an attention tile: a 256 x 256 training crop is one tile
REACH = 2.0  # deformed sampling points stay within this many cells of their place


def mlp1x1(*widths: int) -> nn.Sequential:
    """1x1 convolutions with GELU between."""
    return _stack(1, widths)


def mlp3x3(*widths: int) -> nn.Sequential:
    """3x3 convolutions with GELU between."""
    return _stack(3, widths)


def _stack(kernel: int, widths: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for cin, cout in itertools.pairwise(widths):
        layers += [conv(cin, cout, kernel), nn.GELU()]
    return nn.Sequential(*layers[:-1])


def tile(x: Tensor, size: int = TILE) -> Tensor:
    """[B, C, H, W] -> [B * tiles, C, size, size]; the edge is repeated where a tile sticks out."""
    b, c, h, w = x.shape
    x = F.pad(x, (0, -w % size, 0, -h % size), mode="replicate")
    nh, nw = x.shape[2] // size, x.shape[3] // size
    return x.view(b, c, nh, size, nw, size).permute(0, 2, 4, 1, 3, 5).reshape(-1, c, size, size)


def untile(t: Tensor, b: int, h: int, w: int) -> Tensor:
    """Inverse of `tile` for a map of h x w."""
    c, size = t.shape[1], t.shape[2]
    nh, nw = -(-h // size), -(-w // size)
    x = t.view(b, nh, nw, c, size, size).permute(0, 3, 1, 4, 2, 5).reshape(b, c, nh * size, nw * size)
    return x[:, :, :h, :w]


class CrossGate(nn.Module):
    """Adaptive interaction of two branches (the figure's gating): a channel map of one, a spatial map of the other.

    out = Conv1x1(wide * S(local) + local * K(wide)); the channel map averages over a tile, never the image,
    so that what is learned on crops holds on whole pictures.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeeze = max(4, channels // 8)
        self.spatial = mlp1x1(channels, squeeze, 1)
        self.channel = mlp1x1(channels, squeeze, channels)
        self.out = conv(channels, channels, 1)

    def forward(self, wide: Tensor, local: Tensor) -> Tensor:
        b, _, h, w = wide.shape
        mean = tile(wide).mean((2, 3), keepdim=True).expand(-1, -1, TILE, TILE)
        k = torch.sigmoid(self.channel(untile(mean, b, h, w)))
        return self.out(wide * torch.sigmoid(self.spatial(local)) + local * k)


class LocalBranch(nn.Sequential):
    """1x1 to the output width, then a depth-wise 3x3: the convolutional branch beside the wide one."""

    def __init__(self, cin: int, cout: int) -> None:
        super().__init__(conv(cin, cout, 1), nn.Conv2d(cout, cout, 3, padding=1, groups=cout), nn.GELU())


class ChannelContext(nn.Module):
    """Adaptive channel-wise context AC (the paper's ACGC figure): earlier slices [B, cin, H, W] -> [B, cout, H, W]."""

    def __init__(self, cin: int, cout: int, hidden: int) -> None:
        super().__init__()
        self.wide = mlp3x3(cin, min(cin, hidden), cout)
        self.local = LocalBranch(cin, cout)
        self.gate = CrossGate(cout)

    def forward(self, u: Tensor) -> Tensor:
        return self.gate(self.wide(u), self.local(u))


class DeformableAttention(nn.Module):
    """Multi-head attention to deformed points (as in arXiv 2201.00520), on tiles of T x T latents.

    Each head has 32 channels and its own T/2 x T/2 grid of sampling points, moved by at most REACH cells.
    """

    def __init__(self, cin: int, dim: int) -> None:
        super().__init__()
        self.heads = max(1, dim // 32)
        self.q = conv(cin, dim, 1)
        self.squeeze = conv(cin, dim, 1)
        self.kv = conv(dim, 2 * dim, 1)
        self.out = conv(dim, dim, 1)
        d = dim // self.heads
        last = nn.Conv2d(d, 2, 1, bias=False)
        zero(last.weight)
        self.offset = nn.Sequential(nn.Conv2d(d, d, 5, 2, 2, groups=d), nn.GELU(), last)

    def forward(self, u: Tensor) -> Tensor:
        b, _, h, w = u.shape
        t = tile(u)
        n, heads = len(t), self.heads
        q = self.q(t)  # [n, dim, T, T]
        per_head = q.reshape(n * heads, -1, TILE, TILE)
        move = self.offset(per_head).clamp(-REACH, REACH)  # [n * heads, 2, T/2, T/2] in latents (x, y)
        centre = torch.arange(0.5, TILE, 2, dtype=u.dtype, device=u.device)  # cell centres, in latents
        grid = torch.stack(torch.meshgrid(centre, centre, indexing="xy"), 0) + move
        grid = (grid / (TILE - 1) * 2 - 1).permute(0, 2, 3, 1)
        x = self.squeeze(t).reshape(n * heads, -1, TILE, TILE)
        x = F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=True)
        k, v = self.kv(x.reshape(n, -1, TILE // 2, TILE // 2)).chunk(2, 1)
        q, k, v = (a.reshape(n * heads, -1, a.shape[2] * a.shape[3]) for a in (q, k, v))
        logits = q.transpose(1, 2) @ k * (q.shape[1] ** -0.5)  # [n * heads, T^2, T^2 / 4]
        out = v @ logits.softmax(-1).transpose(1, 2)
        return untile(self.out(out.reshape(n, -1, TILE, TILE)), b, h, w)


class GlobalContext(nn.Module):
    """Adaptive global-inter context AG: AC's gate mirrored, the channel map is the local branch's."""

    def __init__(self, cin: int, cout: int) -> None:
        super().__init__()
        self.attention = DeformableAttention(cin, cout)
        self.mix = conv(cout, cout, 5)
        self.local = LocalBranch(cin, cout)
        self.gate = CrossGate(cout)

    def forward(self, u: Tensor) -> Tensor:
        return self.gate(self.local(u), self.mix(self.attention(u)))
