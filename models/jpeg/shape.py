"""What the network of JPEG coefficients sees of one coefficient, its sizes and its constants. Loads no torch.

Frequencies are numbered in zigzag order, 0 is DC. They are coded in `ORDER`; of a frequency that comes before, all
blocks are known, of the frequency itself those of earlier phases.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

# Row and column frequency of each zigzag number.
ZIGZAG = tuple(
    sorted(((u, v) for u in range(8) for v in range(8)), key=lambda p: (sum(p), p[0] if sum(p) % 2 else p[1]))
)
ORDER = (*range(1, 64), 0)
RANK = tuple(ORDER.index(k) for k in range(64))

# Rows and columns to the neighbours: direct ones first.
EIGHT = ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))
# Coefficients of other frequencies that are read of the block, of each direct and of each diagonal neighbour.
OWN, DIRECT, DIAGONAL = 28, 12, 4
LARGEST = 2047  # what the network sees of a coefficient times its step: all that 8 bits can give
KINDS = ("y", "cb", "cr")
TOLD = 14  # inputs of ends and steps
PHASES = 3  # of an alternating current: even rows and columns, odd ones, the rest

# A tap: where it is read (0 the component, 1 luma brought to the component's blocks, 2 the first chroma component),
# rows and columns to the block, frequency.
Tap = tuple[int, int, int, int]


@lru_cache(maxsize=256)
def taps(kind: str, k: int) -> tuple[Tap, ...]:
    """The taps of frequency k, first its own of the eight neighbours. A kind has equally many for each frequency: where
    fewer are known, the coefficient itself, which is 0 until it is known."""
    u, v = ZIGZAG[k]
    before = [j for j in range(64) if RANK[j] < RANK[k]]

    def nearest(count: int, known: list[int], row: float, column: float) -> list[int]:
        """Known frequencies by their distance; along a row or column of frequencies it counts less."""

        def distance(j: int) -> tuple[float, int]:
            du, dv = abs(ZIGZAG[j][0] - u), abs(ZIGZAG[j][1] - v)
            return (row * dv if du == 0 else column * du if dv == 0 else du + dv + 0.5), j

        found = sorted(known, key=distance)[:count]
        return found + [-1] * (count - len(found))

    result: list[Tap] = [(0, dr, dc, k) for dr, dc in EIGHT]
    result += [(0, 0, 0, j) for j in nearest(OWN, before, 0.5, 0.5)]
    for dr, dc in EIGHT:
        if dr and dc:
            result += [(0, dr, dc, j) for j in nearest(DIAGONAL, before, 1.0, 1.0)]
        else:
            result += [(0, dr, dc, j) for j in nearest(DIRECT, before, *((1.0, 0.5) if dr else (0.5, 1.0)))]
    near = [j for j in range(64) if abs(ZIGZAG[j][0] - u) + abs(ZIGZAG[j][1] - v) == 1]
    for source in range(1, KINDS.index(kind) + 1):
        result += [(source, 0, 0, j) for j in [k, *near, *[-1] * (4 - len(near))]]
        result += [(source, dr, dc, k) for dr, dc in ((-1, 0), (1, 0), (0, -1), (0, 1))]
    return tuple(t if t[3] >= 0 else (t[0], 0, 0, k) for t in result)


@dataclass(frozen=True)
class CoefficientConfig:
    """Sizes of the network of one kind of component."""

    kind: str = "y"
    signed: int = 6  # weighted sums of the taps,
    sizes: int = 12  # of their magnitudes,
    counts: int = 4  # and of which are not 0
    hidden: int = 192
    trunk: int = 64
    mixtures: int = 4
    end_hidden: int = 64

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind is {self.kind}; it must be one of {', '.join(KINDS)}")

    @property
    def taps(self) -> int:
        return len(taps(self.kind, 1))

    @property
    def others(self) -> int:
        """Components of the picture that are known before."""
        return KINDS.index(self.kind)

    @property
    def predictions(self) -> int:
        """Signed sums, and what each earlier component predicts."""
        return self.signed + self.others

    @property
    def inputs(self) -> int:
        """Predictions and their logarithms, logarithms of sizes, counts, and what is told of ends and steps."""
        return 2 * self.predictions + self.sizes + self.counts + TOLD

    @property
    def end_inputs(self) -> int:
        """Ends around, twice (as they are, and their logarithms), steps."""
        return 2 * (6 + (3 if self.others else 0) + (5 if self.others > 1 else 0)) + 6

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)
