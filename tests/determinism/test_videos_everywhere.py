"""Videos encoded in one setting decode in every other to the same samples, with the networks and without."""

import os
import subprocess
import sys
from pathlib import Path

from matrix import CAPS

from codec.standard.encoders import ENCODERS

WORKER = Path(__file__).with_name("video_worker.py")


def _run(mode: str, cap: str, threads: int, folder: Path, names: list[str]) -> list[str]:
    settings = {"OPENBLAS_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    environment = os.environ | CAPS[cap] | settings | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(WORKER), mode, str(threads), str(folder), *names]
    done = subprocess.run(command, env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()[-600:]
    return done.stdout.decode().splitlines()


def test_samples_are_equal_everywhere(tmp_path: Path) -> None:
    names = []
    for cap, threads in (("native", 2), ("sse", 1)):
        own = [f"{base} {cap}" for base in ENCODERS]
        _run("encode", cap, threads, tmp_path, own)
        names += own
    first, *others = (
        _run("decode", cap, threads, tmp_path, names)
        for cap, threads in (("native", 1), ("native", 2), ("avx2", 1), ("sse", 2))
    )
    assert len(first) == 2 * len(names) and all(other == first for other in others)
    samples = {line.rpartition(" ")[0]: line.rpartition(" ")[2] for line in first}
    assert all(samples[f"{name} False"] != samples[f"{name} True"] for name in names)  # there are networks
