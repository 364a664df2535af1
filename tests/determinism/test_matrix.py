"""Files encoded in one setting decode in every other: threads x instruction sets, in separate processes.

Equal symbols are what `decode` itself checks, against the checksum in each unit; pixels may differ by one level.
`DETERMINISM_SIZES=1x1,1500x1000,...` (width x height) runs the matrix over other sizes.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

WORKER = Path(__file__).with_name("worker.py")
SIZES = os.environ.get("DETERMINISM_SIZES", "1x1,63x65,200x140,320x256")
CAPS = {
    "native": {},
    "avx2": {"ATEN_CPU_CAPABILITY": "avx2", "DNNL_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "AVX2"},
    "sse": {"ATEN_CPU_CAPABILITY": "default", "DNNL_MAX_CPU_ISA": "SSE41", "MKL_CBWR": "COMPATIBLE"},
}
SETTINGS = [("native", 1), ("native", 2), ("avx2", 1), ("avx2", 2), ("sse", 1), ("sse", 2)]


def _run(mode: str, folder: Path, setting: tuple[str, int]) -> None:
    cap, threads = setting
    environment = os.environ | CAPS[cap] | {"DETERMINISM_THREADS": str(threads)}
    done = subprocess.run([sys.executable, str(WORKER), mode, str(folder)], env=environment, capture_output=True)
    assert done.returncode == 0, f"{mode} under {setting}: {done.stderr.decode()[-600:]}"


def _pictures(folder: Path) -> None:
    for number, size in enumerate(SIZES.split(",")):
        width, height = map(int, size.split("x"))
        rng = np.random.default_rng(number)
        y, x = np.mgrid[:height, :width]
        waves = np.stack([np.sin(x / (5 + 9 * c)) * np.cos(y / (7 + 5 * c)) for c in range(3)], -1)
        noise = rng.normal(0, 12, (height, width, 3)) * (x > width / 2)[..., None]
        np.save(folder / f"{number:02d}.npy", (128 + 80 * waves + noise).clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("encoder", [("native", 2), ("sse", 1)])
def test_what_one_machine_encodes_every_other_decodes(encoder: tuple[str, int], tmp_path: Path) -> None:
    _pictures(tmp_path)
    _run("encode", tmp_path, encoder)
    decoded: list[list[np.ndarray]] = []
    for setting in SETTINGS:
        _run("decode", tmp_path, setting)
        decoded.append([np.load(p).astype(int) for p in sorted(tmp_path.glob("*.out.npy"))])
        for p in tmp_path.glob("*.out.npy"):
            p.unlink()
    assert len(decoded[0]) == len(SIZES.split(","))
    for other in decoded[1:]:
        assert max(np.abs(a - b).max() for a, b in zip(decoded[0], other, strict=True)) <= 1
