"""The fitted filter of a plane: a layout of whole weights whose sums with features are exact in float32."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from codec.codecs.nirvana.filters import chroma, luma

Int32 = NDArray[np.int32]

FRACTION = 7  # bits of a weight below the point
LIMIT = 127  # of a weight's magnitude as coded


@dataclass(frozen=True)
class Layout:
    """What the weights of a plane are: `count` of them, each with the number of a context that codes it.

    Features first, a row shared by all classes and then one for each class, then tables.
    """

    families: tuple[tuple[str, int, int], ...]
    classes: int
    tables: int

    @cached_property
    def features(self) -> int:
        """Features of a sample."""
        return sum(size for _, size, _ in self.families)

    @cached_property
    def rows(self) -> int:
        """Rows of the features' weights."""
        return 1 + self.classes if self.classes > 1 else 1

    @cached_property
    def count(self) -> int:
        """Number of all weights."""
        return self.rows * self.features + self.tables * chroma.KNOTS**2

    @cached_property
    def contexts(self) -> NDArray[np.intp]:
        """The context of each weight: its family, apart for shared weights and those of classes, or its table."""
        family = np.repeat(np.arange(len(self.families)), [size for _, size, _ in self.families])
        shared = np.concatenate([family + len(self.families) * (row > 0) for row in range(self.rows)])
        tables = np.repeat(np.arange(self.tables), chroma.KNOTS**2) + 2 * len(self.families)
        return np.concatenate([shared, tables])

    @cached_property
    def largest(self) -> int:
        """What a weighted sum is at most, whatever the weights. Below 2^24 float32 is exact: a test holds that."""
        rows = LIMIT * (2 if self.rows > 1 else 1)
        return rows * sum(count * size for _, count, size in self.families) + self.tables * (LIMIT + 1 << FRACTION)


LAYOUTS = (
    Layout(luma.FAMILIES, luma.CLASSES, 0),
    Layout(chroma.FAMILIES, 1, len(chroma.TABLES)),
    Layout(chroma.FAMILIES, 1, len(chroma.TABLES)),
)


@dataclass(frozen=True)
class Filter:
    """A plane's weights, int32 [layout.count], and its `settings`: thresholds of luma's classes, or six axis values of
    chroma's tables (the first knot and the distance of two, of Y, U and V).
    """

    plane: int
    settings: tuple[int, ...]
    weights: Int32

    @property
    def layout(self) -> Layout:
        """The layout of its plane."""
        return LAYOUTS[self.plane]

    @cached_property
    def linear(self) -> Int32:
        """The weights of features, [classes, features]."""
        layout = self.layout
        rows = self.weights[: layout.rows * layout.features].reshape(layout.rows, layout.features)
        return rows if layout.rows == 1 else rows[:1] + rows[1:]

    @cached_property
    def wanted(self) -> NDArray[np.bool_]:
        """Which features have a weight."""
        return self.linear.any(0)

    @cached_property
    def products(self) -> NDArray[np.float32]:
        """The weights of the wanted features, a row for each class; where there is one class a second row, of zeros."""
        rows = np.zeros((max(len(self.linear), 2), np.count_nonzero(self.wanted)), np.float32)
        rows[: len(self.linear)] = self.linear[:, self.wanted]
        return rows

    @cached_property
    def axes(self) -> tuple[tuple[int, int], ...]:
        """First knot and distance of two, of Y, U and V."""
        s = self.settings
        return (s[0], s[1]), (s[2], s[3]), (s[4], s[5])

    @cached_property
    def tables(self) -> list[NDArray[np.float32] | None]:
        """What each pair of places on a table's coordinates adds, [SPAN + 1, SPAN + 1], None where that's nothing."""
        layout, hats = self.layout, chroma.hats()
        knots = self.weights[layout.rows * layout.features :].reshape(layout.tables, chroma.KNOTS, chroma.KNOTS)
        # A knot's weight is in units of 10-bit samples, at the full height of both hats.
        down = 2 * (chroma.STEPS.bit_length() - 1) - FRACTION
        made = [(hats @ table @ hats.T + (1 << (down - 1))) >> down if table.any() else None for table in knots]
        return [None if table is None else table.astype(np.float32) for table in made]
