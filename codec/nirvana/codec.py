"""Adapter of the video codec: pictures to units and back, a unit for each group of frames.

    pictures -> groups -> a quality and a budget each -> Method.encode -> Unit
    Unit -> Method.decode -> pictures

A unit's payload: its frames' times, a flags byte (1: it starts a chain), and what the method wrote.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from codec import weights
from codec.container import CODEC_IDS, Header, Unit
from codec.device import resolve
from codec.errors import CodecError, FormatError
from codec.media import Info
from codec.media.video import Picture, Planes
from codec.nirvana import timing
from codec.nirvana.fit import Budget
from codec.nirvana.grid_groups import STEPS, GridGroups
from codec.nirvana.groups import Group, groups
from codec.nirvana.method import Method
from codec.nirvana.nets import load
from codec.nirvana.rate import Control, Target, Trial
from codec.nirvana.units import KEY, OTHER, Parsed, check_video, parse

NAME = "nirvana"
REVISION = 0
DEFAULT_WEIGHTS = "nirvana-grid"
EFFORT = 3
EFFORTS = len(STEPS)


@dataclass(frozen=True)
class Options:
    """How to encode. `seconds`: to spend on `frames` frames in all, instead of what an effort allows."""

    target: Target = field(default_factory=lambda: Target(quality=50.0))
    effort: int = EFFORT
    seconds: float | None = None
    frames: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.effort <= EFFORTS:
            raise CodecError(f"effort {self.effort} is out of range; give 1 to {EFFORTS}")


@dataclass(frozen=True)
class Told:
    """Where an encoding is: `frames` done, the last group's PSNR (YCbCr 6:1:1, dB) and bits per pixel."""

    frames: int
    psnr: float
    bpp: float


class Codec:
    """One method, for videos of one size."""

    def __init__(self, method: Method) -> None:
        self.method = method

    def header(self, info: Info, options: Options) -> Header:
        """Of a video; the number of frames is left open, as it is known only at the end."""
        return Header(
            codec=CODEC_IDS[NAME], revision=REVISION, width=info.width, height=info.height, frames=0, rate=info.rate,
            color=info.color, fingerprint=self.method.fingerprint, private=self.method.private,
            metadata=info.metadata,
        )  # fmt: skip

    def groups(self, pictures: Iterable[Picture]) -> Iterator[Group]:
        """What will be coded together."""
        return groups(pictures, self.method.length)

    def encode(
        self,
        header: Header,
        grouped: Iterable[Group],
        options: Options,
        tell: Callable[[Told], None] | None = None,
        done: Sequence[Unit] = (),
        first: int = 0,
    ) -> Iterator[Unit]:
        """Units of groups, all those of a video or of a chain; `first`: the number of their first frame.

        `done`: the first of them, if they are there already, of the same video and options; the others are given.
        """
        assert header.rate is not None
        control = Control(options.target)
        # The chain that goes on: the only one of those that are there to be decoded.
        goes_on = max((i for i, unit in enumerate(done) if self.starts_chain(header, unit)), default=0)
        began, index, frames = time.monotonic(), 0, first
        state: Any = None
        for group in grouped:
            count = len(group.pictures)
            if index < len(done):
                parsed = parse(done[index], frames, header.rate)
                if (parsed.key, done[index].frames) != (group.key, count):
                    raise CodecError(OTHER)
                if index >= goes_on:
                    state = self._decoded(done[index], parsed, state)[1]
                control.passed(count, _bpp(done[index].payload, header, count))
                index, frames = index + 1, frames + count
                continue
            planes = [p.planes for p in group.pictures]
            before = None if group.key else state
            quality = control.choose(count, self._trial(header, planes, before))
            budget = self.method.budget(options.effort, group.key)
            if options.seconds is not None:
                left = max(options.seconds - (time.monotonic() - began), 0.0)
                budget = Budget(seconds=left * count / max(options.frames - (frames - first), count))
            coded = self.method.encode(planes, before, quality, budget)
            times = timing.pack([p.time for p in group.pictures], frames, header.rate)
            unit = Unit(index, coded.checksum, 0, times + bytes([KEY * group.key]) + coded.payload, count)
            state, index, frames = coded.state, index + 1, frames + count
            bpp = _bpp(unit.payload, header, count)
            control.took(count, coded.psnr, bpp)
            yield unit
            if tell:
                tell(Told(frames, coded.psnr, bpp))
        if index < len(done):
            raise CodecError(OTHER)

    def _trial(self, header: Header, planes: list[Planes], before: Any) -> Trial:
        rough = self.method.trial(planes, before)

        def trial(quality: int) -> tuple[float, float]:
            coded = rough(quality)
            return coded.psnr, _bpp(coded.payload, header, len(planes))

        return trial

    def _decoded(self, unit: Unit, parsed: Parsed, state: Any) -> tuple[list[Planes], Any]:
        """The frames of a unit and the state after it, from the state before."""
        return self.method.decode(parsed.data, unit.checksum, unit.frames, None if parsed.key else state)

    def starts_chain(self, header: Header, unit: Unit) -> bool:
        """Whether decoding can begin with a unit."""
        assert header.rate is not None
        return parse(unit, 0, header.rate).key

    def decode(self, header: Header, units: Iterable[Unit], first: int = 0) -> Iterator[Picture]:
        """The pictures of units, which begin with a chain; `first`: the number of their first frame in the video."""
        check(header)
        assert header.rate is not None
        state: Any = None
        for unit in units:
            parsed = parse(unit, first, header.rate)
            if not parsed.key and state is None:
                raise FormatError(
                    f"unit {unit.index}: its chain's first frames are missing; get a whole copy of the file"
                )
            try:
                planes, state = self._decoded(unit, parsed, state)
            except CodecError as error:
                raise type(error)(f"unit {unit.index}: {error}") from error
            yield from map(Picture, planes, parsed.times)
            first += unit.frames


def check(header: Header) -> None:
    """FormatError for a header that no video of this codec has."""
    if header.revision != REVISION:
        raise FormatError(f"made by revision {header.revision} of {NAME}; install a neural-codec that reads it")
    check_video(header)


def _bpp(data: bytes, header: Header, frames: int) -> float:
    return 8 * len(data) / (header.width * header.height * frames)


def open_codec(header: Header | None, height: int, width: int, device: str, preset: str = "grid") -> Codec:
    """The codec that encodes with a preset (no header), or the one that decodes a file."""
    if preset != "grid" or (header is not None and header.private):
        from codec.nirvana.sine_groups import open_sine

        return Codec(open_sine(header, height, width, resolve(device), preset))
    path = weights.default(NAME, DEFAULT_WEIGHTS) if header is None else weights.find(NAME, header.fingerprint)
    return Codec(GridGroups(load(path, resolve(device)), height, width))
