"""Options that `encode` and `decode` share, with one meaning."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from codec import urls
from codec.container.limits import LIMITS
from codec.device import cores

if TYPE_CHECKING:
    from codec.engines import Where

Command = TypeVar("Command", bound=Callable[..., Any])


class _File(click.Path):
    """A path or URL; what is wrong with one is said when it is opened. Shells complete names of files."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return urls.plain(str(super().convert(value, param, ctx)))


FILE = _File(readable=False)


class OnDisk(click.Path):
    """A path; a URL is refused, since what goes there is added to, or read again, as a file on a disk is."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if urls.is_url(str(value)):
            self.fail(f"{value} is a URL; name a file or folder on a disk", param, ctx)
        return super().convert(value, param, ctx)


@dataclass(frozen=True)
class BatchOptions:
    """How a batch runs: the fields are the command-line options, by name. `jobs` is 0 for one per core, None if it
    isn't given."""

    output: str | None = None
    force: bool = False
    recursive: bool = False
    skip_existing: bool = False
    jobs: int | None = None
    keep_going: bool = True
    as_json: bool = False
    quiet: bool = False
    verbose: bool = False
    progress: str = "auto"
    engine: str = "local"
    address: str | None = None
    gpu: bool = False
    dry_run: bool = False

    def where(self, count: int) -> Where:
        """Where so many jobs are worked on; they are only looked at here."""
        if self.dry_run:
            return where("local", None, 1, count)
        return where(self.engine, self.address, self.jobs, count, self.gpu)


def where(engine: str, address: str | None, jobs: int | None, count: int, gpu: bool = False) -> Where:
    """Where `count` jobs are worked on, by the options; UsageError for those that contradict each other."""
    from codec.engines import Where  # multiprocessing costs start-up time

    if engine == "ray":
        return Where(jobs or 0, address or "auto", gpu)
    if address is not None:
        raise click.UsageError("--address is of a Ray cluster; add --engine ray")
    return Where(max(min(cores() if jobs == 0 else jobs or 1, count), 1))


def engine_options(command: Command) -> Command:
    """Where the work is done: `engine` and `address`."""
    return together(
        click.option(
            "--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True,
            help="Where files are worked on: in processes here, or on a Ray cluster that is running.",
        ),
        click.option(
            "--address", metavar="ADDRESS", help="Of the Ray cluster, as HOST:6379.  [default: auto, which is near]"
        ),
    )(command)  # fmt: skip


class Device(click.ParamType):
    """The name of a device; whether it exists is asked of torch when it is used."""

    name = "device"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", value):
            self.fail(f"{value!r} is not auto, cpu, cuda or cuda:N", param, ctx)
        return value


def _set_threads(ctx: click.Context, param: click.Parameter, value: int | None) -> None:
    """As the environment says it to torch and numpy, which aren't loaded yet, and to processes of ours."""
    if value is not None:
        os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(value)


def where_options(output_help: str) -> Callable[[Command], Command]:
    """IN... and the options of names."""
    return together(
        click.argument("sources", metavar="IN...", nargs=-1, required=True, type=FILE),
        click.option("-o", "--output", metavar="OUT", type=FILE, help=output_help),
        click.option("-f", "--force", is_flag=True, help="Overwrite existing files."),
        click.option("--skip-existing", is_flag=True, help="Leave outputs that exist; they are complete."),
        click.option("-r", "--recursive", is_flag=True, help="Take the files in folders, and in folders in them."),
    )


_JOBS = "Files to work on at once, each in a process; 0: one per core.  [default: 1]"


def run_options(device_help: str, jobs_help: str = _JOBS) -> Callable[[Command], Command]:
    """The options of how the work is done and told."""
    return together(
        click.option(
            "-j", "--jobs", type=click.IntRange(min=0), metavar="N",
            help=jobs_help,
        ),
        click.option(
            "--threads", type=click.IntRange(min=1), metavar="N", expose_value=False, callback=_set_threads,
            help="Threads to compute on for each file.  [default: one per core; of lossless networks 1]",
        ),
        click.option(
            "--device", type=Device(), metavar="auto|cpu|cuda|cuda:N", default="auto", show_default=True,
            help=device_help,
        ),
        told_options,
    )  # fmt: skip


max_pixels_option = click.option(
    "--max-pixels", type=click.IntRange(min=1), metavar="N", default=LIMITS.pixels, show_default=True,
    help="Refuse larger images, before they take memory.",
)  # fmt: skip


def told_options(command: Command) -> Command:
    """The options of what is refused, and of how the work is told."""
    return together(
        max_pixels_option,
        click.option(
            "--keep-going/--fail-fast", default=True,
            help="After a file that fails go on with the others (the default), or stop.",
        ),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object a file on stdout."),
        click.option("--quiet", is_flag=True, help="Print only errors."),
        click.option("-v", "--verbose", is_flag=True, help="Say when each file was done, and how long all took."),
        click.option(
            "--progress", type=click.Choice(["auto", "json", "none"]), default="auto", show_default=True,
            help="auto: on a terminal; json: for programs, an object a line on stderr.",
        ),
    )(command)  # fmt: skip


def together(*decorators: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Options in the order in which helps show them."""

    def decorate(command: Command) -> Command:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate
