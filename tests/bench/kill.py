"""Kill a batch at a random moment, again and again: `python tests/bench/kill.py [PICTURES] [KILLS]`; one JSON line.

Pictures are crops of the sample photo. `codec encode -r -j 2` runs over them, its whole process group is killed with
SIGKILL, and every file under a final name has to be complete: it decodes. `--skip-existing` then carries on; when
all pictures are done the outputs are removed and it begins again. Exits with 1 if any file was not complete.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

import codec


def make_pictures(folder: Path, count: int) -> None:
    """`count` crops, 96 x 64, in two folders."""
    sample = Image.open(Path(__file__).parents[2] / "assets" / "kodim23.png").convert("RGB")
    for i in range(count):
        path = folder / "ab"[i % 2] / f"{i:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        x, y = random.randrange(sample.width - 96), random.randrange(sample.height - 64)
        sample.crop((x, y, x + 96, y + 64)).save(path)


def run_and_kill(pictures: Path, outputs: Path, seconds: float) -> bool:
    """One batch, killed after `seconds`; whether it was still running then."""
    batch = subprocess.Popen(
        [sys.executable, "-m", "codec.cli.main", "encode", "-r", pictures, "-o", outputs, "-j", "2",
         "--skip-existing", "--quiet"],
        start_new_session=True,
    )  # fmt: skip
    try:
        batch.wait(seconds)
        return False
    except subprocess.TimeoutExpired:
        os.killpg(batch.pid, signal.SIGKILL)
        batch.wait()
        return True


def broken(path: Path) -> bool:
    """Whether a file doesn't decode to the size of the pictures."""
    try:
        return codec.decode(path).image().size != (96, 64)
    except codec.CodecError as error:
        print(f"{path}: {error}", file=sys.stderr)
        return True


def main(count: int = 200, kills: int = 20) -> None:
    random.seed(0)
    killed = checked = bad = finished = leftovers = 0
    with tempfile.TemporaryDirectory() as folder:
        pictures, outputs = Path(folder, "in"), Path(folder, "out")
        make_pictures(pictures, count)
        begin = time.monotonic()
        run_and_kill(pictures, outputs, 600)
        whole = time.monotonic() - begin  # so that the moments fall all over a batch on any machine
        known: set[Path] = set(outputs.rglob("*.ncf"))
        while killed < kills:
            if len(known) == count:
                finished += 1
                for path in outputs.rglob("*"):
                    if path.is_file():
                        path.unlink()
                known = set()
            killed += run_and_kill(pictures, outputs, random.uniform(0.3, 1) * whole)
            made = set(outputs.rglob("*.ncf"))
            fresh = made - known
            known = made
            bad += sum(map(broken, fresh))
            checked += len(fresh)
            leftovers = max(leftovers, len(list(outputs.rglob(".*.part-*"))))
    row = {"kills": killed, "files": checked, "broken": bad, "batches_finished": finished, "part_files": leftovers}
    print(json.dumps(row))
    sys.exit(bad > 0)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
