"""One run over many files, for `encode` and `decode`: find, pair, refuse, work, tell.

A command gives its own part as `work`, a picklable function of a job and a progress callback. A file that fails is
a line on stderr; the others go on.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import Any, TypeAlias

import click

from codec import urls
from codec.cli.existing import Existing
from codec.cli.files import STDIO, Job, Names, file_ids, plan, stdin_as_dash
from codec.cli.messages import explain, is_expected, say, status
from codec.cli.options import BatchOptions
from codec.cli.progress import BatchLine, duration
from codec.cli.walk import Found, find
from codec.device import cores
from codec.engines import Done, Where, run
from codec.errors import CodecError
from codec.output import clear

Tell: TypeAlias = Callable[..., None]  # steps done, steps in all, and maybe a text
Watch: TypeAlias = Callable[..., None]  # the job, then as Tell


@dataclass(frozen=True)
class Result:
    """What became of one file: the row of --json, and for people a line and maybe a remark."""

    row: dict[str, Any]
    line: str = ""
    note: str = ""
    bytes_before: int = 0


_NONE = Job("", "")  # of a result that is there already

Work: TypeAlias = Callable[[Job, "Tell | None"], Result]
Run: TypeAlias = Callable[[Work, Sequence[Job]], Iterator[Result]]  # work on jobs, results in any order
Share: TypeAlias = Callable[[Sequence[Job], Run], Iterator[Result]]  # of work that is more than one job after the other


def failure(source: str, error: BaseException) -> Result:
    """The result of a file that failed, from an expected error."""
    line = explain(error, source)
    return Result({"file": source, "error": line.removeprefix(f"{source}: ")}, line=line)


def attempt(job: Job, tell: Tell | None, work: Work, told: bool = True) -> Result:
    """The result of one job, failed or not; what is a bug is raised, and a closed pipe ends everything.

    `told`: whether anybody wants to be told.
    """
    try:
        result = work(job, tell if told else None)
    except BrokenPipeError:
        raise
    except Exception as error:
        if not is_expected(error):
            raise
        return failure(job.source, error)
    return replace(result, line=f"{result.line}; {job.taken} is there already") if job.taken else result


def run_batch(
    verb: tuple[str, str],
    sources: Sequence[str],
    options: BatchOptions,
    *,
    work: Work,
    names: Names,
    suffixes: Collection[str],
    share: Share | None = None,
) -> None:
    """Do `work` on every source. Exit 1 if any failed; UsageError, before any work, for what makes no sense.

    `verb`: what is being done and what was done, as ("encoding", "encoded"). `names` gives a source's default
    target, and `suffixes` says which files of a folder count. What is refused is told before any work.
    With `share` that works on the jobs in place of `work`.
    """
    if options.force and options.skip_existing:
        raise click.UsageError("--force overwrites existing files and --skip-existing leaves them; choose one")
    sources = stdin_as_dash(sources)
    found = find(sources, recursive=options.recursive, suffixes=suffixes, output=options.output)
    inputs = [one for one in found.inputs if not (one.inside and names.leave(one.path))]
    if left := len(found.inputs) - len(inputs):
        found.notes.append(
            f"{left} file{'s' * (left > 1)} that codec decoded from the .ncf beside: left out; name those you want"
        )
    found.inputs = inputs
    with _empty_folders_removed(options.output):
        jobs = plan(found.inputs, options.output, names.name, make=not options.dry_run)
        ids = file_ids([job.source for job in jobs])
        existing = Existing(jobs, ids, options.output, names, options.force, options.skip_existing, options.dry_run)
        run_jobs(verb, jobs, options, work=work, settle=existing.settled, found=found, share=share)


@contextmanager
def _empty_folders_removed(output: str | None) -> Iterator[None]:
    """What was made of an output folder that wasn't there goes again, if nothing was put into it."""
    new = output is not None and not urls.is_url(output) and not os.path.lexists(output)
    try:
        yield
    finally:
        for folder, *_ in os.walk(output, topdown=False) if new and output else ():
            with suppress(OSError):  # it isn't empty
                os.rmdir(folder)


