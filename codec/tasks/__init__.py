"""Tasks of machine perception, by name; adding one is a file here and a line below."""

from __future__ import annotations

from importlib import import_module

from codec.errors import CodecError
from codec.tasks.base import Task

TASKS = {
    "classify": "codec.tasks.classify:Classify",
    "boundary": "codec.tasks.boundary:Boundary",
    "segment": "codec.tasks.segment:Segment",
    "speech": "codec.tasks.speech:Speech",
}


def create(name: str) -> Task:
    """The task of this name, not loaded yet; CodecError for a name that there isn't."""
    if name not in TASKS:
        raise CodecError(f"no task {name!r}; choose one of {', '.join(TASKS)}")
    module, _, kind = TASKS[name].partition(":")
    task: Task = getattr(import_module(module), kind)()
    return task
