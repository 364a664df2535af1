"""Adapter of the video codec: pictures to units and back, a unit for each group of frames.

    pictures -> groups -> a quality each -> settle, frame after frame -> Unit
    Unit -> code_frame, frame after frame -> pictures

A unit's payload: its frames' times, a flags byte (1: it starts a chain), and a range coder's bytes for all its frames.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import torch

from codec import weights
from codec.container import CODEC_IDS, Header, Unit
from codec.container.fields import Cursor
from codec.device import resolve
from codec.entropy import Decoder, Encoder
from codec.errors import CodecError, DesyncError, FormatError
from codec.media import Info
from codec.media.video import Picture
from codec.nirvana import timing
from codec.nirvana.grid import Reference, code_frame, error, half_size, pack, settle, unpack
from codec.nirvana.groups import Group, groups
from codec.nirvana.nets import Nets, load, position
from codec.nirvana.rate import Control, Target

NAME = "nirvana"
REVISION = 0
DEFAULT_WEIGHTS = "nirvana-grid"
EFFORT = 3
STEPS = (0, 10, 25, 50, 80, 120, 200, 400, 800)  # of a frame's fit, by effort
_KEY_STEPS = 2  # a key frame's fit is so many times as long
_KEY_QUALITY = 12  # stored steps that a key frame is better by: all frames after it profit
_KEY = 1


@dataclass(frozen=True)
class Options:
    """How to encode. `seconds`: to spend on `frames` frames in all, instead of an effort's steps."""

    target: Target = Target(quality=50.0)
    effort: int = EFFORT
    seconds: float | None = None
    frames: int = 0


@dataclass(frozen=True)
class Told:
    """Where an encoding is: `frames` so far, the last group's PSNR (YCbCr 6:1:1, dB) and bits per pixel."""

    frames: int
    psnr: float
    bpp: float


class Codec:
    """The practical network on one device."""

    name = NAME
    id = CODEC_IDS[NAME]
    revision = REVISION

    def __init__(self, nets: Nets) -> None:
        self.nets = nets

    def header(self, info: Info) -> Header:
        """Of a video; the number of frames is left open, as it is known only at the end."""
        assert info.rate is not None
        return Header(
            codec=self.id, revision=self.revision, width=info.width, height=info.height, frames=0, rate=info.rate,
            color=info.color, fingerprint=self.nets.fingerprint, metadata=info.metadata,
        )  # fmt: skip

    def encode(
        self,
        header: Header,
        pictures: Iterable[Picture],
        options: Options,
        tell: Callable[[Told], None] | None = None,
    ) -> Iterator[Unit]:
        """Units, one group after the other."""
        assert header.rate is not None
        control, pace = Control(options.target), _Pace(options)
        index = frames = 0
        before: Reference | None = None
        for group in groups(pictures):
            reference = None if group.key else before
            wanted = [pack(p.planes, self.nets.device) for p in group.pictures]

            def trial(quality: int, reference: Reference | None = reference, wanted: list[torch.Tensor] = wanted):  # type: ignore[no-untyped-def]
                encoder = Encoder()
                _, psnr = self._group(encoder, wanted, reference, quality, 0)
                return psnr, _bpp(encoder.finish(), header, len(wanted))

            quality = control.choose(len(wanted), trial)
            encoder = Encoder()
            before, psnr = self._group(encoder, wanted, reference, quality, pace.steps(frames, len(wanted)))
            checksum, data = encoder.checksum, encoder.finish()
            times = timing.pack([p.time for p in group.pictures], frames, header.rate)
            unit = Unit(index, checksum, 0, times + bytes([_KEY * group.key]) + data, len(wanted))
            index, frames = index + 1, frames + len(wanted)
            bpp = _bpp(unit.payload, header, len(wanted))
            control.took(len(wanted), psnr, bpp)
            yield unit
            if tell:
                tell(Told(frames, psnr, bpp))

    def _group(
        self, encoder: Encoder, wanted: list[torch.Tensor], before: Reference | None, quality: int, steps: int
    ) -> tuple[Reference, float]:
        """Codes a group's frames [6, h, w]; the last one, and their mean PSNR."""
        psnr = 0.0
        for frame in wanted:
            own = min(quality + _KEY_QUALITY, 200) if before is None else quality
            weight = rate_weight(position(own))
            fitted = steps * (_KEY_STEPS if before is None else 1)
            choice = settle(self.nets, frame, before, own, weight, fitted)
            before = code_frame(encoder, self.nets, choice, before, (frame.shape[1], frame.shape[2]))
            psnr += -10 * math.log10(max(error(before.frame, frame), 1e-10)) / len(wanted)
        assert before is not None
        return before, psnr

    def decode(self, header: Header, units: Iterable[Unit], first: int = 0) -> Iterator[Picture]:
        """The pictures of units, which begin with a chain; `first`: the number of their first frame in the video."""
        check(header)
        assert header.rate is not None
        shape = half_size(header.height, header.width)
        before: Reference | None = None
        frames = first
        for unit in units:
            times, key, data = parse(unit, frames, header.rate)
            if not key and before is None:
                raise FormatError(f"unit {unit.index}: its chain's first frames are missing; get a whole copy of the file")
            decoder = Decoder(data)
            reference = None if key else before
            for moment in times:
                reference = code_frame(decoder, self.nets, None, reference, shape)
                yield Picture(unpack(reference.frame, header.height, header.width), moment)
            if decoder.checksum != unit.checksum:
                raise DesyncError(
                    f"unit {unit.index}: the decoded symbols are not those encoded (device {self.nets.device}); "
                    "get a whole copy of the file, or decode with --device cpu"
                )
            decoder.finish()
            before, frames = reference, frames + len(times)


