"""`codec encode --target-total`: pictures whose files together have at most so many bytes, all at one quality.

The quality is the logarithm of lambda, so at one quality a bit brings about as much in every picture: no other sharing
out of the same bytes has an error smaller by more than 0.02 dB (22 Kodak pictures).
"""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import click

from codec import codecs, urls
from codec.cli.batch import Result, Run, Tell, Work, attempt
from codec.cli.files import STDIO, Job
from codec.cli.streams import atomic_write
from codec.codecs.curve import Curve
from codec.codecs.options import Target
from codec.errors import CodecError

_PASSES, _NEAR = 5, 0.02  # over all pictures, at most; how far below the total is near enough, a share of it
_SAMPLE, _SHARE = 16, 10  # pictures on which a quality is looked for first: so many at least, and one of so many
_STEPS = 25_600  # of the scale of qualities


def share_out(
    jobs: Sequence[Job], run: Run, *, size: float, codec: str | None, look: Callable[[float], Work],
    encode: Callable[[float], Work], told: Callable[[dict[str, Any]], str], dry: bool,
) -> Iterator[Result]:  # fmt: skip
    """Encode pictures to no more than `size` bytes in all. They get their names at the end; CodecError, and none of
    them is there, if the least is too much.

    `encode`: the work at a quality, `look`: what a dry run does in its place, `told`: the line of a row; `dry`: no more
    than that is to be done.
    """
    from codec import goals

    media = codecs.chosen(codec, "image").images
    if media is None or media.typical is None:
        raise click.UsageError(f"{codec} has no target; leave out --target-total")
    if any(STDIO in (job.source, job.target) for job in jobs):
        raise click.UsageError("--target-total encodes more than once; name files, not standard input or output")
    looked = {job.source: attempt(job, None, look(50)) for job in jobs}
    yield from (result for result in looked.values() if "error" in result.row)
    expected = {name: result.row["expected_bytes"] for name, result in looked.items() if "error" not in result.row}
    left = sorted((job for job in jobs if job.source in expected), key=lambda job: expected[job.source])
    if not left:
        return
    typical, whole = media.typical, sum(expected.values())
    usual = Curve(typical.qualities, typical.bpp).value(50)
    curve = Curve(typical.qualities, [math.log(whole * bpp / usual) for bpp in typical.bpp])
    pace = goals.Pace(_PASSES, 0.0, -math.log(1 - _NEAR), curve, curve)
    target, start = Target(size=size), min(max(curve.quality(math.log(size)), 0.0), 100.0)
    if dry:
        yield from (attempt(job, None, look(start)) for job in jobs if job.source in expected)
        return
    first = left[0].target
    folder = None if urls.is_url(first) else os.path.dirname(os.path.realpath(first))
    with tempfile.TemporaryDirectory(prefix=".codec-total-", dir=folder) as place:
        held = _Held(run, encode, place)
        count = max(_SAMPLE, len(left) // _SHARE)
        if count < len(left):
            some = [left[(2 * i + 1) * len(left) // (2 * count)] for i in range(count)]
            share = sum(expected[job.source] for job in some) / whole
            start = goals.search(target, lambda q: (held.bytes(some, q) / share, 0.0), 1, _STEPS, pace, start)
        tried: dict[float, float] = {}

        def trial(quality: float) -> tuple[float, float]:
            tried[quality] = held.bytes(left, quality)
            return tried[quality], 0.0

        quality = goals.search(target, trial, 1, _STEPS, pace, start)
        fit = {total: q for q, total in tried.items() if total <= size}
        quality = fit[max(fit)] if fit else quality
        if (total := held.bytes(left, quality)) > size:
            goals.check(target, quality, total, 0.0, 1)
            raise CodecError("the total can't be had; ask for a little more")
        yield from held.failed.values()
        note = f"the highest quality takes {total:,.0f} bytes in all, less than the target" if quality == 100 else ""
        for job in jobs:
            if job.source in expected and job.source not in held.failed:
                yield attempt(job, None, partial(held.named, size=size, told=told, note=note))
                note = ""


class _Held:
    """Files of pictures in a folder of their own, each at the quality that it was last encoded at."""

    def __init__(self, run: Run, encode: Callable[[float], Work], place: str) -> None:
        self._run, self._encode, self._place = run, encode, place
        self._made: dict[str, tuple[float, Result]] = {}  # by source
        self._numbers: dict[str, int] = {}
        self.failed: dict[str, Result] = {}

    def bytes(self, jobs: Sequence[Job], quality: float) -> float:
        """What they take in all at a quality, those that can be encoded."""
        todo = [job for job in jobs if job.source not in self.failed and self._quality(job) != quality]
        there = [replace(job, target=self._path(job), replace=True, taken="") for job in todo]
        for result in self._run(self._encode(quality), there) if there else ():
            if "error" in result.row:
                self.failed[result.row["file"]] = result
            else:
                self._made[result.row["file"]] = quality, result
        return float(sum(self._made[job.source][1].row["bytes"] for job in jobs if job.source not in self.failed))

    def named(
        self, job: Job, tell: Tell | None, *, size: float, told: Callable[[dict[str, Any]], str], note: str
    ) -> Result:
        """Work: give one its name."""
        with open(self._path(job), "rb") as made, atomic_write(job.target, job.replace) as fp:
            shutil.copyfileobj(made, fp)
        os.unlink(self._path(job))
        result = self._made[job.source][1]
        row = {**result.row, "output": job.target, "target_total": round(size)}
        return replace(result, row=row, line=told(row), note="; ".join(filter(None, (result.note, note))))

    def _quality(self, job: Job) -> float | None:
        return self._made[job.source][0] if job.source in self._made else None

    def _path(self, job: Job) -> str:
        number = self._numbers.setdefault(job.source, len(self._numbers))
        return os.path.join(self._place, f"{number}.ncf")
