"""Groups of frames by the practical network: frame after frame, each predicted from the one before."""

from __future__ import annotations

import time
from collections.abc import Sequence

from codec.entropy import Decoder, Encoder
from codec.errors import DesyncError
from codec.media.video import Planes
from codec.nirvana.fit import Budget
from codec.nirvana.grid import Reference, code_frame, half_size, pack, settle, unpack
from codec.nirvana.method import CodedGroup, planes_error, psnr
from codec.nirvana.motion import SPACINGS
from codec.nirvana.nets import Nets

STEPS = (0, 10, 25, 50, 80, 120, 200, 400, 800)  # of a frame's fit, by effort
_KEY_QUALITY = 16  # stored steps that a key frame is better by: all frames after it profit
_KEY_STEPS = 2  # its fit is so many times as long


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

    def encode(self, planes: list[Planes], before: Reference | None, quality: int, budget: Budget) -> CodedGroup:
        """See Method. A budget's seconds are the group's, its steps a frame's."""
        encoder = Encoder()
        total = 0.0
        spacings: Sequence[int] = SPACINGS
        for picture in planes:
            began = time.monotonic()
            wanted = pack(picture, self.nets.device)
            own, share = quality, 1
            if before is None:
                own, share = min(quality + _KEY_QUALITY, 200), _KEY_STEPS
            seconds = None if budget.seconds is None else max(budget.seconds / len(planes) - self._apart, 0.0)
            steps = None if budget.steps is None else budget.steps * share
            choice, fitted = settle(self.nets, wanted, before, own, Budget(steps, seconds), spacings)
            if before is not None:
                spacings = (choice.spacing,)  # what suits one frame of a group suits the next
            before = code_frame(encoder, self.nets, choice, before, half_size(self.height, self.width))
            total += planes_error(unpack(before.frame, self.height, self.width), picture)
            self._apart = time.monotonic() - began - fitted
        assert before is not None
        checksum = encoder.checksum
        return CodedGroup(encoder.finish(), checksum, before, psnr(total / len(planes)))

    def decode(
        self, payload: bytes, checksum: int, count: int, before: Reference | None
    ) -> tuple[list[Planes], Reference]:
        """See Method."""
        decoder = Decoder(payload)
        planes = []
        for _ in range(count):
            before = code_frame(decoder, self.nets, None, before, half_size(self.height, self.width))
            planes.append(unpack(before.frame, self.height, self.width))
        if decoder.checksum != checksum:
            raise DesyncError(
                f"the decoded symbols are not those encoded (device {self.nets.device}); "
                "get a whole copy of the file, or decode with --device cpu"
            )
        decoder.finish()
        assert before is not None
        return planes, before
