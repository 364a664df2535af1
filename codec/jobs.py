"""What is said of jobs that are worked on elsewhere: in processes of this machine, or on the machines of a cluster."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

Job = TypeVar("Job")
Value = TypeVar("Value")


@dataclass(frozen=True)
class Told(Generic[Job]):
    """What a job says while it is worked on."""

    job: Job
    what: tuple[Any, ...]


@dataclass(frozen=True)
class Done(Generic[Job, Value]):
    """What became of a job."""

    job: Job
    value: Value


@dataclass(frozen=True)
class Failed(Generic[Job]):
    """A job that raised an exception, or whose worker died: then that is a CodecError."""

    job: Job
    error: Exception
    died: bool = False


Packed: TypeAlias = tuple[Exception, str]  # an error as it is sent, and where it was


def next_job(rest: Iterator[Job | Done[Job, Any]]) -> Generator[Done[Job, Any], None, tuple[Job] | None]:
    """Pass on those that are done already, to the next that is not; None at the end."""
    for job in rest:
        if not isinstance(job, Done):
            return (job,)
        yield job
    return None


def packed(error: Exception) -> Packed:
    """The exception that is being handled, or if that can't be pickled one that says the same."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}"), traceback.format_exc()
    return error, traceback.format_exc()


def failed(job: Job, sent: Packed, where: str) -> Failed[Job]:
    """A job that raised an exception elsewhere, with where it was raised as its cause."""
    error, text = sent
    error.__cause__ = RuntimeError(f"in {where}:\n{text}")
    return Failed(job, error)
