"""Which device to compute on, and how many cores there are."""

import os

from codec.errors import CodecError


def resolve(name: str) -> str:
    """ "auto" -> "cuda" where there is a GPU, else "cpu"; CodecError for devices that don't exist."""
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, number = name.partition(":")
    if kind not in ("cpu", "cuda") or (number and not number.isdecimal()) or (kind == "cpu" and number):
        raise CodecError(f"no device {name!r}; give auto, cpu, cuda or cuda:N")
    if kind == "cuda" and not torch.cuda.is_available():
        raise CodecError("there is no CUDA device here; use --device cpu")
    if number and int(number) >= torch.cuda.device_count():
        raise CodecError(f"there are {torch.cuda.device_count()} CUDA devices, numbered from 0; {name} is none of them")
    return name


def cores() -> int:
    """Cores of the processor that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
