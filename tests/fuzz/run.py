"""Fuzzing at length: `python tests/fuzz/run.py --cases 100000 --seed 0`, or one case again: `--replay 1234`.

`--base archives` takes base files of that group alone (any of GROUPS); a case is replayed with the same one.
The cases run in a process of their own under a limit of memory, started again after a crash or a hang.
Files of failed cases are kept, named by seed and number. The exit code is 1 if any case failed.
"""

import argparse
import multiprocessing
import os
import resource
import sys
import time
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

GROUPS = ("pictures", "files", "golden", "videos", "containers", "archives")  # what makes them, in bases.py
HANG = 120  # seconds after which a case counts as hanging
ROOM = 5 * 2**28  # bytes of address space for the cases, beyond what the process has before the first

Result = tuple[int, str, tuple[str, ...], Any, bytes]  # number, base, mutations, Outcome, data if failed


def work(seed: int, numbers: range, groups: tuple[str, ...], current: Any, results: "Connection[Result, None]") -> None:
    """Run cases and send their results; the number under way stands in `current`."""
    os.environ["OMP_NUM_THREADS"] = "1"
    import bases as made
    import torch
    from bases import GOLDEN
    from mutations import case
    from verdict import run

    torch.set_num_threads(1)
    os.environ["CODEC_WEIGHTS"] = str(GOLDEN)
    bases = [base for group in groups for base in getattr(made, group)()]
    for base in bases:
        assert not run(base.data, base).failed, base.name
    limit = _address_space() + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for number in numbers:
        current.value = number
        drawn = case(seed, number, bases)
        outcome = run(drawn.data, drawn.base)
        results.send((number, drawn.base.name, drawn.kinds, outcome, drawn.data if outcome.failed else b""))
    results.close()


def _address_space() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


class Report:
    """Counts of outcomes, the slowest and the largest case, and the failures."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.seed = seed
        self.folder = folder
        self.counts: Counter[str] = Counter()
        self.repaired: Counter[str] = Counter()
        self.failures: list[str] = []
        from mutations import ARCHIVED, REPAIRING, STRUCTURED

        self.repairing = {"contents", *(m.__name__ for m in (*REPAIRING, *STRUCTURED, *ARCHIVED))}
        self.slowest = (0.0, "")
        self.largest = (0, "")

    def add(self, result: Result) -> None:
        number, base, kinds, outcome, data = result
        name = f"case {number} ({base}: {', '.join(kinds)})"
        what = "FAILED" if outcome.failed else outcome.what
        self.counts[what] += 1
        if kinds[0] in self.repairing:
            self.repaired[what] += 1
        self.slowest = max(self.slowest, (outcome.seconds, name))
        self.largest = max(self.largest, (outcome.grown, name))
        if outcome.failed:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / f"seed{self.seed}-{number}.ncf").write_bytes(data)
            self.fail(name, outcome.what)

    def fail(self, name: str, what: str) -> None:
        self.failures.append(f"{name}: {what}")
        print(f"FAILED {name}: {what}", flush=True)

    def show(self, seconds: float) -> None:
        total = sum(self.counts.values())
        print(f"\nseed {self.seed}: {total} cases in {seconds:.0f} s, {len(self.failures)} failed")
        print(f"{'outcome':30} {'all':>8} {'checksums repaired':>20}")
        for what, count in self.counts.most_common():
            print(f"{what:30} {count:8} {self.repaired[what]:20}")
        print(f"slowest: {self.slowest[0]:.2f} s of processor time, {self.slowest[1]}")
        print(f"largest: {self.largest[0] >> 20} MiB of memory, {self.largest[1]}", flush=True)


def fuzz(seed: int, numbers: range, groups: tuple[str, ...], report: Report) -> None:
    """Run all cases, in as many processes as crashes make necessary."""
    begun = time.perf_counter()
    context = multiprocessing.get_context("spawn")
    while numbers:
        current = context.Value("q", numbers.start - 1)
        receiving, sending = context.Pipe(duplex=False)
        process = context.Process(target=work, args=(seed, numbers, groups, current, sending), daemon=True)
        process.start()
        sending.close()
        done = numbers.start - 1
        try:
            while receiving.poll(HANG):
                result = receiving.recv()
                done = result[0]
                report.add(result)
                if sum(report.counts.values()) % 5000 == 0:
                    report.show(time.perf_counter() - begun)
            what = f"took more than {HANG} s"
        except EOFError:
            what = "ended the process"
        process.kill()
        process.join()
        if done + 1 == numbers.stop:
            return
        if current.value < numbers.start:
            raise SystemExit("the base files can't be made or read")
        report.fail(f"case {current.value}", f"{what} (exit code {process.exitcode})")
        numbers = range(current.value + 1, numbers.stop)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=int, default=0, help="number of the first case")
    parser.add_argument("--replay", type=int, metavar="N", help="run case N alone")
    parser.add_argument("--base", choices=GROUPS, action="append", help="base files of this group (default: of all)")
    parser.add_argument("--out", type=Path, default=Path("fuzz-failures"), help="where files of failures go")
    options = parser.parse_args()
    report = Report(options.seed, options.out)
    first, count = (options.start, options.cases) if options.replay is None else (options.replay, 1)
    start = time.perf_counter()
    fuzz(options.seed, range(first, first + count), tuple(options.base or GROUPS), report)
    report.show(time.perf_counter() - start)
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
