"""Where jobs are worked on: here one after the other, in processes, or on a Ray cluster; by one function of a job.

What becomes of a job doesn't depend on where it is: the same function is called with it, and tells the same.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from codec.jobs import Done, Failed, Job, Told, Value


@dataclass(frozen=True)
class Where:
    """`count`: jobs at once; 1: one after the other, here. `ray`: the address of a cluster, of which `count` 0 is all
    cores; "": on this machine. `gpu`: each job on a cluster has one."""

    count: int = 1
    ray: str = ""
    gpu: bool = False


def run(
    work: Callable[[Job, Callable[..., None]], Value],
    jobs: Iterable[Job | Done[Job, Value]],
    where: Where,
    heard: Callable[..., None] | None = None,
    *,
    threads: int | None = None,
    again: Callable[[Job], Job] = lambda job: job,
) -> Generator[Done[Job, Value] | Failed[Job], None, None]:
    """What becomes of the jobs, in the order in which it does; one that is Done already is passed on in its turn.

    `work`, picklable unless it is done here, is called with a job and with a function that tells of it: `heard` is
    called with the job and what was told. `threads`: of each process; `again`: see codec.cluster. Close the iterator,
    and what is on the way is stopped. CodecError if there is no such cluster.
    """
    if not where.ray and where.count == 1:
        yield from _here(work, jobs, heard)
        return
    with closing(_engine(work, where, threads, again)) as engine:
        for event in engine.run(jobs):
            if not isinstance(event, Told):
                yield event
            elif heard:
                heard(event.job, *event.what)


def _here(work: Any, jobs: Iterable[Any], heard: Callable[..., None] | None) -> Iterator[Any]:
    deaf: list[BaseException] = []  # what went wrong with the listener, not with the job

    def tell(*what: Any) -> None:
        try:
            if heard:
                heard(job, *what)
        except BaseException as error:
            deaf.append(error)
            raise

    for job in jobs:
        if isinstance(job, Done):
            yield job
            continue
        try:
            value = work(job, tell)
        except Exception as error:
            if deaf:
                raise
            yield Failed(job, error)
        else:
            yield Done(job, value)


def _engine(work: Any, where: Where, threads: int | None, again: Any) -> Any:
    if not where.ray:
        from codec.processes import Processes  # multiprocessing costs start-up time

        return Processes(work, where.count, threads)
    from codec.cluster import Cluster

    return Cluster(work, where.ray, where.count or None, where.gpu, again)
