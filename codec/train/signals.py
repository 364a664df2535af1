"""Stopping a training loop from outside without losing its step."""

import contextlib
import signal
from collections.abc import Iterator


@contextlib.contextmanager
def stop_signals() -> Iterator[list[int]]:
    """A list that SIGTERM and SIGINT fill: the step at hand is finished and saved."""
    caught: list[int] = []
    before = {n: signal.signal(n, lambda n, _: caught.append(n)) for n in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
