"""What ends a command from outside (Ctrl-C, the terminal's end, SIGTERM) waits where it would leave half of a thing."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_NAMES = ("SIGINT", "SIGHUP", "SIGTERM")


@contextmanager
def held() -> Iterator[Callable[[], None]]:
    """Handlers of these signals are called late: when what it gives is called, or else at the end of the block.

    The system's mask would not do: it is of one thread, and handlers run in the main one whichever has got the signal.
    """
    handlers: dict[int, Callable[[int, FrameType | None], object]] = {}
    came: list[tuple[int, FrameType | None]] = []

    def go() -> None:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        late = [(handlers.pop(number), number, frame) for number, frame in came if number in handlers]
        handlers.clear()
        for handler, number, frame in late:
            handler(number, frame)

    if threading.current_thread() is threading.main_thread():
        for number in (getattr(signal, name) for name in _NAMES if hasattr(signal, name)):
            handler = signal.getsignal(number)
            if callable(handler):  # the system's own way, an end at once, is never in Python's hands
                handlers[number] = handler
                signal.signal(number, lambda *what: came.append(what))
    try:
        yield go
    finally:
        go()
