"""One function of a job, here and in processes: the same comes of it, told, done and failed."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codec.engines import Where, run
from codec.errors import CodecError, MediaError
from codec.jobs import Done, Failed


def work(job: str, tell: Callable[..., None]) -> str:
    tell("begun", len(job))
    if job == "bad":
        raise MediaError("is no picture; give one")
    return job.upper()


def outcome(where: Where) -> tuple[set[tuple[str, str]], set[tuple[str, ...]]]:
    """What becomes of three jobs and one that is done, and what is heard."""
    heard: set[tuple[str, ...]] = set()
    found = set()
    jobs = ["a", "bad", Done("there", "THERE"), "bc"]
    for event in run(work, jobs, where, lambda job, *what: heard.add((job, *map(str, what)))):
        if isinstance(event, Failed):
            found.add((event.job, f"{type(event.error).__name__}: {event.error}"))
        else:
            found.add((event.job, event.value))
    return found, heard


@pytest.mark.parametrize("where", [Where(), Where(2)], ids=["here", "processes"])
def test_the_same_comes_of_a_job_wherever_it_is_done(where: Where) -> None:
    found, heard = outcome(where)
    assert found == {("a", "A"), ("bc", "BC"), ("there", "THERE"), ("bad", "MediaError: is no picture; give one")}
    assert heard == {("a", "begun", "1"), ("bc", "begun", "2"), ("bad", "begun", "3")}


@pytest.mark.parametrize("where", [Where(), Where(2)], ids=["here", "processes"])
def test_what_goes_wrong_with_who_listens_is_no_failure_of_the_job(where: Where) -> None:
    def full(*_: object) -> None:
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        list(run(work, ["a"], where, full))


def test_jobs_are_asked_for_one_at_a_time() -> None:
    asked: list[str] = []

    def jobs() -> Iterator[str]:
        for name in ("a", "b", "c"):
            asked.append(name)
            yield name

    running = run(work, jobs(), Where())
    next(running)
    running.close()
    assert asked == ["a"]


def test_without_ray_a_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(CodecError, match=r"needs Ray; pip install 'neural-codec\[cluster\]'"):
        list(run(work, ["a"], Where(0, "auto")))


def test_work_on_this_machine_loads_no_ray(tmp_path: Path) -> None:
    code = "from codec.engines import Where, run; list(run(print, ['a'], Where())); assert 'ray' not in sys.modules"
    subprocess.run([sys.executable, "-c", f"import sys; {code}"], check=True, cwd=tmp_path, capture_output=True)
