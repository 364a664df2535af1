"""The command line, in this process and as users run it."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner, Result

from codec.cli.main import cli

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]  # of the fixture `run`
QUICK = ("--effort", 1)  # for videos


def call(*arguments: object, code: int = 0, stdin: bytes | None = None) -> Result:
    """Run a command that has to end with this exit code."""
    result = CliRunner().invoke(cli, [str(a) for a in arguments], input=stdin, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def refused(*arguments: object, code: int = 1) -> str:
    """Run a command that has to fail with one line on stderr (code 2: after how to use it) and nothing on stdout."""
    result = call(*arguments, code=code)
    assert result.stdout == ""
    if code == 1:
        (line,) = result.stderr.splitlines()
        assert line.startswith("codec: ")
        return line
    return result.stderr


def interrupted(number: int, unfinished: str, *arguments: object) -> "subprocess.CompletedProcess[bytes]":
    """A command that gets a signal when there is something in a file that `unfinished`, a pattern, names."""
    command = [sys.executable, "-m", "codec.cli.main", *map(str, arguments)]
    # Shells start what they run in the background with SIGINT ignored, and children inherit that.
    reset = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=reset)
    until = time.monotonic() + 60
    while not any(p.stat().st_size for p in Path().glob(unfinished)):
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.01)
    process.send_signal(number)
    out, error = process.communicate(timeout=60)
    return subprocess.CompletedProcess(command, process.returncode, out, error)


def names(folder: Path | str = ".") -> list[str]:
    """Of what is in a folder, hidden or not."""
    return sorted(path.name for path in Path(folder).iterdir())
