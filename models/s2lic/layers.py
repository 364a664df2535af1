"""Building blocks of the S2LIC transforms: SwinV2 layers, dense enhancement, up- and down-sampling.

Feature maps are [B, C, H, W] in channels-last memory, so that the permutation to [B, H, W, C] inside a
SwinV2 layer is a view. Every residual branch starts at zero: a fresh block is the identity.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WINDOW = 8  # tokens along a side of an attention window (S2LIC uses 8 at every scale)


def zero(parameter: Tensor | None) -> None:
    """Start a parameter at zero."""
    assert parameter is not None
    nn.init.zeros_(parameter)


def conv(cin: int, cout: int, kernel: int = 3, stride: int = 1) -> nn.Conv2d:
    """A convolution whose output is input size / stride (rounded up)."""
    return nn.Conv2d(cin, cout, kernel, stride, kernel // 2)


def deconv(cin: int, cout: int) -> nn.ConvTranspose2d:
    """Transposed 3x3 convolution that doubles the size (the paper's up-sampling inside g_s)."""
    return nn.ConvTranspose2d(cin, cout, 3, 2, 1, output_padding=1)


def subpel(cin: int, cout: int, factor: int = 2, kernel: int = 1) -> nn.Sequential:
    """Sub-pixel up-sampling by `factor`: a convolution to cout * factor^2 channels, then a pixel shuffle."""
    return nn.Sequential(conv(cin, cout * factor**2, kernel), nn.PixelShuffle(factor))


class DenseBlock(nn.Module):
    """Five 3x3 convolutions, each seeing the input and all earlier outputs; the last starts at zero."""

    def __init__(self, cin: int, cout: int, growth: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(conv(cin + j * growth, growth) for j in range(4))
        self.last = conv(cin + 4 * growth, cout)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.xavier_normal_(m.weight, gain=0.1)
                zero(m.bias)
        zero(self.last.weight)

    def forward(self, x: Tensor) -> Tensor:
        for c in self.convs:
            x = torch.cat((x, F.leaky_relu(c(x), 0.2)), 1)
        return self.last(x)


class Enhance(nn.Module):
    """Dense enhancement of an image [B, 3, H, W] (the paper's dense blocks): x + 0.2 F(x), the identity at first.

    `scale` > 1 runs F on the pixel-unshuffled image, scale^2 times cheaper than the paper's 313 kMAC/px.
    """

    def __init__(self, hidden: int, growth: int, scale: int = 1) -> None:
        super().__init__()
        channels = 3 * scale**2
        self.scale = scale
        first = DenseBlock(channels, hidden, growth)
        self.body = nn.Sequential(
            first,
            conv(hidden, hidden, 1),
            conv(hidden, hidden, 3),
            conv(hidden, hidden, 1),
            DenseBlock(hidden, channels, growth),
        )
        # The inner block must pass something on, or the zero of the outer one would never get a gradient.
        nn.init.xavier_normal_(first.last.weight, gain=0.1)

    def forward(self, x: Tensor) -> Tensor:
        f = self.body(F.pixel_unshuffle(x, self.scale))
        return x + 0.2 * F.pixel_shuffle(f, self.scale)


def _log_spaced_offsets() -> tuple[Tensor, Tensor]:
    """Log-spaced relative positions [225, 2] of a window, and the index [64, 64] of each token pair into them."""
    r = torch.arange(-(WINDOW - 1), WINDOW, dtype=torch.float32)
    t = 8 * r / (WINDOW - 1)
    axis = torch.sign(t) * torch.log2(t.abs() + 1) / math.log2(8)
    table = torch.stack(torch.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
    yx = torch.stack(torch.meshgrid(torch.arange(WINDOW), torch.arange(WINDOW), indexing="ij"), -1).reshape(-1, 2)
    d = yx[:, None] - yx[None] + WINDOW - 1  # [64, 64, 2] in 0..14
    return table, d[..., 0] * (2 * WINDOW - 1) + d[..., 1]


def _shift_mask(h: int, w: int, shift: int, device: torch.device) -> Tensor:
    """0 or -100 for each token pair [windows, 1, 64, 64] of a map rolled by -shift: no attention over the seam."""

    def region(n: int) -> Tensor:
        i = torch.arange(n, device=device)
        return (i >= n - WINDOW).int() + (i >= n - shift).int()

    label = region(h)[:, None] * 3 + region(w)[None]
    win = label.view(h // WINDOW, WINDOW, w // WINDOW, WINDOW).permute(0, 2, 1, 3).reshape(-1, WINDOW**2)
    return ((win[:, :, None] != win[:, None]).float() * -100.0)[:, None]


class WindowAttention(nn.Module):
    """Cosine attention inside windows of 64 tokens [B * windows, 64, C] (Swin v2, arXiv 2111.09883, section 3)."""

    offsets: Tensor
    index: Tensor

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(dim, dim)
        self.k = nn.Linear(dim, dim, bias=False)
        self.v = nn.Linear(dim, dim)
        self.out = nn.Linear(dim, dim)
        self.log_tau = nn.Parameter(torch.full((heads, 1, 1), math.log(10.0)))
        self.cpb = nn.Sequential(nn.Linear(2, 512), nn.ReLU(), nn.Linear(512, heads, bias=False))
        offsets, index = _log_spaced_offsets()
        self.register_buffer("offsets", offsets, persistent=False)
        self.register_buffer("index", index, persistent=False)

    def bias(self) -> Tensor:
        """Continuous relative position bias [heads, 64, 64], in 0..16."""
        table = 16 * torch.sigmoid(self.cpb(self.offsets))  # [225, heads]
        return table[self.index].permute(2, 0, 1)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        n, t, c = x.shape
        q, k, v = (f(x).view(n, t, self.heads, -1).transpose(1, 2) for f in (self.q, self.k, self.v))
        tau = self.log_tau.clamp(max=math.log(100.0)).exp()
        # Normalised in float32 even under autocast: with tau up to 100 an error in bf16 would be half a logit.
        q = F.normalize(q.float(), dim=-1, eps=1e-12) * tau
        k = F.normalize(k.float(), dim=-1, eps=1e-12)
        logits = q @ k.transpose(-2, -1) + self.bias()  # [n, heads, 64, 64]
        if mask is not None:
            logits = (logits.view(-1, len(mask), self.heads, t, t) + mask).view(n, self.heads, t, t)
        attention = logits.float().softmax(-1).to(v.dtype)
        return self.out((attention @ v).transpose(1, 2).reshape(n, t, c))


class SwinLayer(nn.Module):
    """SwinV2 layer on a map [B, C, H, W], H and W multiples of 8: attention and MLP, each normalised after.

    The norms' gains start at zero (res-post-norm), so a fresh layer is the identity.
    """

    def __init__(self, dim: int, heads: int, shift: int, mlp: int) -> None:
        super().__init__()
        self.shift = shift
        self.attention = WindowAttention(dim, heads)
        self.norm1 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, mlp * dim), nn.GELU(), nn.Linear(mlp * dim, dim))
        self.norm2 = nn.LayerNorm(dim)
        for m in self.modules():
            if isinstance(m, nn.Linear):
                nn.init.trunc_normal_(m.weight, std=0.02)
                if m.bias is not None:
                    nn.init.zeros_(m.bias)
        for norm in (self.norm1, self.norm2):
            nn.init.zeros_(norm.weight)

    def forward(self, x: Tensor) -> Tensor:
        u = x.permute(0, 2, 3, 1)  # [B, H, W, C]
        b, h, w, c = u.shape
        shift = self.shift if min(h, w) > WINDOW else 0
        r = u.roll((-shift, -shift), (1, 2)) if shift else u
        win = r.reshape(b, h // WINDOW, WINDOW, w // WINDOW, WINDOW, c).transpose(2, 3).reshape(-1, WINDOW**2, c)
        win = self.attention(win, _shift_mask(h, w, shift, x.device) if shift else None)
        r = win.view(b, h // WINDOW, w // WINDOW, WINDOW, WINDOW, c).transpose(2, 3).reshape(b, h, w, c)
        if shift:
            r = r.roll((shift, shift), (1, 2))
        u = u + self.norm1(r)
        u = u + self.norm2(self.mlp(u))
        return u.permute(0, 3, 1, 2)


class _ChannelNorm(nn.LayerNorm):
    """LayerNorm over the channels of [B, C, H, W]; its gain starts at zero."""

    def __init__(self, dim: int) -> None:
        super().__init__(dim)
        nn.init.zeros_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvLayer(nn.Module):
    """SwinV2's layer with a depth-wise 3x3 convolution for attention; [B, C, H, W], the identity at first.

    What makes SwinV2's layers learn is the normalisation after each branch, not the attention (docs/training.md): at
    a third of the cost, twice as many of these learn more in the same time.
    """

    def __init__(self, dim: int, mlp: int) -> None:
        super().__init__()
        depthwise = nn.Conv2d(dim, dim, 3, padding=1, groups=dim)
        self.mix = nn.Sequential(conv(dim, dim, 1), nn.ReLU(), depthwise, conv(dim, dim, 1), _ChannelNorm(dim))
        self.mlp = nn.Sequential(conv(dim, mlp * dim, 1), nn.ReLU(), conv(mlp * dim, dim, 1))
        self.norm2 = _ChannelNorm(dim)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.mix(x)
        return x + self.norm2(self.mlp(x))


def rs2tb(dim: int, depth: int, heads: int, mlp: int) -> nn.Sequential:
    """Residual SwinV2 block: `depth` layers, every second one with shifted windows.

    The paper draws one more skip around the block. The layers carry x themselves and start as the identity,
    so that skip would only double the map: it is left out, and the block too starts as the identity.
    """
    return nn.Sequential(*(SwinLayer(dim, heads, WINDOW // 2 * (j % 2), mlp) for j in range(depth)))
