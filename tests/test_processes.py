"""Processes: what a job says, gives, raises, and what its process's death costs; and a process that is forked."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from codec.errors import CodecError, MediaError
from codec.jobs import Done, Failed, Told
from codec.processes import Processes

START = os.getpid()


def work(job: str, tell: Callable[..., None]) -> tuple[int, str]:
    """In a process of its own."""
    if job == "dies with a child" and not os.fork():
        time.sleep(10)  # it has the pipe open
        os._exit(0)
    if job.startswith("dies"):
        os.kill(os.getpid(), signal.SIGKILL)
    if job == "fails":
        raise MediaError("no picture")
    if job == "odd":
        raise type("Local", (Exception,), {})("can't be sent")
    tell(1, 2)
    return os.getpid(), os.environ["OMP_NUM_THREADS"]


def test_a_death_costs_one_job_and_a_process_goes_on_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with closing(Processes(work, 1, threads=3)) as processes:
        events = list(processes.run(["good", "fails", "odd", "dies with a child", Done("done", (0, "")), "after"]))
    done = {e.job: e.value for e in events if isinstance(e, Done)}
    failed = {e.job: e for e in events if isinstance(e, Failed)}
    assert list(done) == ["good", "done", "after"] and list(failed) == ["fails", "odd", "dies with a child"]
    assert [e.what for e in events if isinstance(e, Told)] == [(1, 2), (1, 2)]
    assert len({START, done["good"][0], done["after"][0]}) == 3
    assert done["good"][1] == "3"
    assert isinstance(failed["fails"].error, MediaError) and "Traceback" in str(failed["fails"].error.__cause__)
    assert str(failed["odd"].error) == "Local: can't be sent"
    died = failed["dies with a child"]
    assert died.died and isinstance(died.error, CodecError) and "killed (signal 9)" in str(died.error)


def test_an_interrupt_while_a_process_starts_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    start = BaseProcess.start

    def interrupted(process: BaseProcess) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        start(process)

    monkeypatch.setattr(BaseProcess, "start", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever tests before this one have left
    try:
        with closing(Processes(work, 1)) as processes, pytest.raises(KeyboardInterrupt):
            list(processes.run(["good"]))
    finally:
        signal.signal(signal.SIGINT, before)


def test_jobs_are_asked_for_as_processes_are_free() -> None:
    asked = []

    def jobs() -> Iterator[str]:
        for number in range(4):
            asked.append(number)
            yield str(number)

    with closing(Processes(work, 1)) as processes:
        for ahead in (0, 1):
            asked.clear()
            next(e for e in processes.run(jobs(), ahead) if isinstance(e, Told))
            assert asked == list(range(1 + ahead))
            processes.close()


FORKED = """
import os, signal, numpy as np, codec
picture = np.add.outer(np.arange(256), np.arange(256)).astype(np.uint8)
codec.encode(picture, quality=20)
child = os.fork()
if not child:
    signal.alarm(60)
    again = codec.encode(picture, quality=20)
    os._exit(codec.decode(again).image().size != (256, 256))
assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_process_forked_after_use_works(tmp_path: Path) -> None:
    """With threads in the parent, which the child has none of."""
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    command = [sys.executable, "-c", FORKED]  # which would import from the folder that it runs in
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