def run_jobs(
    verb: tuple[str, str],
    jobs: Sequence[Job],
    options: BatchOptions,
    *,
    work: Work,
    settle: Callable[[Job], Job | None],
    found: Found | None = None,
    share: Share | None = None,
) -> None:
    """Do `work` on every job that `settle` leaves, which gives None for one that is to be skipped. Exit 1 if any
    failed. `found`: what was found beside the jobs' sources; `share`: works on the jobs in place of `work`."""
    if options.as_json and any(job.target == STDIO for job in jobs):
        raise click.UsageError("--json and the output can't both go to standard output; name a file with -o")
    found = found or Found([], [], [])
    report = _Report(verb, len(jobs) + len(found.problems), options)

    def step(job: Job) -> Job | Result:
        """The job if it is to be done, or its result already."""
        try:
            return settle(job) or Result({"file": job.source, "output": job.target, "skipped": True})
        except (CodecError, OSError) as error:
            return failure(job.source, error)

    for note in found.notes:
        if not options.quiet:
            say(f"codec: {note}")
    problems = (failure(path, error) for path, error in found.problems)
    where = _where(options, jobs)
    report.processes = 1 if options.jobs is None else min(options.jobs or cores(), max(len(jobs), 1))
    steps = list(map(step, jobs))
    steps.sort(key=lambda one: not (isinstance(one, Result) and "error" in one.row))  # refusals first

    def run(work: Work, steps: Sequence[Job | Result]) -> Generator[Result, None, None]:
        return _results(work, iter(steps), where, report.watch)

    def shared(share: Share) -> Generator[Result, None, None]:
        yield from (one for one in steps if isinstance(one, Result))
        try:
            yield from share([one for one in steps if isinstance(one, Job)], run)
        except CodecError as error:  # of all of them, not of one
            say(f"codec: {explain(error)}")
            raise click.exceptions.Exit(1) from error

    with closing(shared(share) if share else run(work, steps)) as running:
        for result in chain(problems, running):
            report.add(result)
            if report.failed and not options.keep_going:
                break
    report.finish()


def _where(options: BatchOptions, jobs: Sequence[Job]) -> Where:
    """Where the work is done; standard input and output belong to this process alone."""
    where = options.where(len(jobs))
    if any(STDIO in (job.source, job.target) for job in jobs):
        if where.ray:
            raise click.UsageError("standard input and output stay on this machine; leave out --engine")
        return Where()
    return where


def _results(
    work: Work, steps: Iterator[Job | Result], where: Where, watch: Watch | None
) -> Generator[Result, None, None]:
    """The results of all steps, in the order in which they are ready."""

    def begun(step: Job | Result) -> Job | Done[Job, Result]:
        if isinstance(step, Result):
            return Done(_NONE, step)
        if watch:
            watch(step, 0, 0)
        return step

    each = partial(attempt, work=work, told=watch is not None and not where.ray)
    with closing(run(each, map(begun, steps), where, watch, again=partial(replace, replace=True))) as running:
        for event in running:
            if isinstance(event, Done):
                yield event.value
            elif event.died:
                clear(event.job.target)  # it couldn't remove it itself
                yield failure(event.job.source, event.error)
            else:
                raise event.error


@dataclass
class _Report:
    """Tells each result as it comes, counts, and sums up."""

    verb: tuple[str, str]
    total: int
    options: BatchOptions
    done: int = 0
    failed: int = 0
    skipped: int = 0
    before: int = 0
    after: int = 0
    pixels: int = 0
    expected: float = 0.0  # seconds of work, where nothing is done
    processes: int = 1
    progress: BatchLine = field(init=False)
    started: float = field(init=False)

    def __post_init__(self) -> None:
        self.progress = BatchLine(self.verb[0], self.total, self.options.progress == "json")
        self.started = time.monotonic()

    @property
    def watch(self) -> Watch | None:
        """What shows the progress of a job, where somebody looks."""
        asked = self.options.progress
        if asked == "none" or (asked == "auto" and (self.options.quiet or not sys.stderr.isatty())):
            return None
        return lambda job, *where: self.progress.show(job.source, *where)

    def add(self, result: Result) -> None:
        """Count a result and tell it."""
        row, loud = result.row, not self.options.quiet
        skipped, failed = "skipped" in row, "error" in row
        self.progress.passed(row["file"], worked=not skipped)
        if failed:
            self.failed += 1
            say(f"codec: {result.line}")
        elif skipped:
            self.skipped += 1
        else:
            self.done += 1
            self.before += result.bytes_before
            self.after += row.get("expected_bytes", 0) if self.options.dry_run else row["bytes"]
            self.expected += row.get("expected_s", 0)
            self.pixels += row.get("pixels", 0)
            if result.note and loud:
                say(f"codec: {row['file']}: {result.note}")
            if loud and not self.options.as_json:
                since = f"[{time.monotonic() - self.started:8.1f} s] " if self.options.verbose else ""
                say(f"{since}{result.line}")
        if self.options.as_json:
            status("")
            click.echo(json.dumps(row))

    def finish(self) -> None:
        """Sum up a batch, and exit with 1 if any file failed."""
        status("")
        if self.total > 1 and (self.failed or not self.options.quiet):
            rest = self.total - self.done - self.failed - self.skipped
            counts = {self.verb[1]: self.done, "skipped": self.skipped, "failed": self.failed, "not done": rest}
            text = ", ".join(f"{n:,} {what}" for what, n in counts.items() if n or what == self.verb[1])
            about = "~" if self.options.dry_run else ""
            if self.done:
                text += f"; {self.before:,} -> {about}{self.after:,} bytes"
                if self.pixels:
                    text += f", {about}{8 * self.after / self.pixels:.3f} bpp"
            if self.expected:
                text += f", ~{duration(self.expected / self.processes)}"
            if self.options.verbose:
                text += f"; {time.monotonic() - self.started:.1f} s in all"
            say(text)
        if self.failed:
            raise click.exceptions.Exit(1)
