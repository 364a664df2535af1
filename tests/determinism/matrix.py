"""The determinism matrix: files coded in one setting and decoded in others, each in processes of its own.

A setting is a cap on instruction sets, a number of threads, the company in which a file is coded, and the order of
its tiles. Equal means: the same symbols and the same tables for them. Pixels may differ by one level.
"""

import json
import os
import shutil
import subprocess
import sys
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # where scripts don't look

from helpers.every_codec import file_codecs, image_codecs, image_options, jpeg_of

from codec import media
from codec.media.formats import recognise

WORKER = Path(__file__).with_name("worker.py")
CAPS = {
    "native": {},
    "avx2": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "DNNL_MAX_CPU_ISA": "AVX2",
        "MKL_CBWR": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
        "NUMBA_CPU_NAME": "generic",
    },
    "sse": {
        "ATEN_CPU_CAPABILITY": "default",
        "DNNL_MAX_CPU_ISA": "SSE41",
        "MKL_CBWR": "COMPATIBLE",
        "OPENBLAS_CORETYPE": "Nehalem",
        "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3",
        "NO_NUMBA": "1",
    },
}
QUALITIES = (10, 35, 60, 85)
EFFORTS = {"circuit": (1, 5)}  # of codecs whose files differ in kind: without and with a network tuned to the picture
CODECS = (*image_codecs(), *file_codecs())
KEPT = 160  # pixels of a side, at most, of pictures that are kept as files
TILED = 50  # of so many pictures, one is large enough for several tiles


@dataclass(frozen=True)
class Setting:
    """`company`: "alone" (a process a file), "among" (others before it), "pair" (another at the same time)."""

    cap: str
    threads: int
    company: str = "among"
    order: str = "forward"

    def __str__(self) -> str:
        return f"{self.cap}, {self.threads} thread{'s' * (self.threads > 1)}, {self.company}, {self.order}"


ENCODERS = (Setting("native", 2), Setting("avx2", 1, "pair"), Setting("sse", 1))
DECODERS = tuple(
    Setting(cap, threads, company, order)
    for cap in CAPS
    for threads in (1, 2)
    for company, order in (("among", "forward"), ("pair", "backward"))
)
ALONE = tuple(
    Setting(cap, 2, "alone", order) for cap, order in zip(CAPS, ("forward", "backward", "forward"), strict=True)
)


@dataclass
class Summary:
    """What was compared, and what differed."""

    files: int = 0
    decodes: int = 0
    units: int = 0
    symbols: int = 0
    mismatches: list[str] = field(default_factory=list)
    pixels: int = 0
    differing: int = 0
    largest: int = 0  # difference of two pixels, in levels of 8 bits