def rate_weight(t: float) -> float:
    """Squared error, on a scale of 0 to 1, that a bit per luma pixel is worth, for t from -1 to 1."""
    return 10.0 ** (-2.6 - 1.1 * t)


def parse(unit: Unit, first: int, rate: Fraction) -> tuple[list[Fraction], bool, bytes]:
    """A unit's times, whether it starts a chain, and what the range coder wrote."""
    cursor = Cursor(unit.payload, f"unit {unit.index}")
    if not unit.frames:
        raise FormatError(f"damaged: unit {unit.index} has no frames; get a whole copy of the file")
    times = timing.unpack(cursor, unit.frames, first, rate)
    flags = cursor.byte()
    if flags > _KEY:
        raise FormatError(f"unit {unit.index}: unknown flags {flags:#x}, made by a newer version; install a newer neural-codec")
    return times, flags == _KEY, cursor.rest()


def check(header: Header) -> None:
    """FormatError for a header that no video of this codec has."""
    if header.revision != REVISION:
        raise FormatError(f"made by revision {header.revision} of {NAME}; install a neural-codec that reads it")
    if header.rate is None or header.channels != 3 or header.depth != 8 or header.private:
        raise FormatError("not a video that nirvana codes; get a whole copy of the file")


class _Pace:
    """How many steps a frame's fit gets: those of an effort, or as many as fit into the time that is left."""

    def __init__(self, options: Options) -> None:
        if not 1 <= options.effort <= len(STEPS):
            raise CodecError(f"effort {options.effort} is out of range; give 1 to {len(STEPS)}")
        self.options = options
        self._began = self._last = time.monotonic()
        self._steps, self._frames = 0, 0  # of the last group
        self._per_step, self._apart = 0.0, 0.0  # seconds of a frame: for each step, and besides

    def steps(self, done: int, frames: int) -> int:
        """For a group of `frames` after `done`."""
        options, now = self.options, time.monotonic()
        if options.seconds is None:
            return STEPS[options.effort - 1]
        if self._frames:
            taken = (now - self._last) / self._frames
            if self._steps:
                self._per_step = max(taken - self._apart, 0) / self._steps
            else:
                self._apart = taken
        left = options.seconds - (now - self._began)
        each = left / max(options.frames - done, frames) - self._apart
        # The first two groups are for finding out what steps cost.
        chosen = 0 if not self._apart else 10 if not self._per_step else int(each / self._per_step)
        self._last, self._frames = now, frames
        self._steps = min(max(chosen, 0), STEPS[-1])
        return self._steps


def _bpp(data: bytes, header: Header, frames: int) -> float:
    return 8 * len(data) / (header.width * header.height * frames)


def open_codec(fingerprint: bytes | None, device: str) -> Codec:
    """The codec that encodes by default (None), or the one that a file names."""
    path = weights.default(NAME, DEFAULT_WEIGHTS) if fingerprint is None else weights.find(NAME, fingerprint)
    return Codec(load(path, resolve(device)))
