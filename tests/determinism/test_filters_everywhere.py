"""Groups fitted in one setting come out in every other with the same samples."""

import os
import subprocess
import sys
from pathlib import Path

from matrix import CAPS

WORKER = Path(__file__).with_name("filters_worker.py")


def _run(mode: str, cap: str, threads: int, folder: Path, names: list[str]) -> bytes:
    settings = {"OPENBLAS_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    environment = os.environ | CAPS[cap] | settings | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(WORKER), mode, str(threads), str(folder), *names]
    done = subprocess.run(command, env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()[-600:]
    return done.stdout


def test_samples_are_equal_everywhere(tmp_path: Path) -> None:
    names = []
    for cap, threads in (("native", 2), ("sse", 1)):
        own = [f"{cap}-{depth}" for depth in (8, 10)]
        _run("fit", cap, threads, tmp_path, own)
        names += own
    results = {
        _run("apply", cap, threads, tmp_path, names)
        for cap, threads in (("native", 1), ("native", 2), ("avx2", 1), ("sse", 2))
    }
    assert len(results) == 1
    assert len(results.pop().split()) == 2 * len(names)
