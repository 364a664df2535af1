"""What a program around the library has set for its own work, put aside while ours is done.

Gradients off or inference mode, another default type or device of torch's, automatic casts, numpy's errors: with these
networks would be loaded wrong (and stay so, as they are kept), searches would have no gradients, and files differ.
All comes back as it was. What is torch's own for a thread is changed in that thread alone; its default type is one for
all of a process, so threads that don't call us see float32 while one that does is at work.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

import numpy as np

Item = TypeVar("Item")
Value = TypeVar("Value")
Given = ParamSpec("Given")


class _Float32:
    """torch's default type while anybody of ours is at work, in any thread; the last one to leave puts theirs back."""

    def __init__(self) -> None:
        self._lock, self._inside = threading.Lock(), 0

    def __enter__(self) -> None:
        import torch

        with self._lock:
            if not self._inside:
                self._theirs = torch.get_default_dtype()
                torch.set_default_dtype(torch.float32)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        import torch

        with self._lock:
            self._inside -= 1
            if not self._inside:
                torch.set_default_dtype(self._theirs)


_FLOAT32 = _Float32()


@contextmanager
def our_own() -> Iterator[None]:
    """Within it, numpy and torch are as they are when nobody has changed them."""
    with ExitStack() as stack:
        stack.enter_context(np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"))
        if "torch" in sys.modules:  # before that nothing of it can be set
            _enter_torch(stack)
        yield


def _enter_torch(stack: ExitStack) -> None:
    import torch

    if torch.is_inference_mode_enabled():
        stack.enter_context(torch.inference_mode(False))
    if not torch.is_grad_enabled():
        stack.enter_context(torch.enable_grad())
    for kind in ("cpu", "cuda"):
        if torch.is_autocast_enabled(kind):
            stack.enter_context(torch.autocast(kind, enabled=False))
    stack.enter_context(_FLOAT32)
    if torch.get_default_device().type != "cpu":  # asked last: it makes a tensor
        stack.enter_context(torch.device("cpu"))


def on_our_own(work: Callable[Given, Value]) -> Callable[Given, Value]:
    """A function that does its work within `our_own`."""

    @wraps(work)
    def wrapped(*given: Given.args, **named: Given.kwargs) -> Value:
        with our_own():
            return work(*given, **named)

    return wrapped


def each_on_our_own(work: Callable[Given, Iterator[Item]]) -> Callable[Given, Iterator[Item]]:
    """A generator each of whose items is made within `our_own`; what is done with them isn't."""

    @wraps(work)
    def wrapped(*given: Given.args, **named: Given.kwargs) -> Iterator[Item]:
        items = work(*given, **named)
        while True:
            with our_own():
                try:
                    item = next(items)
                except StopIteration:
                    return
            yield item

    return wrapped
