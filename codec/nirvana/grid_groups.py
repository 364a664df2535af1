"""Groups of frames by the practical network, in an order that suits them, each predicted from coded ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from torch import Tensor

from codec.entropy import Coder, Decoder, Encoder
from codec.errors import DesyncError
from codec.media.video import Planes
from codec.nirvana.find import MERGED, PLAIN, POLISHED
from codec.nirvana.fit import Budget
from codec.nirvana.grid import code_frame, half_size, pack, settle, unpack
from codec.nirvana.method import CodedGroup, planes_error, psnr, rate_weight
from codec.nirvana.motion import SPACINGS
from codec.nirvana.nets import Nets
from codec.nirvana.order import STRIDES, TOP, Place, order, own_quality
from codec.nirvana.predict import Motion, References, code_symbol
from codec.nirvana.sides import scaled

STEPS = (0, 10, 25, 50, 80, 120, 200, 400, 800)  # of a frame's fit, by effort
_TRIAL = 50_000  # pixels of a picture that strides are tried on; larger ones are halved
_KEY_STEPS = 2  # a key frame's fit is so many times as long


@dataclass(frozen=True)
class State:
    """A group's last frame, int32 [6, h, w], and how it had moved, over `span` frames."""

    frame: Tensor
    motion: Motion | None = None
    span: int = 1


class _Pass(NamedTuple):
    """A group coded with one stride."""

    encoder: Encoder
    state: State
    error: float  # of all frames

    def group(self, count: int) -> CodedGroup:
        """Of `count` frames."""
        checksum = self.encoder.checksum
        return CodedGroup(self.encoder.finish(), checksum, self.state, psnr(self.error / count))


class GridGroups:
    """Of `height` x `width` pictures."""

    length = 8
    private = b""

    def __init__(self, nets: Nets, height: int, width: int) -> None:
        self.nets, self.height, self.width = nets, height, width
        self.fingerprint = nets.fingerprint
        self._apart = 0.0  # seconds that a frame takes besides its fit

    def budget(self, effort: int, key: bool) -> Budget:
        """Steps a frame."""
        return Budget(steps=STEPS[effort - 1])

    def encode(self, planes: list[Planes], before: State | None, quality: int, budget: Budget) -> CodedGroup:
        """See Method. A budget's seconds are the group's, its steps a frame's."""
        began = time.monotonic()
        stride = self._stride(planes, before, quality)
        seconds = None if budget.seconds is None else max(budget.seconds - (time.monotonic() - began), 0.0)
        fits = bool(budget.steps or budget.seconds)
        made = self._coded(planes, before, quality, stride, Budget(budget.steps, seconds), POLISHED if fits else MERGED)
        return made.group(len(planes))

    def trial(self, planes: list[Planes], before: State | None) -> Callable[[int], CodedGroup]:
        """See Method: without fitting, with the stride that suits the first quality."""
        strides: list[int] = []

        def rough(quality: int) -> CodedGroup:
            if not strides:
                strides.append(self._stride(planes, before, quality))
            return self._coded(planes, before, quality, strides[0], Budget(steps=0), PLAIN).group(len(planes))

        return rough

    def _stride(self, planes: list[Planes], before: State | None, quality: int) -> int:
        """The best one for a group, by coding it with each, small and without care."""
        last = before and unpack(before.frame, self.height, self.width)
        while planes[0][0].size > _TRIAL and min(planes[0][0].shape) >= 16:
            planes, last = [_halved(picture) for picture in planes], last and _halved(last)
        small = GridGroups(self.nets, *planes[0][0].shape)
        start = last and State(pack(last, self.nets.device))
        losses = {}
        for stride in STRIDES:
            if stride == 1 or stride // 2 < len(planes) - (before is None):  # else the order would be the one before
                tried = small._coded(planes, start, quality, stride, Budget(steps=0), PLAIN)
                rate = 8 * len(tried.encoder.finish()) / planes[0][0].size
                losses[stride] = tried.error + rate_weight(quality) * rate
        return min(losses, key=losses.__getitem__)

    def _coded(
        self, planes: list[Planes], before: State | None, quality: int, stride: int, budget: Budget, care: int
    ) -> _Pass:
        """A group with one stride."""
        encoder = Encoder()
        _code_head(encoder, (quality, stride))
        group = _Group(before)
        total = 0.0
        spacings: Sequence[int] = SPACINGS
        deadline = None if budget.seconds is None else time.monotonic() + budget.seconds
        shape = half_size(self.height, self.width)
        for done, place in enumerate(order(len(planes), before is None, stride)):
            began = time.monotonic()
            wanted = pack(planes[place.frame], self.nets.device)
            seconds = None
            if deadline is not None:
                seconds = max((deadline - began) / (len(planes) - done) - self._apart, 0.0)
            steps = budget.steps and budget.steps * (_KEY_STEPS if place.low is None else 1)
            own, references = own_quality(quality, place, stride), group.references(place)
            choice, fitted = settle(self.nets, wanted, references, own, Budget(steps, seconds), spacings, care)
            if choice.motion is not None and place.high is None:
                spacings = (choice.motion.spacing,)  # what suits one anchor of a group suits the next
            coded = code_frame(encoder, self.nets, choice, references, own, shape)
            group.add(place, *coded)
            total += planes_error(unpack(coded[0], self.height, self.width), planes[place.frame])
            self._apart = time.monotonic() - began - fitted
        return _Pass(encoder, group.state(len(planes)), total)

    def decode(self, payload: bytes, checksum: int, count: int, before: State | None) -> tuple[list[Planes], State]:
        """See Method."""
        decoder = Decoder(payload)
        quality, stride = _code_head(decoder, None)
        group = _Group(before)
        shape = half_size(self.height, self.width)
        for place in order(count, before is None, stride):
            references = group.references(place)
            own = own_quality(quality, place, stride)
            group.add(place, *code_frame(decoder, self.nets, None, references, own, shape))
        if decoder.checksum != checksum:
            raise DesyncError(
                f"the decoded symbols are not those encoded (device {self.nets.device}); "
                "get a whole copy of the file, or decode with --device cpu"
            )
        decoder.finish()
        planes = [unpack(group.frames[i], self.height, self.width) for i in range(count)]
        return planes, group.state(count)


