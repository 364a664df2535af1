"""The work of an evaluation for one process: rows of one file, or of one archive, after the other, in a worker too."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from codec.evaluate import sequence
from codec.evaluate.plan import Plan
from codec.evaluate.rows import Evaluator, Row
from codec.evaluate.specs import Spec
from codec.urls import Place

Done = frozenset[tuple[str, str]]


@lru_cache(maxsize=1)
def evaluator(plan: Plan, kind: str) -> Evaluator:
    """The plan made ready once in a process."""
    if plan.tasks:
        import torch

        torch.set_num_threads(1)  # scores must not depend on how many there are: near-ties would flip
    return Evaluator(plan, kind)


class Job(NamedTuple):
    """Rows that are made together: of one file by each codec that knows one at a time, or of all files in one archive
    by `spec`."""

    files: tuple[Place, ...]
    spec: Spec | None = None

    def rows(self, plan: Plan) -> list[tuple[str, str]]:
        """The (file, codec) of all that it makes."""
        names = plan.separate if self.spec is None else [str(self.spec)]
        return [(str(file), name) for file in self.files for name in names]


def jobs(plan: Plan, files: Sequence[Place], done: Done) -> list[Job]:
    """Those that have something to do."""
    found = [Job((file,)) for file in files] + [Job(tuple(files), spec) for spec in plan.archives]
    return [job for job in found if not done.issuperset(job.rows(plan))]


@dataclass(frozen=True)
class Work:
    """The rows of jobs, as codec.engines has it done; picklable."""

    plan: Plan
    kind: str
    done: Done

    def __call__(self, job: Job, tell: Callable[[Row], None]) -> None:
        """Tell each row that `done` doesn't have, as it is ready."""
        made = evaluator(self.plan, self.kind)
        for row in made.rows(job.files[0], self.done) if job.spec is None else sequence.rows(made, job.spec, job.files):
            tell(row)


def done(rows: Collection[Row]) -> Done:
    """The (file, codec) of rows."""
    return frozenset((row["file"], row["codec"]) for row in rows)
