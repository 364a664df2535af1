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

NEAREST = tuple(sorted(NEIGHBOURS, key=lambda o: (o[0] ** 2 + o[1] ** 2, -o[0], o[1])))
# A pixel's match is the last one before it with the same nearest neighbours, so many of them.
MATCHED = (6, 20)
FLAGS = 3  # of a match: the first one; the one before it differed; it was the same

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
    # For graphics: of how many nearest neighbours, and of how many matches, a pixel may be a copy,
    # and among how many of its nearest neighbours (and all matches) the trunk is told which are equal.
    copies: int = 0
    matches: int = 0
    pattern: int = 0

    def __post_init__(self) -> None:
        limits = {"copies": len(NEAREST), "matches": len(MATCHED), "pattern": len(NEAREST)}
        for name, limit in limits.items():
            if not 0 <= getattr(self, name) <= limit:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be 0 to {limit}")

    @property
    def candidates(self) -> int:
        """Earlier pixels that a pixel may be a copy of."""
        return self.copies + self.matches

    @property
    def pairs(self) -> int:
        """Pairs of the pattern's neighbours and matches."""
        nodes = self.pattern + self.matches
        return nodes * (nodes - 1) // 2

    @property
    def inputs(self) -> int:
        """Inputs of a pixel: neighbours, median prediction, activity, matches, each for every channel; pairs; flags."""
        return (len(NEIGHBOURS) + 2 + self.matches) * self.channels + self.pairs + FLAGS * self.matches

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)