class _Group:
    """The coded frames of a group, by number, and the motion of the anchors."""

    def __init__(self, before: State | None) -> None:
        self.frames: dict[int, Tensor] = {} if before is None else {-1: before.frame}
        self._motion = None if before is None else before.motion
        self._span = 1 if before is None else before.span

    def references(self, place: Place) -> References | None:
        """What a frame is predicted from."""
        if place.low is None:
            return None
        low, motion = self.frames[place.low], self._motion
        if place.high is None:
            if motion is None:
                return References(low)
            return References(low, None, scaled(motion.flows[0], place.frame - place.low, self._span), motion.spacing)
        # Flows between two frames follow from that of the anchor above them.
        assert motion is not None
        part, whole = place.frame - place.low, place.high - place.low
        flow = scaled(motion.flows[0], whole, self._span)
        return References(low, self.frames[place.high], flow, motion.spacing, part, whole)

    def add(self, place: Place, frame: Tensor, motion: Motion | None) -> None:
        """A frame that has been coded."""
        self.frames[place.frame] = frame
        if place.high is None and place.low is not None:
            self._motion, self._span = motion, place.frame - place.low

    def state(self, count: int) -> State:
        """After all `count` frames."""
        return State(self.frames[count - 1], self._motion, self._span)


def _code_head(coder: Coder, head: tuple[int, int] | None) -> tuple[int, int]:
    """A group's quality and stride."""
    quality = code_symbol(coder, TOP + 1, head and head[0])
    return quality, STRIDES[code_symbol(coder, len(STRIDES), None if head is None else STRIDES.index(head[1]))]


def _halved(planes: Planes) -> Planes:
    """A picture of half the size, or less by up to three rows and columns."""
    y, u, v = (p[: p.shape[0] // n * n, : p.shape[1] // n * n] for p, n in zip(planes, (4, 2, 2), strict=True))
    means = (p.reshape(p.shape[0] // 2, 2, p.shape[1] // 2, 2).mean((1, 3)).round().astype(np.uint8) for p in (y, u, v))
    y, u, v = means
    return y, u, v
