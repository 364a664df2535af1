"""Stopping a training loop from outside without losing its step."""

import contextlib
import os
import signal
from collections.abc import Iterator


@contextlib.contextmanager
def stop_signals() -> Iterator[list[int]]:
    """A list that SIGTERM and SIGINT fill: the step at hand is finished and saved, which is said at once."""
    caught: list[int] = []

    def catch(number: int, frame: object) -> None:
        if not caught:
            os.write(2, b"stopping after this step, and writing a checkpoint\n")  # print may be under way already
        caught.append(number)

    before = {n: signal.signal(n, catch) for n in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
