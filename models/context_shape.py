"""Shape of the lossless codec's context network: what it sees, its sizes, its constants. Loads no torch."""

from dataclasses import asdict, dataclass
from typing import Any

MARGIN = 4  # rows above and columns on both sides of what `forward` codes
# (row, column) of the neighbours, relative to the pixel: what the trunk sees, whose features it reads,
# and what the feature net sees (the pixel itself too: it runs when the pixel is coded).
NEIGHBOURS = (
    *((0, -x) for x in (1, 2, 3)),
    *((-1, x) for x in range(-3, 3)),
    *((-2, x) for x in range(-3, 3)),
    *((-3, x) for x in range(-2, 3)),
)
FEATURE_NEIGHBOURS = ((0, -1), (0, -2), *((-1, x) for x in range(-2, 3)), (-2, -1), (-2, 0), (-2, 1))
FEATURE_TAPS = ((0, 0), *FEATURE_NEIGHBOURS)
ACTIVITY_PAIRS = (((0, -1), (-1, -1)), ((-1, 0), (-1, -1)), ((-1, 0), (-1, 1)), ((0, -1), (0, -2)), ((-1, 0), (-2, 0)))
FEATURE_REACH = 2  # the farthest row or column in FEATURE_NEIGHBOURS

LEVELS = 1 / 32  # of an input in half levels
ACTIVITY = 1 / 4  # of an input in octaves
# The codec's logistics have one of so many scales, from MIN_SCALE levels on.
SCALES, SCALES_PER_OCTAVE, MIN_SCALE = 48, 4, 0.05
MAX_SCALE = MIN_SCALE * 2 ** ((SCALES - 1) / SCALES_PER_OCTAVE)
MAX_SURPRISE = 2047 / 16  # levels, as far as the stages see


@dataclass(frozen=True)
class ContextConfig:
    """Sizes of the network; `channels`: 3 (coded as G, R, B) or 1."""

    channels: int = 3
    hidden: int = 192
    trunk: int = 96
    feature_hidden: int = 64
    features: int = 32
    stage: int = 48
    mixtures: int = 5

    @property
    def inputs(self) -> int:
        """Per pixel: neighbours, median prediction, activity, each for every channel."""
        return (len(NEIGHBOURS) + 2) * self.channels

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)
