"""The work of an evaluation for one process: rows of one file after the other, in a worker too."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from codec.evaluate.plan import Plan
from codec.evaluate.rows import Evaluator, Row

Done = frozenset[tuple[str, str]]


@lru_cache(maxsize=1)
def evaluator(plan: Plan, kind: str) -> Evaluator:
    """The plan made ready once in a process."""
    if plan.tasks:
        import torch

        torch.set_num_threads(1)  # scores must not depend on how many there are: near-ties would flip
    return Evaluator(plan, kind)


@dataclass(frozen=True)
class Work:
    """All rows of a file, as workers do it; picklable."""

    plan: Plan
    kind: str
    done: Done

    def __call__(self, path: Path) -> Iterator[Row]:
        """The rows that `done` doesn't have, as they are ready."""
        return evaluator(self.plan, self.kind).rows(path, self.done)


def done(rows: Collection[Row]) -> Done:
    """The (file, codec) of rows."""
    return frozenset((row["file"], row["codec"]) for row in rows)
