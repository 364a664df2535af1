"""The `codec` command: a group whose commands are imported when they run, and the one place that exits.

Exit codes: 0 done, 1 any file failed, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import importlib
import io
import os
import signal
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

import click

import codec
from codec.cli.messages import explain, is_expected, say, shown
from codec.weights import OddWeights

# name: (module, function, one line of help), so that `codec --help` imports none of them
COMMANDS = {
    "encode": ("codec.cli.encode", "encode", "Compress images and videos to .ncf files."),
    "decode": ("codec.cli.decode", "decode", "Turn .ncf files back into images and videos."),
    "export": ("codec.cli.export", "export", "Take the standard stream out of .ncf videos."),
    "archive": ("codec.cli.archive", "archive", "Keep many videos in one file that grows."),
    "info": ("codec.cli.info", "info", "Show what is in .ncf files."),
    "verify": ("codec.cli.verify", "verify", "Check that .ncf files decode."),
    "models": ("codec.cli.models", "models", "List the weights that are installed."),
    "evaluate": ("codec.cli.evaluate", "evaluate", "Measure codecs: rate, distortion, machine perception."),
    "tasks": ("codec.cli.tasks", "tasks", "List the models and metrics of evaluate, and what each needs."),
    "report": ("codec.cli.report", "report", "Make a page of an evaluation's rows."),
    "doctor": ("codec.cli.doctor", "doctor", "Say what is installed and what is missing."),
    "train": ("codec.cli.train", "train", "Train weights."),
}

_STOPS = (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))  # beside Ctrl-C


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports one only to run it or to show its help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, function, _ = COMMANDS[name]
        command: click.Command = getattr(importlib.import_module(module), function)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(codec.__version__, "-V", "--version", prog_name="codec")
def cli() -> None:
    """Compress images and videos with learned codecs.

    \b
    codec encode photo.jpg            writes photo.ncf
    codec decode photo.ncf            writes photo.png
    codec encode -q 30 *.png -o out/  smaller files, in a folder
    codec encode clip.mp4             a video, which codec export gives back for every player

    codec COMMAND --help tells more.
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit; click itself deals with a closed pipe (exit 1, silently)."""
    # The lossless codec multiplies small matrices. On two threads of numpy's BLAS it takes a tenth less time and twice
    # the work. The variables are read when numpy and torch are loaded, which they are not yet.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Torch's threads meet after each of thousands of small products. One that spins until the others come holds the
    # core that they wait for as soon as anything else runs: a photo took 10 s in place of 2. One that sleeps at once
    # makes training take 1.5 times as long on a quiet machine; GNU's OpenMP can spin a moment first.
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    _open_closed()
    for number in _STOPS:
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _terminate)  # an exception, so that unfinished files are removed
    # Pillow's and torch's asides to programmers; what concerns the user is said in our own words.
    warnings.simplefilter("ignore")
    warnings.simplefilter("once", OddWeights)
    warnings.showwarning = _warn
    try:
        os.getcwd()
    except OSError:  # libraries of torch's end the process with a riddle
        say("codec: the folder that you are in has been deleted; go to another one (cd)")
        sys.exit(1)
    try:
        sys.exit(cli.main(arguments, prog_name="codec", standalone_mode=False))
    except click.Abort:
        sys.exit(130)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.message = shown(error.message)  # type: ignore[misc]
        with suppress(OSError):  # what stderr doesn't take
            error.show()
        sys.exit(error.exit_code)
    except Exception as error:
        if not is_expected(error):
            raise
        say(f"codec: {explain(error)}")
        sys.exit(1)
    finally:
        _drop_unwritten()
        for number, handler in ((signal.SIGINT, signal.default_int_handler), *((n, _terminate) for n in _STOPS)):
            if signal.getsignal(number) == handler:
                signal.signal(number, signal.SIG_DFL)  # in Python's end an exception would be shown as an accident


def _open_closed() -> None:
    """Give standard streams that are closed (`2>&-`) a place: the next file that is opened would have their number, and
    in it what libraries print. Reading finds nothing, what is written to standard output is an error (EBADF)."""
    for name, flags in (("stdin", os.O_RDONLY), ("stdout", os.O_RDONLY), ("stderr", os.O_WRONLY)):
        if getattr(sys, name) is None:
            number = os.open(os.devnull, flags)
            os.set_inheritable(number, True)
            setattr(sys, name, os.fdopen(number, "r" if name == "stdin" else "w"))


def _drop_unwritten() -> None:
    """Drop what standard output doesn't take (a full disk), which was told: Python's end would try it once more."""
    try:
        sys.stdout.flush()
    except OSError:
        sys.stdout = io.StringIO()


def _warn(message: Warning | str, *_: object, **__: object) -> None:
    say(f"codec: {message}")


def _terminate(number: int, frame: object) -> NoReturn:
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