def options_of(codec: str, name: str) -> dict[str, Any]:
    """How a codec encodes a source."""
    if codec in file_codecs():
        return {}
    drawn = zlib.crc32(name.encode())
    options = image_options(codec, QUALITIES[drawn % len(QUALITIES)], drawn // len(QUALITIES))
    efforts = EFFORTS.get(codec)
    return options | ({"effort": efforts[sum(name.encode()) % len(efforts)]} if efforts else {})


def given(codec: str, name: str, picture: np.ndarray | Path) -> np.ndarray | Path | bytes:
    """A source as a codec takes it: those that keep files get it as a JPEG."""
    if codec not in file_codecs() or (isinstance(picture, Path) and recognise(picture.read_bytes()) == "JPEG"):
        return picture
    samples = picture if isinstance(picture, np.ndarray) else next(media.read(picture)[1])
    return jpeg_of(samples[:KEPT, :KEPT], zlib.crc32(name.encode()))


def run(mode: str, setting: Setting, folder: Path, names: list[str]) -> None:
    """Code files in one setting; RuntimeError with the worker's last words if it fails."""
    environment = os.environ | CAPS[setting.cap] | {"OMP_WAIT_POLICY": "PASSIVE"}  # or threads spin on a busy machine
    environment["OPENBLAS_NUM_THREADS"] = str(setting.threads)
    for group in [[name] for name in names] if setting.company == "alone" else [names]:
        command = [sys.executable, str(WORKER), mode, str(setting.threads), setting.company, setting.order, str(folder)]
        done = subprocess.run([*command, *group], env=environment, capture_output=True)
        if done.returncode:
            raise RuntimeError(f"{mode} under {setting}: {done.stderr.decode()[-600:]}")


def encode(folder: Path, setting: Setting) -> list[str]:
    """Encode all sources of the folder, each with all image codecs; the names of the new files tell the setting."""
    names = sorted(p.name for p in (folder / "sources").iterdir())
    (folder / "files").mkdir(exist_ok=True)
    run("encode", setting, folder, names)
    made = []
    for name in names:
        for codec in CODECS:
            path = folder / "files" / f"{setting.cap}-{setting.threads} {name}.{codec}.ncf"
            (folder / "files" / f"{name}.{codec}.ncf").rename(path)
            made.append(path.name)
    return made


def decode(folder: Path, setting: Setting, names: list[str], summary: Summary) -> None:
    """Decode files and compare them with what the first setting gave, which stays in the folder."""
    first, decoded = folder / "first", folder / "decoded"
    first.mkdir(exist_ok=True)
    decoded.mkdir()
    run("decode", setting, folder, names)
    for name in names:
        records = json.loads((decoded / f"{name}.json").read_text())
        summary.decodes += 1
        summary.units += len(records)
        summary.symbols += sum(r["count"] for r in records)
        for number, record in enumerate(records):
            if record["symbols"] != record["stored"]:
                summary.mismatches.append(f"{name}, unit {number}, {setting}: not the symbols encoded")
        if not (first / f"{name}.json").exists():
            for suffix in ("json", "npy"):
                (decoded / f"{name}.{suffix}").rename(first / f"{name}.{suffix}")
            continue
        if records != json.loads((first / f"{name}.json").read_text()):
            summary.mismatches.append(f"{name}, {setting}: symbols or tables differ from the first decoding")
        frame = np.load(decoded / f"{name}.npy")
        difference = np.abs(frame.astype(int) - np.load(first / f"{name}.npy"))
        summary.pixels += difference.size
        summary.differing += int(np.count_nonzero(difference))
        scale = 257 if frame.dtype == np.uint16 else 1
        summary.largest = max(summary.largest, -(-int(difference.max()) // scale))
    shutil.rmtree(decoded)


def draw(number: int) -> np.ndarray:
    """Picture `number`: any size from 1 x 1 to about 700 x 500, sometimes of several tiles; grey, colour, alpha."""
    rng = np.random.default_rng(number)
    if number % TILED == TILED - 1:
        height, width = ((1030, 1600), (90, 13000))[number // TILED % 2]
    else:
        height, width = (round(1 + (n - 1) * rng.uniform() ** 2) for n in (500, 700))
    channels = (3, 1, 4, 3, 2)[number % 5]
    y, x = np.mgrid[:height, :width]
    waves = np.stack([np.sin(x / (5 + 9 * c)) * np.cos(y / (7 + 5 * c)) for c in range(channels)], -1)
    noise = rng.normal(0, 12, waves.shape) * (x > width / 2)[..., None]
    picture = (128 + 80 * waves + noise).clip(0, 255)
    if channels % 2 == 0:  # a soft edge between nothing and opaque
        picture[..., -1] = ((y + x - (height + width) / 3) * 20).clip(0, 255)
    return picture.astype(np.uint8)


def draw_sources(folder: Path, numbers: range) -> None:
    """Pictures of these numbers as sources."""
    (folder / "sources").mkdir(exist_ok=True)
    for number in numbers:
        np.save(folder / "sources" / f"{number:04d}.npy", draw(number))
