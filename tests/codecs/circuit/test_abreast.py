"""Units on several threads: results in their order, errors in their turn, progress from one thread alone."""

import threading
import time

import pytest

from codec.codecs.circuit import abreast as module
from codec.codecs.circuit.abreast import abreast
from codec.codecs.circuit.work import Told, Work


@pytest.fixture(params=[1, 3])
def threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(module, "threads", lambda: request.param)
    return int(request.param)


def test_results_come_in_order_and_progress_from_one_thread(threads: int) -> None:
    seen: list[tuple[int, int]] = []
    callers, workers = set(), set()

    def progress(done: int, total: int) -> None:
        callers.add(threading.current_thread())
        seen.append((done, total))

    def job(number: int, told: Told) -> int:
        workers.add(threading.current_thread())
        for _ in range(10):
            told(10)
            time.sleep(0.001 * (5 - number))  # the later ones are done first
        return number

    work = Work([100.0] * 5, progress)
    jobs = [lambda told, number=number: job(number, told) for number in range(5)]
    assert [result() for result in abreast(jobs, work)] == list(range(5))
    assert callers == {threading.current_thread()}
    assert (threading.current_thread() in workers) == (threads == 1)
    assert seen == sorted(seen) and seen[-1] == (500, 500)


def test_an_error_is_raised_in_its_turn(threads: int) -> None:
    def fails(told: Told) -> int:
        raise ValueError("no picture")

    results = abreast([lambda told: 1, fails, lambda told: 3], Work([1.0] * 3, None))
    assert next(results)() == 1
    with pytest.raises(ValueError, match="no picture"):
        next(results)()
    assert next(results)() == 3


def test_what_is_left_stops_when_nobody_waits(threads: int) -> None:
    begun, ended = threading.Event(), threading.Event()

    def endless(told: Told) -> int:
        begun.set()
        try:
            while True:
                told(1)
                time.sleep(0.001)
        finally:
            ended.set()

    results = abreast([lambda told: 1, endless], Work([1.0] * 2, None))
    assert next(results)() == 1
    assert threads == 1 or begun.wait(60)
    results.close()  # as Ctrl-C does
    assert begun.is_set() == ended.is_set() == (threads > 1)
