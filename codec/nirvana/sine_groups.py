"""Groups of frames by the paper's network (codec/nirvana/sine.py), for the adapter."""

from __future__ import annotations

from collections.abc import Callable

from codec import weights
from codec.container import Header
from codec.errors import FormatError
from codec.media.video import Planes
from codec.nirvana import sine_init
from codec.nirvana.fit import Budget
from codec.nirvana.method import CodedGroup, planes_error, psnr, rate_weight
from codec.nirvana.sine import SineGroups, State
from codec.nirvana.sine_presets import PRESETS

NUMBERS = {"tiny": 1, "small": 2, "hd": 3, "paper": 4}  # in headers; never reused
_EFFORTS = (0.05, 0.25, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 10.0)  # of a preset's steps


class Sine:
    """One preset, for pictures of one size."""

    def __init__(self, preset: str, groups: SineGroups, fingerprint: bytes) -> None:
        self.preset, self.groups, self.fingerprint = PRESETS[preset], groups, fingerprint
        self.length = self.preset.shape.group
        self.private = bytes([NUMBERS[preset]])

    def budget(self, effort: int, key: bool) -> Budget:
        """The preset's steps, or a part or multiple of them."""
        return Budget(steps=round((self.preset.first if key else self.preset.after) * _EFFORTS[effort - 1]))

    def encode(self, planes: list[Planes], before: State | None, quality: int, budget: Budget) -> CodedGroup:
        """See Method."""
        coded = self.groups.encode(planes, before, rate_weight(quality), budget)
        total = sum(planes_error(a, b) for a, b in zip(coded.planes, planes, strict=True))
        return CodedGroup(coded.payload, coded.checksum, coded.state, psnr(total / len(planes)))

    def trial(self, planes: list[Planes], before: State | None) -> Callable[[int], CodedGroup]:
        """See Method: without fitting."""
        return lambda quality: self.encode(planes, before, quality, Budget(steps=0))

    def decode(self, payload: bytes, checksum: int, count: int, before: State | None) -> tuple[list[Planes], State]:
        """See Method."""
        return self.groups.decode(payload, checksum, count, before)


def open_sine(header: Header | None, height: int, width: int, device: str, preset: str) -> Sine:
    """The preset that encodes (no header), with its learned start if there is one; or the one that decodes a file."""
    if header is not None:
        names = {number: name for name, number in NUMBERS.items()}
        if len(header.private) != 1 or header.private[0] not in names:
            raise FormatError("made by a newer version: an unknown preset; install a newer neural-codec")
        preset = names[header.private[0]]
        path = weights.find("nirvana", header.fingerprint) if header.fingerprint else None
    else:
        path = sine_init.shipped(preset)
    start = None if path is None else sine_init.load(path)[1]
    groups = SineGroups(PRESETS[preset], height, width, start, device)
    return Sine(preset, groups, b"" if path is None else weights.fingerprint(path))
