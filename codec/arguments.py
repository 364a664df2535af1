"""Arguments of the library by their types: a wrong one is a CodecError that says what to give."""

from __future__ import annotations

import numbers
from typing import Any

from codec.errors import CodecError


def check_number(name: str, value: Any, whole: bool = False) -> None:
    """CodecError for what is no number, or with `whole` no whole one."""
    kind = numbers.Integral if whole else numbers.Real
    if isinstance(value, bool) or not isinstance(value, kind):
        wanted = "a whole number" if whole else "a number"
        raise CodecError(f"{name} must be {wanted}, not {value!r} of type {type(value).__name__}")


def check_told(progress: Any, notes: Any = None, reached: Any = None) -> None:
    """CodecError for a `progress` that can't be called, `notes` that are no list and a `reached` that is no dict."""
    if progress is not None and not callable(progress):
        raise CodecError(f"progress must be a function of (steps done, steps in all), not {type(progress).__name__}")
    if notes is not None and not isinstance(notes, list):
        raise CodecError(f"notes must be a list, not {type(notes).__name__}")
    if reached is not None and not isinstance(reached, dict):
        raise CodecError(f"reached must be a dict, not {type(reached).__name__}")
