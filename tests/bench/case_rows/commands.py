"""Rows that take whole commands: pipes, forks, shares without permissions, means over a perfect picture."""

import json
import os
import subprocess
import sys
from pathlib import Path

from case_rows import Row, same

CODEC = f"{sys.executable} -m codec.cli.main"
_PATIENCE = 120  # seconds after which a command hangs


def shell(line: str, work: Path, **environment: str) -> str:
    """What a line of bash prints on standard output; raises unless it ends well and in time."""
    done = subprocess.run(
        ["bash", "-c", line], cwd=work, env=os.environ | environment, capture_output=True, text=True, timeout=_PATIENCE
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def through_pipes(path: Path, work: Path) -> None:
    shell(f"{CODEC} encode - < {path} > right.ncf; {CODEC} decode - < right.ncf > right.png", work)
    shell(f"{CODEC} encode <(cat {path}) -o shell.ncf; {CODEC} decode <(cat right.ncf) -o shell.png", work)
    shell(f"mkfifo pipe; cat {path} > pipe & {CODEC} encode pipe -o named.ncf", work)
    shell(f"cat right.ncf > pipe & {CODEC} decode pipe -o named.png", work)
    for suffix in ("ncf", "png"):
        for kind in ("shell", "named"):
            same((work / f"{kind}.{suffix}").read_bytes(), (work / f"right.{suffix}").read_bytes())
    told = [json.loads(shell(f"{CODEC} info --json {source}", work)) for source in ("right.ncf", "<(cat right.ncf)")]
    same(*({k: v for k, v in row.items() if k != "file"} for row in told))


def forked(path: Path, work: Path) -> None:
    assert "child [" in shell(f"{sys.executable} {path}", work)


def without_permissions(path: Path, work: Path) -> None:
    (work / "share").mkdir()
    shell(f"gcc -shared -fPIC -o shim.so {path} -ldl", work)
    photo = path.parent / "pipe_photo.jpg"
    settings = {"LD_PRELOAD": str(work / "shim.so"), "SHARE": str(work / "share"), "NOFSYNC": "1"}
    shell(f"{CODEC} encode {photo} -o share/a.ncf && {CODEC} decode share/a.ncf", work, **settings)
    same(sorted(os.listdir(work / "share")), ["a.ncf", "a.png"])


def with_a_perfect_picture(path: Path, work: Path) -> None:
    photos = " ".join(str(p) for p in sorted(path.parent.glob("evaluate_*.png")))
    specs = "--codec webp:q=20,40,60,80 --codec jpeg:q=20,40,60,80 --codec png --anchor jpeg"
    shown = shell(f"{CODEC} evaluate {photos} {specs} 2>&1", work)
    for codec, infinite in (("webp", False), ("jpeg", False), ("png", True)):
        lines = [line for line in shown.splitlines() if line.startswith(codec)]
        assert lines and all(("inf" in line) == infinite and "nan" not in line for line in lines), shown


ROWS = (
    Row(("pipe_photo.jpg", "pipe_photo_30kB.png"), "as with -: the same bytes in encode, decode, info", through_pipes),
    Row(("fork_after_use.py",), "a forked process encodes, or is refused; never a hang", forked),
    Row(("share_without_chmod_shim.c",), "a file system without chmod or fsync gets its file", without_permissions),
    Row(("evaluate_black_page.png",), "a lossy codec's mean stays finite, a lossless one's is infinite",
        with_a_perfect_picture),
)  # fmt: skip
