"""The paper's network (codec/codecs/nirvana/sine/groups.py) as a video codec: a unit for each group of frames.

A unit's payload: its frames' times, a flags byte (1: it starts a chain), and what the range coder wrote.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from codec import weights
from codec.codecs.base import ChainTask, Spared
from codec.codecs.nirvana import CODEC
from codec.codecs.nirvana import PRESETS as NAMES
from codec.codecs.nirvana.head import check_sine_size
from codec.codecs.nirvana.sine import init
from codec.codecs.nirvana.sine.groups import SineGroups, State
from codec.codecs.nirvana.sine.loop import Budget
from codec.codecs.nirvana.sine.presets import PRESETS
from codec.codecs.nirvana.sine.units import KEY, parse
from codec.codecs.options import VideoOptions, VideoProgress
from codec.container import Header, Unit, times
from codec.device import resolve
from codec.errors import CodecError, FormatError
from codec.media import Info
from codec.media.distortion import errors, psnr_611
from codec.media.video import Picture

CHAIN = 128  # frames at most
_STEPS = 2  # of a quality: it is stored in halves
_EFFORTS = (0.05, 0.25, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 10.0)  # of a preset's steps


class Sine:
    """One preset, for pictures of one size."""

    steps = 0

    def __init__(self, preset: str, groups: SineGroups, fingerprint: bytes) -> None:
        self._name, self._groups, self._fingerprint = preset, groups, fingerprint
        self.preset = PRESETS[preset]
        self._length = self.preset.shape.group
        self.length = max(CHAIN // self._length, 1) * self._length

    def header(self, info: Info, options: VideoOptions) -> Header:
        """See VideoCodec."""
        return Header(
            codec=CODEC.id, revision=CODEC.revision, width=info.width, height=info.height, frames=0, rate=info.rate,
            color=info.color, fingerprint=self._fingerprint, private=bytes([NAMES.index(self._name) + 1]),
            metadata=info.metadata,
        )  # fmt: skip

    def encode(self, header: Header, task: ChainTask, done: Sequence[Unit]) -> Iterator[Unit]:
        """See VideoCodec."""
        assert header.rate is not None and task.options.target.quality is not None
        quality, options = round(task.options.target.quality * _STEPS), task.options
        pictures, first, index = task.pictures(), task.chain.first, 0
        begun, state = time.monotonic(), None
        while group := list(islice(pictures, self._length)):
            planes = [picture.planes for picture in group]
            if index < len(done):
                state = self._groups.decode(
                    parse(done[index], first, header.rate).data, done[index].checksum, len(group), state
                )[1]
            else:
                budget = self._budget(options.effort, index == 0)
                if options.seconds is not None:
                    left = max(options.seconds - (time.monotonic() - begun), 0.0)
                    budget = Budget(seconds=left * len(group) / (task.chain.first + task.chain.count - first))
                coded = self._groups.encode(planes, state, rate_weight(quality), budget)
                state = coded.state
                when = times.pack([picture.time for picture in group], first, header.rate)
                yield Unit(index, coded.checksum, 0, when + bytes([KEY * (index == 0)]) + coded.payload, len(group))
                found = [psnr_611(errors(a, b)) for a, b in zip(coded.planes, planes, strict=True)]
                size = len(coded.payload) * 8 / (header.width * header.height * len(group))
                task.tell(VideoProgress("fit", len(group), sum(found) / len(group), size))
            first, index = first + len(group), index + 1

    def decode(
        self, header: Header, units: Iterable[Unit], first: int = 0, spared: Spared | None = None
    ) -> Iterator[Picture]:
        """See VideoCodec."""
        assert header.rate is not None
        state: State | None = None
        for unit in units:
            parsed = parse(unit, first, header.rate)
            if not parsed.key and state is None:
                raise FormatError(
                    f"unit {unit.index}: its chain's first frames are missing; get a whole copy of the file"
                )
            try:
                before = None if parsed.key else state
                planes, state = self._groups.decode(parsed.data, unit.checksum, unit.frames, before)
            except CodecError as error:
                raise type(error)(f"unit {unit.index}: {error}") from error
            yield from map(Picture, planes, parsed.times)
            first += unit.frames

    def _budget(self, effort: int, key: bool) -> Budget:
        """The preset's steps, or a part or multiple of them."""
        return Budget(steps=round((self.preset.first if key else self.preset.after) * _EFFORTS[effort - 1]))


def rate_weight(quality: int) -> float:
    """The squared error, on a scale of 0 to 1, that a bit per luma pixel is worth at a stored quality, 0 to 200."""
    return float(10.0 ** (-2.6 - 1.1 * (quality / 100 - 1)))


def open_encoder(name: str, info: Info, device: str, start: Path | None = None) -> Sine:
    """The preset of this name, with this learned start or its default one, if there is one."""
    check_sine_size(info.width, info.height)
    return _opened(name, info, init.shipped(name) if start is None else start, device)


def open_decoder(header: Header, device: str) -> Sine:
    """The preset that a file names, and the start that it has."""
    path = weights.find(CODEC.name, header.fingerprint) if header.fingerprint else None
    return _opened(NAMES[header.private[0] - 1], header, path, device)


def _opened(name: str, size: Header | Info, path: Path | None, device: str) -> Sine:
    preset, start = (name, None) if path is None else init.load(path)
    if preset != name:
        raise FormatError(f"{path}: these are weights of the preset {preset}, not of {name}; name others")
    groups = SineGroups(PRESETS[name], size.height, size.width, start, resolve(device))
    return Sine(name, groups, b"" if path is None else weights.fingerprint(path))
