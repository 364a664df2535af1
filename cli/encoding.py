"""What `encode` and `archive add` are told of an encoding: options with one meaning, and a video's as one value."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click

from codec import codecs
from codec.cli.options import Command, together
from codec.device import cores

REQUESTED = (  # options of which a request is made
    "codec", "preset", "base", "keep_stream", "quality", "target_psnr", "target_bpp", "target_size", "effort",
    "time_budget", "no_audio", "resume", "weights", "strip",
)  # fmt: skip
TARGETS = ("psnr", "ssim", "bpp", "size")  # of a codec.Target: --target-psnr and so on
_GOALS = ("quality", *(f"target_{name}" for name in (*TARGETS, "total")))


class Quantity(click.ParamType):
    """A number above 0 with one of some units behind it, or none."""

    def __init__(self, name: str, units: dict[str, int], like: str) -> None:
        self.name, self._units, self._like = name, units, like

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = re.fullmatch(rf"(\d+(?:\.\d+)?)([{''.join(self._units)}]?)", str(value))
        if found is None:
            self.fail(f"{value!r} is not a {self.name}, such as {self._like}", param, ctx)
        if not float(found[1]):
            self.fail(f"{value!r} is not a {self.name} above 0, such as {self._like}", param, ctx)
        return float(found[1]) * self._units.get(found[2], 1)


DURATION = Quantity("time", {"s": 1, "m": 60, "h": 3600}, "90s, 10m or 2h")  # in seconds
SIZE = Quantity("size", {"k": 10**3, "M": 10**6, "G": 10**9}, "800000, 500k or 20M")  # in bytes


def choices(kind: str, setting: str) -> list[str]:
    """What a setting may be with any of the codecs for "image" or "video"."""
    media = [codec.videos if kind == "video" else codec.images for codec in codecs.of_kind(kind).values()]
    found = [choice for one in media if one and setting in one.settings for choice in one.settings[setting].choices]
    return list(dict.fromkeys(found))


def _finite(ctx: click.Context, param: click.Parameter, value: float | None) -> float | None:
    if value is not None and math.isnan(value):
        raise click.BadParameter("nan is not in the range 0<=x<=100.")
    return value


def quality_option(command: Command) -> Command:
    """-q."""
    return click.option(
        "-q", "--quality", type=click.FloatRange(0, 100), callback=_finite,
        help="0 smallest to 100 best; fractions count.  [default: 50]",
    )(command)  # fmt: skip


def effort_option(default: str) -> Callable[[Command], Command]:
    """-e; the codec has the default, which the help tells."""
    return click.option(
        "-e", "--effort", type=click.IntRange(1, 9),
        help=f"1 fastest to 9 smallest; it decodes as fast.  [default: {default}]",
    )  # fmt: skip


def video_options(command: Command) -> Command:
    """How a video is encoded, but for -q and -e."""
    return together(
        click.option(
            "--preset", type=click.Choice(choices("video", "preset")),
            help="Videos: a paper's network (nirvana's or pfnr's) by itself, for study.",
        ),
        click.option(
            "--base", type=click.Choice(choices("video", "base")),
            help="Videos: the encoder of the standard stream.  [default: svt-av1]",
        ),
        click.option(
            "--keep-stream", is_flag=True,
            help="Videos in AV1, H.265 or H.264: keep the stream as it is. Nothing is encoded, nothing gets smaller.",
        ),
        click.option(
            "--target-psnr", type=float, metavar="DB", help="The least PSNR; of videos that of YCbCr 6:1:1, on average."
        ),
        click.option("--target-bpp", type=float, metavar="BPP", help="Bits per pixel of the whole file, at most."),
        click.option("--target-size", type=SIZE, metavar="SIZE", help="Bytes of the whole file, at most: 500k, 20M."),
        click.option(
            "--time-budget", type=DURATION, metavar="TIME",
            help="Videos, --lossless: how long to fit, as 90s, 10m or 2h.",
        ),
        click.option("--resume", is_flag=True, help="Videos: go on where an interrupted run was."),
        click.option("--no-audio", is_flag=True, help="Videos: leave the sound out."),
    )(command)  # fmt: skip


def weights_option(command: Command) -> Command:
    """--weights."""
    return click.option("--weights", metavar="NAME|FILE", help="Encode with these, from `codec models` or a file.")(
        command
    )


@dataclass(frozen=True)
class VideoRequest:
    """The options of `codec encode` that only a video has a use for."""

    codec: str | None = None
    preset: str | None = None
    base: str | None = None
    keep: bool = False
    quality: float | None = None
    target_psnr: float | None = None
    target_bpp: float | None = None
    target_size: float | None = None
    effort: int | None = None
    seconds: float | None = None
    audio: bool = True
    resume: bool = False
    weights: str | None = None
    jobs: int | None = 1  # processes for one video; None: as many as there are cores, if it is long
    strip: bool = False


def goals_of(given: dict[str, Any]) -> Sequence[str]:
    """The goals that options name; UsageError for two."""
    goals = [f"--{goal.replace('_', '-')}" for goal in _GOALS if given.get(goal) is not None]
    if len(goals) > 1:
        raise click.UsageError(f"{goals[0]} and {goals[1]} are two goals; choose one")
    return goals


def request_of(given: dict[str, Any], jobs: int | None) -> VideoRequest:
    """What options say of a video; UsageError for those that contradict each other.

    `given`: by the options' names; `jobs`: processes for one video, 0: as many as there are cores.
    """
    codec, default = given["codec"], codecs.default("video").name
    told = [*goals_of(given), given["base"], given["preset"], given["weights"], codec not in (None, default)]
    if given["keep_stream"] and (any(told) or given["effort"] is not None or given["time_budget"] is not None):
        raise click.UsageError("--keep-stream encodes nothing; leave the options out that say how")
    return VideoRequest(
        codec, given["preset"], given["base"], given["keep_stream"], given["quality"], given["target_psnr"],
        given["target_bpp"], given["target_size"], given["effort"], given["time_budget"], not given["no_audio"],
        given["resume"], given["weights"], cores() if jobs == 0 else jobs, given["strip"],
    )  # fmt: skip
