"""One training run of S2LIC: model, averaged weights, optimizer, and the step that moves them on."""

import contextlib
import os
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from codec.models.config import Config
from codec.models.s2lic import S2LIC

from . import checkpoint, photos
from .options import Options, make_config

WARM_UP = 30  # steps


def lr_factor(step: int, progress: float, decay: float) -> float:
    """Warm-up, constant, linear decay over the last `decay` of the schedule; progress in 0..1."""
    return min(1.0, (step + 1) / WARM_UP) * (min(1.0, (1 - progress) / decay) if decay else 1.0)


def rates(n: int, rng: np.random.Generator) -> Tensor:
    """n rates in 0..1, one from each n-th of the range, shuffled."""
    return torch.from_numpy((rng.permutation(n) + rng.random(n)) / n).float()


def sample_losses(model: nn.Module, config: Config, x: Tensor, q: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Per sample: weighted loss, rate in bits per pixel, MSE on the scale of 0..255."""
    out = model(x, q)
    pixels = x.shape[2] * x.shape[3]
    bits = sum(-p.float().log2().sum((1, 2, 3)) for p in out["likelihoods"].values())
    bpp = bits / pixels
    mse = (out["x_hat"].float() - x).square().mean((1, 2, 3)) * 255**2
    lam = config.lambdas[0] * torch.exp(q * config.log_lambda_range)
    return (bpp + lam * mse) * lam**-0.5, bpp, mse


def make_optimizer(model: nn.Module, lr: float) -> torch.optim.AdamW:
    """AdamW; no weight decay on vectors and tables, a tenth of the rate for the linear shortcut."""
    groups: dict[str, list[nn.Parameter]] = {"matrix": [], "vector": [], "shortcut": []}
    for name, p in model.named_parameters():
        if name.startswith("shortcut"):
            groups["shortcut"].append(p)
        else:
            table = "prior." in name or name.endswith(".rows") or "gain" in name
            groups["vector" if p.ndim < 2 or table else "matrix"].append(p)
    settings = {"matrix": (1.0, 0.01), "vector": (1.0, 0.0), "shortcut": (0.1, 0.0)}
    listed = [{"params": groups[k], "share": s, "weight_decay": wd} for k, (s, wd) in settings.items() if groups[k]]
    return torch.optim.AdamW(listed, lr=lr, betas=(0.9, 0.99), fused=True)


class Trainer:
    """State of a run: model, averaged weights, optimizer, step and seconds trained."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.rank, self.world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
        self.device = self._device()
        self.out = Path(options.out)
        self.config = make_config(options)
        torch.manual_seed(options.seed)
        self.images = photos.load(options.data)
        self.crops = photos.Crops(self.images, options.crop)
        self.model = S2LIC(self.config)
        self.step, self.seconds = 0, 0.0
        saved = checkpoint.load(self.out / "checkpoint")
        if saved is None:
            self._start()
        self.model.to(self.device)
        self.optimizer = make_optimizer(self.model, options.lr)
        self.average = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
        if saved is not None:
            self._restore(*saved)
        self.precision = self._pick_precision() if options.precision == "auto" else options.precision
        self.parallel: nn.Module = self.model
        if self.world > 1:
            self.parallel = nn.parallel.DistributedDataParallel(self.model)

    def _device(self) -> torch.device:
        name = self.options.device
        if name == "auto":
            name = f"cuda:{os.environ.get('LOCAL_RANK', 0)}" if torch.cuda.is_available() else "cpu"
        if self.world > 1 and not dist.is_initialized():
            dist.init_process_group("nccl" if name.startswith("cuda") else "gloo")
        if name.startswith("cuda"):
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        return torch.device(name)

    def _start(self) -> None:
        if self.options.init:
            from safetensors.torch import load_file

            loaded = {k: v.float() for k, v in load_file(self.options.init).items() if not k.startswith("tables.")}
            self.model.load_state_dict(loaded)
        elif self.config.shortcut:
            basis, std = photos.principal_components(self.images, self.config.latents, self.options.seed)
            self.model.init_shortcut(basis, std)

    def _restore(self, tensors: dict[str, Tensor], state: dict[str, float]) -> None:
        prefix = len("model.")
        self.model.load_state_dict({k[prefix:]: v for k, v in tensors.items() if k.startswith("model.")})
        for k, v in self.average.items():
            v.copy_(tensors["average." + k])
        checkpoint.restore_optimizer(self.optimizer, tensors)
        self.step, self.seconds = int(state["step"]), float(state["seconds"])

    def save(self, name: str = "checkpoint") -> None:
        tensors = {"model." + k: v for k, v in self.model.state_dict().items()}
        tensors |= {"average." + k: v for k, v in self.average.items()}
        tensors |= checkpoint.optimizer_tensors(self.optimizer)
        state = {
            "step": self.step,
            "seconds": self.seconds,
            "config": self.config.to_dict(),
            "options": asdict(self.options),
        }
        checkpoint.save(self.out / name, {k: v.cpu() for k, v in tensors.items()}, state)

    def progress(self) -> float:
        """Share of the schedule that is done, 0..1."""
        o = self.options
        return min(1.0, self.step / o.steps if o.steps else self.seconds / (3600 * (o.hours or 1)))

    def finished(self, stop: bool) -> bool:
        """Whether the run ends here. All processes hear it of the first, and so leave at the same step."""
        state = torch.tensor([self.seconds, float(stop or self.progress() >= 1)], dtype=torch.float64)
        if self.world > 1:
            state = state.to(self.device)
            dist.broadcast(state, 0)
            self.seconds = float(state[0])
        return bool(state[1])

    def _autocast(self, precision: str) -> contextlib.AbstractContextManager[None]:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=precision == "bf16")

    def _pick_precision(self) -> str:
        """bf16 pays only where the processor has it: time both on this model."""
        rng = np.random.default_rng(0)
        x, q = (
            self.crops.batch(self.options.batch, rng).to(self.device),
            rates(self.options.batch, rng).to(self.device),
        )
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
        self.optimizer.zero_grad(set_to_none=True)
        return min(best, key=lambda k: best[k])

    def train_step(self) -> tuple[float, float, float] | None:
        """One update; (loss, bpp, mse) means, or None where a non-finite step was skipped."""
        rng = np.random.default_rng((self.options.seed, self.step, self.rank))
        torch.manual_seed(int(rng.integers(2**62)))
        x = self.crops.batch(self.options.batch, rng).to(self.device).contiguous(memory_format=torch.channels_last)
        q = rates(self.options.batch, rng).to(self.device)
        factor = lr_factor(self.step, self.progress(), self.options.decay)
        for group in self.optimizer.param_groups:
            group["lr"] = self.options.lr * factor * group["share"]
        with self._autocast(self.precision):
            losses, bpp, mse = sample_losses(self.parallel, self.config, x, q)
        loss = losses.mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.step += 1
        if not torch.isfinite(norm):
            return None
        self.optimizer.step()
        # A short memory first, so that the average forgets the start quickly.
        keep = min(self.options.ema, (1 + self.step) / (10 + self.step))
        state = self.model.state_dict()
        floats = [k for k, v in self.average.items() if v.is_floating_point()]
        torch._foreach_lerp_([self.average[k] for k in floats], [state[k] for k in floats], 1 - keep)
        return loss.item(), bpp.mean().item(), mse.mean().item()

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
