"""Threads keep the priority they had. SVT-AV1, run as root on Linux, gives its own and its caller's the highest there
is (SCHED_FIFO 99), which starves everything else on the machine and passes to whatever is started afterwards."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_THREADS = "/proc/self/task"


@contextmanager
def kept() -> Iterator[None]:
    """What runs inside changes no thread's scheduling; threads that it makes get its caller's."""
    before = _policies()
    own = before.get(_own())
    try:
        yield
    finally:
        for thread, now in _policies().items():
            wanted = before.get(thread, own)
            if wanted is not None and wanted != now:
                with suppress(OSError):  # it has ended, or the system doesn't let us
                    os.sched_setscheduler(thread, wanted[0], os.sched_param(wanted[1]))


def _policies() -> dict[int, tuple[int, int]]:
    """Policy and priority of each thread of this process, where the system tells."""
    found: dict[int, tuple[int, int]] = {}
    if not os.path.isdir(_THREADS) or not hasattr(os, "sched_getscheduler"):
        return found
    for name in os.listdir(_THREADS):
        with suppress(OSError):
            thread = int(name)
            found[thread] = os.sched_getscheduler(thread), os.sched_getparam(thread).sched_priority
    return found


def _own() -> int:
    return threading.get_native_id()
