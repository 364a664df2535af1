"""Every command that the README, docs and helps show works as it stands there.

Of those that can't be run here, `_ELSEWHERE` says why; their options are looked for in the help.
"""

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import cast

import click
import numpy as np
import pytest
from click.testing import CliRunner
from helpers.video_clips import moving, video_file
from PIL import Image

import codec
from codec import urls
from codec.cli.main import COMMANDS, cli

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
# Parts of commands: why they aren't run here.
_ELSEWHERE = {
    "codec train ": "takes hours; tests/train has loops of seconds",
    "| ffplay": "needs a player",
    "jxl": "needs a package that the tests don't install",
    "task": "scores take models; tests/tasks has them",
    "https://": "needs a server; test_url_files has one",
    "--engine ray": "needs a cluster; test_ray has one",
    "-e 9 ": "takes minutes; tests/codecs has every effort",
}
_COMPARED = ("kodak", "--codec", "webp:q=20,60", "--codec", "jpeg:q=20,60")
_SIDE = 176  # of pictures: MS-SSIM needs 161


def commands() -> Iterator[str]:
    """As they are written, without their comments."""
    for page in PAGES:
        for language, block in re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE):
            yield from () if language else block.splitlines()
    for _, function, _ in COMMANDS.values():
        command = cast(click.Command, cli.get_command(click.Context(cli), function))
        for one in (command, *(command.commands.values() if isinstance(command, click.Group) else ())):
            yield from (one.help or "").splitlines()


def shown() -> list[str]:
    lines = (re.split(r" {2,}|\s+#", line.strip())[0] for line in commands())
    return sorted({line for line in lines if re.match(r"codec \w", line) and "..." not in line})


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the commands are about."""
    folder = tmp_path_factory.mktemp("files")
    y, x = np.mgrid[0:_SIDE, 0:_SIDE]
    waves = [128 + 90 * np.sin((x + k * y) / (9 + 4 * k)) * np.cos(y / 13) for k in range(3)]
    noise = np.random.default_rng(0).normal(0, 3, (_SIDE, _SIDE, 3))
    picture = Image.fromarray((np.stack(waves, -1) + noise).clip(0, 255).astype(np.uint8))
    for name in ("photo.jpg", "scan.png", "photo.png", "photos/a.jpg", "scans/a.png", "kodak/a.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        picture.save(folder / name)
    coded = codec.encode(folder / "photo.jpg", preview=True)
    lossless = bytearray(codec.encode(picture, lossless=True, effort=1))
    lossless[-9] ^= 1
    (folder / "out").mkdir()
    for name, data in (("photo.ncf", coded), ("out/b.ncf", coded), ("photos/b.ncf", coded), ("damaged", lossless)):
        (folder / name).write_bytes(data)
    frames = moving(48, 64, 8)
    (folder / "clips").mkdir()
    for name, format in (("clip.mp4", "mp4"), ("clips/a.mp4", "mp4"), ("clip.y4m", "yuv4mpegpipe")):
        encoder = "libx264" if format == "mp4" else "rawvideo"
        (folder / name).write_bytes(video_file(frames, format, encoder, rate=Fraction(25)))
    (folder / "long.mp4").write_bytes(video_file(moving(48, 64, 4) * 46, "mp4", "libx264"))
    run(["codec", "encode", folder / "long.mp4", "-e", "1", "-o", folder / "clip.ncf"])
    for name in ("empty", "archive"):
        run(["codec", "archive", "create", folder / name])
    run(["codec", "archive", "add", folder / "archive", folder / "long.mp4", "--keep-stream", "--name", "clip"])
    (folder / "long.mp4").unlink()
    for name in ("rows.jsonl", "shard-1.jsonl", "video.jsonl"):
        what = ("clips", "--codec", "base-svt-av1:q=20,60", "--keep", folder / "kept") if name[0] == "v" else _COMPARED
        run(["codec", "evaluate", folder / what[0], *what[1:], "-o", folder / name])
    points = {"bpp": [0.1, 0.5, 1, 2], "psnr-rgb": [28, 32, 36, 40]}
    (folder / "vtm.json").write_text(json.dumps({"name": "VTM", "results": points}))
    return folder


def run(words: list[object], stdin: bytes | None = None, code: int = 0) -> bytes:
    """What a command of `codec` prints; it has to end with this code."""
    result = CliRunner().invoke(cli, [str(w) for w in words[1:]], input=stdin, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.stdout_bytes


def test_there_are_commands() -> None:
    assert len(shown()) > 70
    assert all(any(part in line for line in shown()) for part in _ELSEWHERE)


@pytest.mark.parametrize("line", shown())
def test_commands_of_the_docs(line: str, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "here"
    shutil.copytree(files, folder)
    monkeypatch.chdir(folder)
    words, stdin, target = [], None, None
    parts = iter(shlex.split(line.partition(" | ")[0].partition(" && ")[0]))
    for word in parts:
        if word == "<":
            stdin = Path(next(parts)).read_bytes()
        elif word == ">":
            target = next(parts)
        elif "*" in word:
            words += [str(p) for p in sorted(Path().glob(word))]
        else:
            words.append(word)
    if any(part in line for part in _ELSEWHERE):
        _knows_options(words)
        return
    if any("s3://" in word for word in words):  # another store takes its place
        store = pytest.importorskip("fsspec").filesystem("memory")
        store.put(f"{folder}/", "/bucket", recursive=True)
        words = [word.replace("s3://", "memory://") for word in words]
    if words[1] in ("encode", "decode", "export") and "--skip-existing" not in words:
        words += ["-f"]  # over what stands in for earlier commands
    if "all.ncf" in words and words[1:3] != ["archive", "create"]:
        Path("empty" if words[2] == "add" else "archive").rename("all.ncf")
    if "damaged.ncf" in words:
        Path("damaged").rename("damaged.ncf")
    out = run(list(words), stdin, 1 if "damaged.ncf" in words else 0)
    assert target is None or out
    if "-o" in words:
        output = words[words.index("-o") + 1]
        assert urls.exists(output) if urls.is_url(output) else Path(output).exists()


def _knows_options(words: list[str]) -> None:
    arguments = words[1:3] if words[1] == "train" else words[1:2]
    text = CliRunner().invoke(cli, [*arguments, "--help"]).output
    options = {word for word in words if re.match(r"--?[a-z]", word)}
    assert options <= set(re.findall(r"--?[a-z][\w-]*", text)), text
