"""One training run of S2LIC: model, averaged weights, optimizer, and the step that moves them on."""

import contextlib
import os
import time
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn

from codec.device import resolve
from codec.errors import CodecError
from codec.models.s2lic.config import Config
from codec.models.s2lic.model import CELL, S2LIC
from codec.train import checkpoint, loop, photos
from codec.train.loop import Run
from codec.train.muon import Muon
from codec.train.s2lic_options import Options, make_config

MAP_SPREAD = 0.12  # standard deviation of a cell's rate about its crop's: a factor of 2 in lambda
SMALLEST_ROW = 26  # inputs of a matrix worth making orthogonal: more than a depth-wise 5x5 kernel has
AVERAGE_EVERY = 4  # steps: the average moves little in one


def rates(n: int, cells: int, rng: np.random.Generator) -> Tensor:
    """Rates in 0..1 of n crops as maps [n, cells, cells]: one from each n-th of the range, shuffled.

    Half of the crops have one rate everywhere, in the others each cell has its own, MAP_SPREAD about the crop's.
    """
    q = (rng.permutation(n) + rng.random(n)) / n
    spread = MAP_SPREAD * rng.standard_normal((n, cells, cells)) * (rng.random(n) < 0.5)[:, None, None]
    return torch.from_numpy((q[:, None, None] + spread).clip(0, 1)).float()


