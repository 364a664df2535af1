"""The training loop of what is trained by steps: checkpoints, averaged weights, log, resuming, signals."""

from __future__ import annotations

import ctypes
import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from codec.errors import CodecError
from codec.output import alone
from codec.train import checkpoint
from codec.train.signals import stop_signals

WARM_UP = 30  # steps
_BAD = 100  # steps without a finite gradient, one after the other, end a run
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of mallopt, in glibc's malloc.h
# Options that a run which goes on may have another of without a word: where it is, how long, and what it tells.
_FREE = {"out", "hours", "steps", "log_every", "save_every", "val_every", "val", "stop_after", "device", "init"}


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """What every run is told. Its length is `steps`, or `hours` of training."""

    data: list[str]
    out: str
    hours: float | None = None
    steps: int | None = None
    batch: int
    lr: float
    decay: float
    ema: float
    seed: int = 0
    log_every: int
    save_every: float
    val_every: float
    stop_after: float | None = None


def lr_factor(step: int, progress: float, decay: float) -> float:
    """Warm-up, constant, linear decay over the last `decay` of the schedule; progress in 0..1."""
    return min(1.0, (step + 1) / WARM_UP) * (min(1.0, (1 - progress) / decay) if decay else 1.0)


class Run:
    """The state of a run: model, averaged weights, optimizers by name, steps and seconds trained.

    A subclass makes the model, calls `begin` with the optimizers, and says in `train_step` what a step is.
    """

    model: nn.Module

    def __init__(self, schedule: Schedule) -> None:
        self.schedule, self.out = schedule, Path(schedule.out)
        self.step, self.seconds = 0, 0.0
        self.stamp = checkpoint.stamp(self.out / "checkpoint")
        self.saved = checkpoint.load(self.out / "checkpoint")

    def begin(self, optimizers: Mapping[str, torch.optim.Optimizer]) -> None:
        """Go on from the checkpoint, if there is one."""
        self.optimizers = dict(optimizers)
        self.average = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
        if self.saved is None:
            return
        tensors, state = self.saved
        self.saved = None
        try:
            self.model.load_state_dict(part(tensors, "model"))
        except RuntimeError as error:
            raise CodecError(f"{self.out} holds a run of other sizes; give the same ones, or another --out") from error
        try:
            for k, v in self.average.items():
                v.copy_(tensors["average." + k])
            for name, optimizer in self.optimizers.items():
                checkpoint.restore_optimizer(optimizer, tensors, name)
            self.step, self.seconds = int(state["step"]), float(state["seconds"])
        except (KeyError, ValueError, TypeError, RuntimeError) as error:
            raise checkpoint.damaged(self.out / "checkpoint", error) from error
        if changed := _changed(state.get("options", {}), asdict(self.schedule)):
            say(f"goes on from step {self.step} with other options than before: {changed}")

    def train_step(self) -> Mapping[str, float] | None:
        """One update; what the log tells the means of, or None where a non-finite step was skipped."""
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        """What a checkpoint says beside its tensors."""
        return {"step": self.step, "seconds": self.seconds, "options": asdict(self.schedule)}

    def save(self, name: str = "checkpoint") -> None:
        """Write a checkpoint."""
        tensors = {"model." + k: v for k, v in self.model.state_dict().items()}
        tensors |= {"average." + k: v for k, v in self.average.items()}
        for kind, optimizer in self.optimizers.items():
            tensors |= checkpoint.optimizer_tensors(optimizer, kind)
        checkpoint.save(self.out / name, {k: v.cpu() for k, v in tensors.items()}, self.state())

    def save_last(self) -> None:
        """Write what the end of a run leaves."""
        self.save()

    def progress(self) -> float:
        """Share of the schedule that is done, 0..1."""
        s = self.schedule
        return min(1.0, self.seconds / (3600 * s.hours) if s.hours else self.step / (s.steps or 1))

    def finished(self, stop: bool) -> bool:
        """Whether the run ends here."""
        return stop or self.progress() >= 1

    def factor(self) -> float:
        """Of the learning rates, at this step."""
        return lr_factor(self.step, self.progress(), self.schedule.decay)

    def update_average(self, every: int = 1) -> None:
        """Move the averaged weights towards the model's, in every so many steps."""
        if self.step % every == 0:
            # A short memory first, so that the average forgets the start quickly.
            keep = min(self.schedule.ema**every, (1 + self.step) / (10 + self.step))
            state = self.model.state_dict()
            floats = [k for k, v in self.average.items() if v.is_floating_point()]
            torch._foreach_lerp_([self.average[k] for k in floats], [state[k] for k in floats], 1 - keep)

    def log(self, values: Mapping[str, object]) -> None:
        """Add a line to the run's log."""
        log(self.out, {"step": self.step, "hours": round(self.seconds / 3600, 4)} | dict(values))


