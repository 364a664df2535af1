"""Which device to compute on, and on how many cores and threads; and threads in a process that was forked."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from codec.errors import CodecError


def resolve(name: str) -> str:
    """ "auto" -> "cuda" where there is a GPU, else "cpu"; CodecError for devices that don't exist."""
    import torch

    if not isinstance(name, str):
        raise CodecError(f"device must be text, not {name!r}; give auto, cpu, cuda or cuda:N")
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, number = name.partition(":")
    if kind not in ("cpu", "cuda") or (number and not number.isdecimal()) or (kind == "cpu" and number):
        raise CodecError(f"no device {name!r}; give auto, cpu, cuda or cuda:N")
    if kind == "cuda" and not torch.cuda.is_available():
        raise CodecError('there is no CUDA device here; use --device cpu (device="cpu")')
    if number and int(number) >= torch.cuda.device_count():
        raise CodecError(f"there are {torch.cuda.device_count()} CUDA devices, numbered from 0; {name} is none of them")
    return name


def cores() -> int:
    """Cores of the processor that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads() -> int:
    """How many threads compute on one file: `OMP_NUM_THREADS`, which torch reads too, where it is set, else `cores`."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    return int(given) if given.isdecimal() and int(given) else cores()


@contextmanager
def one_thread() -> Iterator[None]:
    """What torch computes inside, it computes on one thread; afterwards it has as many as before.

    For sums that files follow from: in how many parts a sum is taken decides its last bits.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _forked() -> None:
    """A forked process has none of its parent's threads, for which OpenMP would wait in it for ever: torch uses one."""
    set_threads = getattr(sys.modules.get("torch"), "set_num_threads", None)
    if set_threads is not None:
        set_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