def sample_losses(model: nn.Module, config: Config, x: Tensor, q: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Each sample's weighted loss, bits per pixel, and MSE on the scale of 0..255; q [B] or maps [B, H/64, W/64]."""
    out = model(x, q)
    pixels = x.shape[2] * x.shape[3]
    bits = sum(-p.float().log2().sum((1, 2, 3)) for p in out["likelihoods"].values())
    bpp = bits / pixels
    error = F.avg_pool2d((out["x_hat"].float() - x).square().mean(1), CELL) * 255**2  # [B, H/64, W/64]
    q = q.expand_as(error) if q.ndim == 3 else q[:, None, None].expand_as(error)
    log_lam = config.log_lambda(q)
    distortion = (log_lam.exp() * error).mean((1, 2))
    return (bpp + distortion) * (-0.5 * log_lam.mean((1, 2))).exp(), bpp, error.mean((1, 2))


def take(model: nn.Module, weights: dict[str, Tensor]) -> float:
    """Start a model from another one's weights of the same names; returns the share of its values that are taken.

    A model may have grown. A layer that the other has not got starts as the identity; of a wider hidden layer the new
    units keep their random inputs, and nothing is taken from them at first: the function stays what it was.
    """
    state, taken = model.state_dict(), 0
    for name, old in weights.items():
        new = state.get(name)
        if new is None:
            continue
        if old.numel() == new.numel():
            new.copy_(old.view_as(new))
        elif old.ndim == new.ndim and all(o <= n for o, n in zip(old.shape, new.shape, strict=True)):
            if new.ndim > 1:
                new[: old.shape[0], old.shape[1] :] = 0
            new[tuple(slice(n) for n in old.shape)] = old
        else:
            continue
        taken += old.numel()
    return taken / sum(v.numel() for v in state.values())


def make_optimizers(model: nn.Module, lr: float) -> dict[str, torch.optim.Optimizer]:
    """Muon for matrices; AdamW for what is none (vectors, tables, depth-wise kernels) and, at a tenth, the shortcut.

    By the names that they have in checkpoints.
    """
    groups: dict[str, list[nn.Parameter]] = {"matrix": [], "other": [], "shortcut": []}
    for name, p in model.named_parameters():
        table = "prior." in name or name.endswith(".rows") or "gain" in name
        matrix = not table and p.ndim >= 2 and p.shape[0] > 1 and p[0].numel() >= SMALLEST_ROW
        groups["shortcut" if name.startswith("shortcut") else "matrix" if matrix else "other"].append(p)
    shares = {"other": (1.0, 0.0), "shortcut": (0.1, 0.01)}
    listed = [{"params": groups[k], "share": s, "weight_decay": wd} for k, (s, wd) in shares.items() if groups[k]]
    muon = Muon(groups["matrix"], lr, weight_decay=0.01)
    muon.param_groups[0]["share"] = 1.0
    return {"adamw": torch.optim.AdamW(listed, lr=lr, betas=(0.9, 0.99), fused=True), "muon": muon}


class Trainer(Run):
    """A run of S2LIC, on one machine or (torchrun) several GPUs."""

    model: S2LIC

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.options = options
        self.rank, self.world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
        self.device = self._device()
        self.config = make_config(options)
        torch.manual_seed(options.seed)
        self.images = photos.load(options.data)
        self.crops = photos.Crops(self.images, options.crop, self.device)
        self.model = S2LIC(self.config)
        self.origin, before = "nothing", None
        if self.saved is None:
            self._start()
        else:
            before = self.saved[1].get("precision")
        self.model.to(self.device)
        self.begin(make_optimizers(self.model, options.lr))
        # A run that goes on keeps the precision that was picked.
        self.precision = (before or self._pick_precision()) if options.precision == "auto" else options.precision
        if before not in (None, self.precision):
            loop.say(f"goes on from step {self.step} in {self.precision} (was {before})")
        self.parallel: nn.Module = self.model
        if self.world > 1:
            self.parallel = nn.parallel.DistributedDataParallel(self.model)

    def _device(self) -> torch.device:
        name = resolve(self.options.device)
        if name == "cuda":
            name = f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
        if self.world > 1 and not dist.is_initialized():
            dist.init_process_group("nccl" if name.startswith("cuda") else "gloo")
        if name.startswith("cuda"):
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        return torch.device(name)

    def _start(self) -> None:
        if self.options.init:
            taken = take(self.model, checkpoint.weights(self.options.init))
            if not taken:
                raise CodecError(f"{self.options.init}: nothing in it is of this model; start from other weights")
            self.origin = f"{taken:.0%} of {self.options.init}"
        elif self.config.shortcut:
            basis, std = photos.principal_components(self.images, self.config.latents, self.options.seed)
            self.model.init_shortcut(basis, std)

    def save_last(self) -> None:
        self.save()
        self.save_average()

    def save_average(self) -> None:
        """The averaged weights alone, in bfloat16: what another run starts from, and what is exported."""
        tensors = {"average." + k: v.to(torch.bfloat16).cpu() for k, v in self.average.items()}
        checkpoint.save(self.out / "average", tensors, self.state())

    def state(self) -> dict[str, Any]:
        return super().state() | {"config": self.config.to_dict(), "precision": self.precision}

    def finished(self, stop: bool) -> bool:
        """All processes hear it of the first, and so leave at the same step."""
        state = torch.tensor([self.seconds, float(super().finished(stop))], dtype=torch.float64)
        if self.world > 1:
            state = state.to(self.device)
            dist.broadcast(state, 0)
            self.seconds = float(state[0])
        return bool(state[1])

    def _autocast(self, precision: str) -> contextlib.AbstractContextManager[None]:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=precision == "bf16")

    def _pick_precision(self) -> str:
        """bf16 pays only where the processor has it: time both on this model."""
        x, q = self._batch(np.random.default_rng(0))
        best = {}
        for precision in ("fp32", "bf16"):
            times = []
            for _ in range(4):
                start = time.perf_counter()
                with self._autocast(precision):
                    loss = sample_losses(self.model, self.config, x, q)[0].mean()
                loss.backward()
                loss.item()  # waits for the device
                times.append(time.perf_counter() - start)
            best[precision] = min(times[1:])
        self.model.zero_grad(set_to_none=True)
        return min(best, key=lambda k: best[k])

    def _batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        x = self.crops.batch(self.options.batch, rng)
        return x, rates(len(x), self.options.crop // CELL, rng).to(self.device)

    def train_step(self) -> dict[str, float] | None:
        rng = np.random.default_rng((self.options.seed, self.step, self.rank))
        torch.manual_seed(int(rng.integers(2**62)))
        x, q = self._batch(rng)
        for group in (g for optimizer in self.optimizers.values() for g in optimizer.param_groups):
            group["lr"] = self.options.lr * self.factor() * group["share"]
        with self._autocast(self.precision):
            losses, bpp, mse = sample_losses(self.parallel, self.config, x, q)
        loss = losses.mean()
        self.model.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.step += 1
        if not torch.isfinite(norm):
            return None
        for optimizer in self.optimizers.values():
            optimizer.step()
        self.update_average(AVERAGE_EVERY)
        return {"loss": loss.item(), "bpp": bpp.mean().item(), "mse": mse.mean().item()}

    def close(self) -> None:
        """Leave the group of processes, together."""
        if self.world > 1:
            dist.barrier()
            dist.destroy_process_group()

    def averaged_model(self) -> S2LIC:
        """The averaged weights in a model of their own, in evaluation mode."""
        model = S2LIC(self.config)
        model.load_state_dict(self.average)
        return model.to(self.device).eval()
