"""A folder as people have them: 200 files of all kinds, ten of them broken. `python tests/bench/folder.py [-j N]`.

Checks that `codec encode -r` gives 190 files and ten one-line errors with exit code 1, that all 190 decode to pictures
of their size, and that a second run with --skip-existing does nothing twice. Exit code 1 if anything is otherwise.
"""

import argparse
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

PHOTO = Path(__file__).parents[2] / "assets" / "kodim23.png"
FORMATS = {
    "jpg": {"quality": 90}, "png": {}, "webp": {"quality": 80}, "avif": {"quality": 70}, "tif": {}, "gif": {},
    "bmp": {}, "ppm": {},
}  # fmt: skip
BROKEN: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("jpg", lambda data: b""),
    ("png", lambda data: data[: len(data) // 2]),
    ("jpg", lambda data: data[:100]),
    ("webp", lambda data: data[:60]),
    ("avif", lambda data: data[: len(data) // 3]),
    ("tif", lambda data: data[: len(data) // 2]),
    ("gif", lambda data: data[:20]),
    ("bmp", lambda data: data[:500]),
    ("ppm", lambda data: b"P6\n100 100\n255\nshort"),
    ("png", lambda data: b"this is no picture"),
]


def picture(rng: np.random.Generator) -> Image.Image:
    """A part of the photo, 20 to 320 pixels a side, in one of the modes that people have."""
    photo = Image.open(PHOTO).convert("RGB")
    width, height = (int(n) for n in rng.integers(20, 320, 2))
    left, top = int(rng.integers(photo.width - width)), int(rng.integers(photo.height - height))
    return photo.crop((left, top, left + width, top + height))


def fill(folder: Path, rng: np.random.Generator) -> tuple[dict[Path, tuple[int, int]], set[Path]]:
    """190 good files, with their sizes, and ten broken ones, in nested folders."""
    good: dict[Path, tuple[int, int]] = {}
    broken: set[Path] = set()
    for number in range(200):
        suffix, damage = BROKEN[number // 20] if number % 20 == 7 else (list(FORMATS)[number % len(FORMATS)], None)
        image = picture(rng)
        if damage is None:
            image = image.convert(str(rng.choice(["RGB", "L"])))
        if suffix in ("png", "webp", "tif") and number % 3 == 0 and damage is None:
            image.putalpha(Image.radial_gradient("L").resize(image.size))
        path = folder / f"day {number % 7}" / ("é" * (number % 2) + f"{number:03d}.{suffix}")
        path.parent.mkdir(parents=True, exist_ok=True)
        buffer = io.BytesIO()
        image.save(buffer, Image.registered_extensions()[f".{suffix}"], **FORMATS[suffix])
        path.write_bytes(damage(buffer.getvalue()) if damage else buffer.getvalue())
        if damage:
            broken.add(path)
        else:
            good[path] = image.size
    return good, broken


def run(*arguments: str) -> tuple[int, list[dict[str, object]], list[str]]:
    """Exit code, rows and stderr lines of a codec command."""
    done = subprocess.run([sys.executable, "-m", "codec.cli.main", *arguments, "--json"], capture_output=True)
    return done.returncode, [json.loads(x) for x in done.stdout.splitlines()], done.stderr.decode().splitlines()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-j", default="2")
    jobs = parser.parse_args().j
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as temporary:
        source, out, back = (Path(temporary) / name for name in ("in", "out", "back"))
        good, broken = fill(source, np.random.default_rng(0))
        code, rows, lines = run("encode", "-r", str(source), "-o", str(out), "-j", jobs)
        failed = {Path(str(row["file"])) for row in rows if "error" in row}
        expected = {out / path.relative_to(source).with_suffix(".ncf") for path in good}
        found = {path for path in out.rglob("*") if path.is_file()}
        print("\n".join(lines))
        if code != 1 or failed != broken or found != expected or len(rows) != 200:
            wrong.append(f"encode: exit {code}, {len(rows)} rows, {len(failed)} failed, {len(found)} outputs")
        errors = [line for line in lines if line.startswith("codec: ") and ("; " in line)]
        if len([line for line in errors if any(str(path) in line for path in broken)]) != 10 or len(lines) > 30:
            wrong.append(f"{len(errors)} error lines")
        before = {path: path.stat().st_mtime_ns for path in found}
        code, rows, lines = run("encode", "-r", str(source), "-o", str(out), "-j", jobs, "--skip-existing")
        skipped = sum("skipped" in row for row in rows)
        print(lines[-1])
        if code != 1 or skipped != 190 or {p: p.stat().st_mtime_ns for p in before} != before:
            wrong.append(f"second run: exit {code}, {skipped} skipped")
        code, rows, lines = run("decode", "-r", str(out), "-o", str(back), "-j", jobs)
        print(lines[-1])
        sizes = {p: Image.open(back / p.relative_to(source).with_suffix(".png")).size for p in good}
        if code != 0 or sizes != good:
            wrong.append(f"decode: exit {code}, {sum(sizes[p] != good[p] for p in good)} of wrong size")
    print("as it should be" if not wrong else "\n".join(wrong))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
