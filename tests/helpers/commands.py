"""The command line, in this process and as users run it."""

import subprocess
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


def names(folder: Path | str = ".") -> list[str]:
    """Of what is in a folder, hidden or not."""
    return sorted(path.name for path in Path(folder).iterdir())
