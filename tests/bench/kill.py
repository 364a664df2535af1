"""Kill commands at random moments, again and again: `python tests/bench/kill.py [KILLS [COMMAND]]`; one JSON line.

`encode` (pictures, lossy and lossless), `decode`, batches of two processes, videos (encoded with --resume, decoded to
an mp4 and to a folder, exported), an archive that is added to and `evaluate` with --keep run in turn (COMMAND: those
of it alone), each in a process group that is killed with SIGKILL at a moment between its first and its last. After each
kill every file under a final name has to be whole, the sources as they were; the next run of the same command, which
isn't killed, has to succeed and to clear what was left. Exits with 1 if anything was otherwise.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
from PIL import Image

import codec
from codec import archive, video

BEGUN, ARCHIVE = "begun.ncf", "all.ncf"  # an archive, and what becomes of it
COMMAND = [sys.executable, "-m", "codec.cli.main"]
SAMPLE = Path(__file__).parents[2] / "assets" / "kodim23.png"


def make_sources(folder: Path) -> None:
    """Crops in two folders, a clip of two scenes, and what is decoded: files made of both."""
    sample = Image.open(SAMPLE).convert("RGB")
    for i in range(12):
        path = folder / "p" / "ab"[i % 2] / f"{i:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        x, y = random.randrange(sample.width - 192), random.randrange(sample.height - 128)
        sample.crop((x, y, x + 192, y + 128)).save(path)
    for name, frames in (("clip.mkv", range(60)), ("part.mkv", range(20, 40))):
        with av.open(str(folder / name), "w") as out:
            stream = out.add_stream("ffv1", rate=25)
            stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
            for n in frames:
                part = sample.crop((3 * (n % 30) + 200 * (n // 30), 0, 3 * (n % 30) + 200 * (n // 30) + 96, 64))
                for packet in stream.encode(av.VideoFrame.from_image(part)):
                    out.mux(packet)
            for packet in stream.encode(None):
                out.mux(packet)
    subprocess.run([*COMMAND, "encode", "--quiet", "-r", "p", "-o", "coded/"], cwd=folder, check=True)
    subprocess.run([*COMMAND, "encode", "--quiet", "-e", "1", "clip.mkv", "-o", "made.ncf"], cwd=folder, check=True)
    make = ("encode", "--codec", "pfnr", "--quiet", "-e", "1", "part.mkv", "-o", BEGUN)
    subprocess.run([*COMMAND, *make], cwd=folder, check=True)


def whole(path: Path) -> bool:
    """Whether a file is what its name says, to its end."""
    data = path.read_bytes()
    try:
        if path.name in (ARCHIVE, BEGUN):
            with archive.opened(path) as found:
                begun = (path.parent / BEGUN).read_bytes()
                return data.startswith(begun) and all(verdict.error is None for verdict in archive.verify(found))
        if path.suffix == ".ncf":
            if codec.info(data).rate is None:
                return codec.decode(data).image().size == (192, 128)
            return sum(1 for _ in video.open_file(io.BytesIO(data)).pictures()) == 60
        if path.suffix == ".png":
            Image.open(io.BytesIO(data)).load()
            return True
        if path.suffix == ".mp4":
            with av.open(io.BytesIO(data)) as container:
                return sum(1 for _ in container.decode(video=0)) == 60
        if path.suffix == ".jsonl":
            return all(json.loads(line) for line in data.decode().splitlines()[:-1])
        return path.suffix == ".jpg" and np.asarray(Image.open(io.BytesIO(data))).shape == (128, 192, 3)
    except Exception as error:
        print(f"{path}: {error}", file=sys.stderr)
        return False


RUNS = (
    ("encode", "p/a/00.png", "-f", "-o", "one.ncf"),
    ("encode", "p/a/02.png", "--lossless", "-f", "-o", "kept.ncf"),
    ("decode", "coded/a/00.ncf", "-f", "-o", "one.png"),
    ("encode", "-r", "p", "-o", "out/", "-j", "2", "--skip-existing"),
    ("decode", "-r", "coded", "-o", "back/", "-j", "2", "--skip-existing"),
    ("encode", "clip.mkv", "-e", "1", "-f", "--resume", "-o", "clip.ncf"),
    ("decode", "made.ncf", "-f", "-o", "made.mp4"),
    ("decode", "made.ncf", "--png", "--skip-existing"),
    ("export", "made.ncf", "-f", "-o", "stream.mp4"),
    ("archive", "add", ARCHIVE, "clip.mkv", "-e", "1", "--resume", "--skip-existing"),
    ("evaluate", "p", "--codec", "jpeg:q=10..90:10", "--codec", "s2lic:q=20", "--keep", "held", "-o", "rows.jsonl"),
)


def readied(run: tuple[str, ...], folder: Path) -> None:
    """What is added to is as it was."""
    if ARCHIVE in run:
        shutil.copyfile(folder / BEGUN, folder / ARCHIVE)


def killed(command: tuple[str, ...], folder: Path, seconds: float) -> bool:
    """Run a command and kill it after so long; whether it was still running then."""
    process = subprocess.Popen(
        [*COMMAND, *command], cwd=folder, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        process.wait(seconds)
        return False
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True


def files(folder: Path, wanted: Callable[[Path], bool]) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if wanted(path))


def hidden(path: Path) -> bool:
    return path.name.startswith(".") or any(part.startswith(".") for part in path.parts[-2:])


def main(kills: int = 200, only: str = "") -> None:
    random.seed(0)
    runs = [run for run in RUNS if run[0].startswith(only)]
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_sources(folder)
        sources = {p: hashlib.sha256(p.read_bytes()).digest() for p in files(folder, Path.is_file)}
        length = {}
        for run in runs:  # so that the moments fall all over a run on any machine
            readied(run, folder)
            begin = time.monotonic()
            killed(run, folder, 600)
            length[run] = time.monotonic() - begin
        checked: dict[Path, bytes] = {}
        for number in range(kills):
            run = runs[number % len(runs)]
            for path in files(folder, Path.is_file):  # a batch has to have something to do
                if path not in sources and number // len(runs) % 2:
                    path.unlink()
            readied(run, folder)
            counts["killed"] += killed(run, folder, random.uniform(0.2, 1) * length[run])
            counts["left"] += bool(files(folder, hidden))
            for path in files(folder, lambda p: p.is_file() and not hidden(p) and p not in sources):
                digest = hashlib.sha256(path.read_bytes()).digest()
                if checked.get(path) != digest:
                    counts["files"] += 1
                    counts["half"] += not whole(path)
                    checked[path] = digest
            done = subprocess.run([*COMMAND, *run], cwd=folder, capture_output=True)
            if done.returncode:
                counts["next run failed"] += 1
                print(run, done.stderr.decode(), file=sys.stderr)
            if found := files(folder, hidden):
                counts["not cleared"] += 1
                print(run, found, file=sys.stderr)
            changed = [p for p, digest in sources.items() if hashlib.sha256(p.read_bytes()).digest() != digest]
            counts["sources touched"] += len(changed)
    bad = ("half", "next run failed", "not cleared", "sources touched")
    print(json.dumps({"runs": kills} | dict.fromkeys(bad, 0) | dict(counts)))
    sys.exit(any(counts[what] for what in bad))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]), *sys.argv[2:])
