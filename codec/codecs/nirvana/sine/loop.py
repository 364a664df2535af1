"""The loop that fits a group's network: how long, how fast, when to stop, and which state is kept."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from codec.errors import CodecError

EVERY = 50  # steps between evaluations
PATIENCE = 150  # steps within which the loss must fall ...
GAIN = 0.003  # ... by this part of it
HURRY = 4.0  # how much faster the rest of the schedule runs once it doesn't

State = TypeVar("State", covariant=True)


class Fit(Protocol[State]):
    """What the loop drives: parameters that are rounded when they are coded."""

    def step(self, fraction: float) -> None:
        """One gradient step; `fraction` of the budget, 0..1, is spent."""

    def evaluate(self) -> tuple[float, float]:
        """Distortion and bits a pixel of the rounded parameters."""

    def state(self) -> State:
        """A copy of the rounded parameters."""


@dataclass(frozen=True)
class Budget:
    """`steps` or `seconds` of fitting, whichever ends first; None: no limit, but not both."""

    steps: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Fitted(Generic[State]):
    """The best state of a fit, and its distortion."""

    state: State
    distortion: float


def cosine(fraction: float, floor: float) -> float:
    """The factor of the learning rates: 1 at the start, `floor` at the end."""
    return floor + (1 - floor) * (0.5 + 0.5 * math.cos(math.pi * min(fraction, 1.0)))


def fit(what: Fit[State], lambda_: float, budget: Budget) -> Fitted[State]:
    """Fits until the budget is spent or the loss no longer falls, and gives the state of the lowest loss.

    The loss is distortion + `lambda_` * bits a pixel, of the rounded parameters. When it stops falling, what
    is left of the schedule is run through four times as fast: stopped on the spot, a fit would miss the end of
    its schedule, where small learning rates bring most. The start is a candidate, too.
    """
    if budget.steps is None and budget.seconds is None:
        raise CodecError("Fitting needs a number of steps or seconds.")
    fraction = 1.0 if budget.steps == 0 or budget.seconds == 0 else 0.0
    step, speed, last, losses = 0, 1.0, time.monotonic(), list[float]()
    best: Fitted[State] | None = None
    while True:
        if step % EVERY == 0 or fraction >= 1:
            distortion, bpp = what.evaluate()
            loss = distortion + lambda_ * bpp
            if best is None or loss < min(losses):
                best = Fitted(what.state(), distortion)
            losses.append(loss)
            # A loss that is no number: the fit has diverged, and what was best before stands.
            if fraction >= 1 or not math.isfinite(loss):
                return best
            earlier = losses[: -(PATIENCE // EVERY)]
            if earlier and min(losses) > (1 - GAIN) * min(earlier):
                speed = HURRY
        what.step(fraction)
        step, now = step + 1, time.monotonic()
        share = 1 / budget.steps if budget.steps else 0.0
        if budget.seconds:
            share = max(share, (now - last) / budget.seconds)
        fraction, last = fraction + speed * share, now
        if fraction > 1 - 1e-9:  # a sum of shares ends a little off 1
            fraction = 1.0
