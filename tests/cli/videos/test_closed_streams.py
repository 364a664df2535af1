"""Standard streams that the shell has closed, or that are full. With `codec export`, since that loads no torch."""

import os
import subprocess
import sys
from pathlib import Path

import av
import pytest


def run(streams: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command with its streams as a shell makes them, buffered as Python does by default."""
    line = f'"$0" -m codec.cli.main "$@" {streams}'
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.run(
        ["sh", "-c", line, sys.executable, *arguments], env=environment, capture_output=True, text=True
    )


@pytest.mark.parametrize("streams", ["<&- >&- 2>&-", "2>/dev/full"])
def test_work_is_done_whatever_becomes_of_its_messages(coded: str, streams: str) -> None:
    done = run(streams, "export", coded, "-o", "out.mp4")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    with av.open("out.mp4") as found:
        assert found.streams.video[0].frames == 30


@pytest.mark.parametrize("streams, why", [(">&-", "standard output is closed"), (">/dev/full", "no space")])
def test_what_standard_output_does_not_take_is_one_line(coded: str, streams: str, why: str) -> None:
    done = run(streams, "info", coded)
    assert done.returncode == 1 and why in done.stderr and done.stderr.count("\n") == 1


def test_a_closed_standard_input_is_empty(here: Path) -> None:
    done = run("<&-", "decode", "-", "-o", "out.png")
    assert done.returncode == 1 and "starts with nothing" in done.stderr and done.stderr.count("\n") == 1