def train(run: Run, validate: Callable[[], Iterable[Mapping[str, object]]] | None = None, writes: bool = True) -> None:
    """Train until the schedule ends, a signal comes or `stop_after` seconds are over.

    `validate` gives lines for the log. Of several processes one `writes`. CodecError if another run writes there, or
    did since this one was read, and for a run whose steps are no longer finite.
    """
    _keep_freed_memory()
    with alone(run.out / "checkpoint") if writes else nullcontext():
        if writes and checkpoint.stamp(run.out / "checkpoint") != run.stamp:
            raise CodecError(
                f"{run.out}: another process has trained it meanwhile; the same command goes on from there"
            )
        before = run.progress() >= 1
        if before and writes:
            say(f"the schedule is over at step {run.step}: nothing to train; make it longer to go on")
        _train(run, validate, writes)
        if writes and not before:
            wrote = f"at step {run.step}, and wrote {run.out / 'checkpoint'}"
            over = run.progress() >= 1
            say(f"the schedule is over {wrote}" if over else f"stopped {wrote}; the same command goes on from there")


def _keep_freed_memory() -> None:
    """Let glibc keep what a step frees for the next, which asks for the same: pages fetched anew are a tenth of it."""
    with suppress(OSError, AttributeError):  # another C library
        mallopt = ctypes.CDLL("libc.so.6").mallopt
        mallopt(_M_MMAP_THRESHOLD, 2**30)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def _train(run: Run, validate: Callable[[], Iterable[Mapping[str, object]]] | None, writes: bool) -> None:
    s = run.schedule
    window: list[Mapping[str, float]] = []
    skipped = 0

    def tell() -> None:
        nonlocal skipped
        if window:
            means = {k: round(float(np.mean([values[k] for values in window])), 5) for k in window[0]}
            run.log(means | {"skipped": skipped, "progress": round(run.progress(), 4)})
            window.clear()
            skipped = 0

    def check() -> None:
        for values in validate() if validate else ():
            run.log(values)

    begun = last = saved = checked = time.monotonic()
    first, bad = run.step, 0
    decaying = run.progress() > 1 - s.decay
    with stop_signals() as signals:
        while not run.finished(bool(signals) or last - begun > (s.stop_after or float("inf"))):
            result = run.train_step()
            now = time.monotonic()
            run.seconds, last = run.seconds + now - last, now
            bad = bad + 1 if result is None else 0
            if bad == _BAD:
                break
            if not writes:
                continue
            window += [] if result is None else [result]
            skipped += result is None
            if run.step % s.log_every == 0:
                tell()
            if not decaying and run.progress() > 1 - s.decay:
                decaying = True
                run.save("stable")  # from here a longer schedule can branch off
            if now - saved > s.save_every:
                run.save()
                saved = now
            if validate and now - checked > s.val_every:
                check()
                last = checked = time.monotonic()  # validation is not training time
    if bad and bad in (_BAD, run.step - first):
        raise CodecError(
            f"{run.out}: the last {bad} steps had no finite gradient, and the run is lost from there; "
            "give a lower --lr, or start from other weights"
        )
    if writes:
        tell()
        run.save_last()
        if not signals:
            check()


def _changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """The options of what is learned that aren't as they were."""
    known = {k: (before[k], v) for k, v in json.loads(json.dumps(now)).items() if k in before and k not in _FREE}
    return ", ".join(f"{k} {new} (was {old})" for k, (old, new) in known.items() if old != new)


def part(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """A checkpoint's tensors of one kind ("model", "average"), by the names that they have there."""
    return {k[len(name) + 1 :]: v for k, v in tensors.items() if k.startswith(name + ".")}


def averaged(run: Path, name: str = "checkpoint") -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The averaged weights in a run's checkpoint of this name, and its state; CodecError if there is none."""
    saved = checkpoint.load(run / name)
    if saved is None:
        raise CodecError(f"{run / name}: no checkpoint there; give the folder that --out named")
    if "config" not in saved[1]:
        raise checkpoint.damaged(run / name, ValueError("no config"))
    return part(saved[0], "average"), saved[1]


def say(text: str) -> None:
    """A line for who watches."""
    print(text, file=sys.stderr, flush=True)


def log(folder: Path, values: Mapping[str, object]) -> None:
    """A line for who watches and of the run's log.jsonl."""
    line = json.dumps(dict(values))
    say(line)
    with (folder / "log.jsonl").open("a") as f:
        f.write(line + "\n")
