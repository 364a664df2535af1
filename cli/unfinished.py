"""Encodings that take long: how far they are, and files that an interruption leaves for --resume."""

from __future__ import annotations

import glob
import os
import shutil
import time
import zlib
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from codec.cli.batch import Tiles
from codec.cli.files import STDIO
from codec.cli.messages import duration, say
from codec.cli.streams import atomic_write
from codec.errors import CodecError

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

_PATIENCE = 2.0  # seconds until a time left is told
_STAGES = {"base": 1.0, "fit": 2.0}  # and how long a frame takes in each, before that is known: in terms of the others


class Status:
    """Shows what an encoding tells (codec.codecs.options.VideoProgress): the part that is done, and the time left.

    A stage's seconds a frame are those that it took so far; which stage a wait was for is told at its end, so it
    doesn't matter whether stages take turns. `stages`: those that there are.
    """

    def __init__(self, expected: int, show: Tiles, stages: Collection[str] = tuple(_STAGES)) -> None:
        self._expected, self._show, self._stages = expected, show, stages
        self._frames: Counter[str] = Counter()
        self._seconds: dict[str, float] = {}
        self._begun = self._last = time.perf_counter()

    def __call__(self, told: Any) -> None:
        now = time.perf_counter()
        self._frames[told.stage] += told.frames
        self._seconds[told.stage] = self._seconds.get(told.stage, 0.0) + now - self._last
        self._last = now
        if told.stage == "search":
            passes, frames = divmod(self._frames["search"], max(self._expected, 1))
            self._show(frames, self._expected, f", looking for the quality, pass {passes + 1}")
            return
        known = {stage: self._seconds[stage] / n for stage, n in self._frames.items() if n and stage in _STAGES}
        unit = sum(known.values()) / max(sum(_STAGES[stage] for stage in known), 1e-9)
        costs = {stage: known.get(stage, unit * _STAGES[stage]) for stage in self._stages}
        left = sum(cost * max(self._expected - self._frames[stage], 0) for stage, cost in costs.items())
        all_ = sum(costs.values()) * max(self._expected, 1)
        found = f", {told.psnr:.1f} dB, {told.bpp:.3f} bpp" if told.psnr else ""
        rest = f", {duration(left)} left" if left and now - self._begun > _PATIENCE else ""
        self._show(round(self._expected * max(1 - left / max(all_, 1e-9), 0)), self._expected, found + rest)


def unfinished(target: str, made_by: str) -> Path:
    """Where an encoding of a video is until it is complete: a name that the next run finds (--resume)."""
    final = Path(os.path.realpath(target))
    # Cut, because a suffix must not push it over the limit of the file system; the names are told apart even so.
    name = final.name if len(final.name) <= 48 else f"{final.name[:40]}{zlib.crc32(os.fsencode(final.name)):08x}"
    return final.with_name(f".{name}.unfinished-{made_by}")


@contextmanager
def _alone(part: Path, target: str) -> Iterator[None]:
    """Only one process at a time writes a file, where the system can lock one."""
    if fcntl is None:
        yield
        return
    try:
        lock = os.open(part, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise OSError(error.errno, error.strerror, target) from error
    try:
        if not _locked(lock, part):
            raise CodecError(f"another process is writing {target}; wait for it, or name another output with -o")
        yield
    finally:
        os.close(lock)


def _locked(lock: int, part: Path) -> bool:
    """Whether the opened file is ours now, and still has its name: another process may just have finished it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(lock), os.stat(part))
    except (BlockingIOError, FileNotFoundError):
        return False
    except OSError:  # a file system without locks
        return True


@contextmanager
def resumable(target: str, made_by: str, resume: bool) -> Iterator[IO[bytes]]:
    """A file that gets its name when it is complete. Interrupted it stays, for --resume; what fails leaves nothing.

    `made_by` names the options: those of a file that is resumed must be the same. Other runs start anew.
    """
    if target == STDIO or (os.path.exists(target) and not os.path.isfile(target)):
        with atomic_write(target) as fp:
            yield fp
        return
    part = unfinished(target, made_by)
    others = [p for p in part.parent.glob(f"{glob.escape(unfinished(target, '').name)}*") if p != part]
    if resume and others and not part.exists():
        raise CodecError(
            f"{others[0]} is of another video or was made with other options; give the same ones, or leave out --resume"
        )
    kept = resume and part.exists()
    with _alone(part, target):
        try:
            with open(part, "r+b" if kept else "w+b") as fp:
                yield fp
                fp.flush()
                os.fsync(fp.fileno())
            if os.path.exists(target):
                shutil.copymode(target, part)
            os.replace(part, os.path.realpath(target))
        except (CodecError, OSError) as error:
            if not kept:  # what fails once fails again
                part.unlink(missing_ok=True)
            if isinstance(error, OSError) and error.filename == os.fspath(part):
                raise OSError(error.errno, error.strerror, target) from error  # the name that the user knows
            raise
        except BaseException:
            if part.exists() and part.stat().st_size:
                say(f"codec: {target}: stopped; the same command with --resume goes on from there")
            else:
                part.unlink(missing_ok=True)
                say(f"codec: {target}: stopped before the first group was whole; nothing is left to go on from")
            raise
    for other in others:
        other.unlink(missing_ok=True)
