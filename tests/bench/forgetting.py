"""What an archive forgets: `forgetting.py CLIP... [--codec pfnr --preset tiny]`; nothing, if all is well.

Adds the clips to an archive, one session each, with the options that follow them. After each add every session so far
is decoded from the file alone, by processes with 1 and 2 threads and under caps of instruction sets, and hashed: Y, U,
V by rows. Prints the SHA-256 of each session at its commit, and exits with 1 if any later decoding has another, or if a
byte that was there has changed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

COMMAND = [sys.executable, "-m", "codec.cli.main", "archive"]
PLACES = {  # how machines differ, as far as one can play several
    "1 thread": {"OMP_NUM_THREADS": "1"},
    "2 threads": {"OMP_NUM_THREADS": "2"},
    "no AVX": {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "OPENBLAS_CORETYPE": "Nehalem"},
    "AVX2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "OPENBLAS_CORETYPE": "Haswell"},
}
HASHES = """
import sys
from codec import archive
from codec.archive.add import digest_of
with archive.opened(sys.argv[1]) as found:
    for number in range(len(found.sessions)):
        print(digest_of(archive.open_session(found, number, device="cpu").pictures()).hex())
"""


def hashes(path: Path, place: str) -> list[str]:
    """Those of all sessions as a process of this kind decodes them."""
    environment = os.environ | PLACES[place]
    done = subprocess.run([sys.executable, "-c", HASHES, path], env=environment, capture_output=True, check=True)
    return done.stdout.decode().split()


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("clips", nargs="+", type=Path)
    a, options = p.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "all.ncf"
        subprocess.run([*COMMAND, "create", path], check=True)
        kept: list[str] = []
        failed, before = False, path.read_bytes()
        for number, clip in enumerate(a.clips):
            name = f"{number} {clip.stem}"
            subprocess.run([*COMMAND, "add", path, clip, "--name", name, "--quiet", *options], check=True)
            data = path.read_bytes()
            kept.append(hashes(path, "1 thread")[-1])
            print(f"{name}: {len(data) - len(before):,} bytes, SHA-256 {kept[-1]}", flush=True)
            others = {place: hashes(path, place) for place in PLACES}
            wrong = [place for place, found in others.items() if found != kept]
            failed |= bool(wrong) or not data.startswith(before)
            same = "no byte before it has changed" if data.startswith(before) else "BYTES BEFORE IT HAVE CHANGED"
            told = f"OTHERWISE: {', '.join(wrong)}" if wrong else f"equal ({', '.join(PLACES)})"
            print(f"    sessions 0 to {number} decoded again: {told}; {same}", flush=True)
            before = data
        verified = subprocess.run([*COMMAND, "verify", path])
        sys.exit(failed or verified.returncode)


if __name__ == "__main__":
    main()
