"""What a task, a metric or a peer needs beyond the plain install: packages by their install lines, files of the user's.

Nothing is fetched and nothing is replaced: what is missing is named, with the line that brings it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from codec.errors import CodecError


@dataclass(frozen=True)
class Need:
    """A module that must be importable and the line that installs it; or (`file`) a file that the user names.

    `file` says what file that is; it is given as `--weights NAME=FILE`, NAME being the task's or metric's.
    """

    module: str = ""
    install: str = ""
    file: str = ""


def missing(name: str, needs: Iterable[Need], weights: Mapping[str, Path] | None = None) -> list[str]:
    """What isn't there, each as a line that says how to get it; empty when `name` can be used."""
    lines = []
    for need in needs:
        if need.module and find_spec(need.module) is None:
            lines.append(need.install)
        if need.file and name not in (weights or {}):
            lines.append(f"--weights {name}=FILE: {need.file}")
    return lines


def require(name: str, needs: Iterable[Need], weights: Mapping[str, Path] | None = None) -> None:
    """CodecError that says what `name` still needs, if it needs something."""
    lines = missing(name, needs, weights)
    if lines:
        raise CodecError(f"{name} needs {'; '.join(lines)}")
