"""Batches on a Ray cluster of two nodes: rows and bytes of a serial run, bad files, dead workers, resumption."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import call, refused
from PIL import Image

from codec.engines import Where, run
from codec.errors import CodecError
from codec.jobs import Done, Failed

pytest.importorskip("ray", exc_type=ImportError)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Of a cluster of two nodes with a core each, on this machine."""
    from ray.cluster_utils import Cluster

    before = dict(os.environ)
    os.environ |= {"RAY_worker_niceness": "0", "RAY_USAGE_STATS_ENABLED": "0"}
    node = {"num_cpus": 1, "object_store_memory": 100_000_000, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    cluster.add_node(num_cpus=1, object_store_memory=100_000_000)
    yield cluster.address
    cluster.shutdown()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def pictures(here: Path) -> Path:
    """Twelve small pictures in folders, and one that is cut off."""
    folder = here / "pictures"
    for number in range(12):
        path = folder / str(number % 2) / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        y, x = np.mgrid[0:24, 0 : 20 + number]
        Image.fromarray((x * (number + 1) + y).astype(np.uint8)).save(path)
    (folder / "0" / "bad.png").write_bytes((folder / "0" / "00.png").read_bytes()[:30])
    return folder


def rows(
    text: str, drop: tuple[str, ...] = ("encode_s", "decode_s", "encode_cpu_s", "decode_cpu_s", "output")
) -> list[str]:
    """Rows without what differs from run to run, in an order that doesn't."""
    found = [json.loads(line) for line in text.splitlines()]
    return sorted(json.dumps({k: v for k, v in row.items() if k[-2:] != "_s" and k != "output"}) for row in found)


def files(folder: str) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(Path(folder).rglob("*")) if p.is_file()}


def test_a_dead_worker_is_replaced_and_what_it_had_is_done_again(address: str, here: Path) -> None:
    folder = str(here)

    def work(job: str, tell: Callable[..., None]) -> str:  # in here, since workers can't import this file
        import os
        import signal
        from pathlib import Path

        mark = Path(folder, job)
        count = len(mark.read_text()) if mark.exists() else 0
        mark.write_text("x" * (count + 1))
        if job == "dies" or (job == "dies once" and not count):
            os.kill(os.getpid(), signal.SIGKILL)
        tell(count)
        return job.removesuffix(" again")

    heard: list[tuple[str, int]] = []
    jobs = ["a", "dies once", "dies", "b", Done("there", "there")]
    events = list(
        run(work, jobs, Where(0, address), lambda job, count: heard.append((job, count)), again=lambda job: job)
    )
    assert {e.job for e in events if isinstance(e, Done)} == {"a", "dies once", "b", "there"}
    assert ("dies once", 1) in heard
    (lost,) = [e for e in events if isinstance(e, Failed)]
    assert lost.job == "dies" and lost.died and "its worker died 3 times" in str(lost.error)


def test_encode_verify_and_decode_give_what_serial_runs_give(address: str, pictures: Path) -> None:
    batch = ("encode", "--lossless", "-e", 1, "-r", "pictures", "--json")
    there = ("--engine", "ray", "--address", address)
    serial = call(*batch, "-o", "serial", code=1)
    spread = call(*batch, "-o", "spread", *there, code=1)
    assert rows(spread.stdout) == rows(serial.stdout) and len(rows(serial.stdout)) == 13
    assert files("spread") == files("serial") and len(files("serial")) == 12
    assert "bad.png: " in spread.stderr and spread.stderr.splitlines()[-1] == serial.stderr.splitlines()[-1]
    again = call(*batch, "-o", "spread", *there, "--skip-existing", code=1)
    assert "0 encoded, 12 skipped, 1 failed" in again.stderr
    verified = [call("verify", "-r", "serial", "--json", *more).stdout for more in ((), there)]
    assert rows(verified[0]) == rows(verified[1])
    for out, more in (("one", ()), ("two", there)):
        call("decode", "-r", "serial", "-o", out, *more)
    assert files("one") == files("two")


def test_evaluate_goes_on_where_it_was(address: str, pictures: Path) -> None:
    command = ("evaluate", "pictures", "--codec", "jpeg:q=20,50", "--codec", "png")
    there = ("--engine", "ray", "--address", address)
    call(*command, "-o", "serial.jsonl", code=1)
    call(*command, "-o", "spread.jsonl", *there, code=1)
    expected, spread = Path("serial.jsonl").read_text(), Path("spread.jsonl").read_text()
    assert rows(spread) == rows(expected)
    kept = [line for line in spread.splitlines(keepends=True) if "error" not in line][:20]
    Path("spread.jsonl").write_text("".join(kept) + '{"file": "pict')
    call(*command, "-o", "spread.jsonl", *there, code=1)
    after = Path("spread.jsonl").read_text()
    assert after.startswith("".join(kept)) and rows(after) == rows(expected)


def test_what_can_not_be_told_to_a_cluster(address: str, pictures: Path) -> None:
    assert "add --engine ray" in refused("encode", "pictures/0/00.png", "--address", address, code=2)
    assert "leave out --engine" in refused("encode", "-", "-o", "a.ncf", "--engine", "ray", code=2)
    with pytest.raises(CodecError, match=r"no Ray cluster at 127.0.0.1:1 .*ray start --head"):
        list(run(print, ["a"], Where(0, "127.0.0.1:1")))


def test_rows_alone_are_on_standard_output(address: str, pictures: Path) -> None:
    command = [sys.executable, "-m", "codec.cli.main", "verify", "pictures/none.ncf", "--engine", "ray"]
    done = subprocess.run([*command, "--address", address], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.splitlines() == ["codec: pictures/none.ncf: no such file or directory; check the name"]
