"""Signals that come between the making of an unfinished file and the care for it leave no file."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from codec import locking
from codec.interrupts import held
from codec.output import whole_file, whole_folder

SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.signal(number, lambda n, _: sys.exit(128 + n)) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("made", [whole_file, whole_folder])
def test_nothing_is_left_by_a_signal_as_it_is_made(
    number: int, made: Callable[[Path], AbstractContextManager[object]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = locking._opened

    def interrupted(part: Path, folder: bool) -> int:
        lock = opened(part, folder)
        assert os.listdir(tmp_path)
        signal.raise_signal(number)
        return lock

    monkeypatch.setattr(locking, "_opened", interrupted)
    with pytest.raises(SystemExit, match=str(128 + number)), made(tmp_path / "new"):
        pytest.fail("work was begun")
    assert os.listdir(tmp_path) == []


def test_a_signal_waits_for_the_end_and_handlers_are_as_they_were() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    reached = False
    with pytest.raises(SystemExit), held():
        signal.raise_signal(SIGNALS[0])
        reached = True
    assert reached
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_other_threads_may_write() -> None:
    """Only the main one may set handlers, and only it is interrupted."""
    errors: list[BaseException] = []

    def work() -> None:
        try:
            with held() as go:
                go()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not errors
