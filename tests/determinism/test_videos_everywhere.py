"""Videos encoded in one setting decode in every other: over a standard stream to the same samples, with the networks
and without, and by pfnr; by any other codec to those within a level."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from helpers.every_codec import video_forms
from matrix import CAPS

WORKER = Path(__file__).with_name("video_worker.py")


def _run(mode: str, cap: str, threads: int, folder: Path, names: list[str]) -> dict[str, np.ndarray]:
    out = folder / f"{cap}-{threads}.npz"
    settings = {"OPENBLAS_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    environment = os.environ | CAPS[cap] | settings | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(WORKER), mode, str(threads), str(folder), str(out), *names]
    done = subprocess.run(command, env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()[-600:]
    return dict(np.load(out)) if mode == "decode" else {}


def test_samples_are_equal_everywhere(tmp_path: Path) -> None:
    names = []
    for cap, threads in (("native", 2), ("sse", 1)):
        own = [f"{codec} {base or '-'} {cap}" for codec, base in video_forms()]
        _run("encode", cap, threads, tmp_path, own)
        names += own
    first, *others = (
        _run("decode", cap, threads, tmp_path, names)
        for cap, threads in (("native", 1), ("native", 2), ("avx2", 1), ("sse", 2))
    )
    assert {key.rpartition(" ")[0] for key in first} == set(names)
    for other in others:
        assert other.keys() == first.keys()
        for key, samples in first.items():
            difference = np.abs(samples.astype(int) - other[key]).max()
            assert difference <= (key.endswith("pictures") and not key.startswith("pfnr")), key
    for name in {key.rpartition(" ")[0] for key in first if key.endswith("stream")}:
        assert (first[f"{name} networks"] != first[f"{name} stream"]).any()  # there are networks
