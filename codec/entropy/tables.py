"""Integer probability tables: built once when weights are exported, stored, checked when loaded."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import constriction
import numpy as np
from numpy.typing import ArrayLike, NDArray

from codec.errors import CodecError, FormatError

MIN_PRECISION, MAX_PRECISION = 8, 20
MAX_TABLES = 1 << 16
INT32 = np.iinfo(np.int32)
CODER_PRECISION = 24  # constriction's Python interface has no other

Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]


def categorical(pmf: NDArray[Any], precision: int) -> Any:
    """The coder's model of integer probabilities `pmf` that sum to 2^precision, exactly.

    constriction takes floats, scales them to sum to 2^24 - n, truncates each cumulative sum and adds
    1 to every entry. With integers that sum to 2^24 - n already the scale is 1, every float32 is
    exact, and each entry comes out as pmf * 2^(24 - precision).
    """
    scaled = (pmf.astype(np.int64) << (CODER_PRECISION - precision)) - 1
    return constriction.stream.model.Categorical(scaled.astype(np.float32), perfect=False, lazy=False)


@dataclass(frozen=True, eq=False)
class Tables:
    """Integer pmf tables of any sizes, stored end to end.

    `pmf`: int32, all tables concatenated; each sums to 2^precision, every entry is at least 1.
    `sizes`: int32 [T], entries of each table (at least 2). The last entry is the escape: it stands
    for every symbol that the table has no entry for.
    `offsets`: int32 [T], the symbol that entry 0 stands for.
    `precision`: 8 to 20; 16 suits most distributions, 20 very peaked ones.

    Raises FormatError for anything else, as tables come from files.
    """

    pmf: NDArray[Any]
    sizes: NDArray[Any]
    offsets: NDArray[Any]
    precision: int
    _models: dict[int, Any] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.precision, int) or not MIN_PRECISION <= self.precision <= MAX_PRECISION:
            raise _damaged(f"precision is {self.precision!r}, not {MIN_PRECISION} to {MAX_PRECISION}")
        for name in ("pmf", "sizes", "offsets"):
            array = np.asarray(getattr(self, name))
            if array.ndim != 1:
                raise _damaged(f"{name} has {array.ndim} dimensions, not 1")
            array = to_int32(array, f"Probability tables: {name}", FormatError).copy()
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        sizes = self.sizes.astype(np.int64)
        if not 1 <= len(sizes) <= MAX_TABLES or len(self.offsets) != len(sizes):
            raise _damaged(f"{len(sizes)} sizes and {len(self.offsets)} offsets")
        if sizes.min() < 2 or sizes.sum() != len(self.pmf):
            raise _damaged(f"sizes below 2 or not adding up to the {len(self.pmf)} entries")
        if (self.offsets + sizes - 2).max() > INT32.max:
            raise _damaged("symbols beyond int32")
        if self.pmf.min() < 1:
            raise _damaged("an entry below 1")
        sums = np.add.reduceat(self.pmf.astype(np.int64), self._starts)
        wrong = np.flatnonzero(sums != 1 << self.precision)
        if len(wrong):
            raise _damaged(f"table {wrong[0]} sums to {sums[wrong[0]]}, not 2^{self.precision}")

    def __len__(self) -> int:
        return len(self.sizes)

    @cached_property
    def _starts(self) -> Int64:
        return np.cumsum(self.sizes, dtype=np.int64) - self.sizes

    def table(self, number: int) -> Int32:
        """The entries of one table, the escape last."""
        start = self._starts[number]
        return self.pmf[start : start + self.sizes[number]]

    def model(self, number: int) -> Any:
        """The coder's model of one table, built on first use."""
        if number not in self._models:
            self._models[number] = categorical(self.table(number), self.precision)
        return self._models[number]

    def to_arrays(self) -> dict[str, Int32]:
        """Named arrays to be stored with the weights; `from_arrays` takes them back."""
        arrays = {"pmf": self.pmf, "sizes": self.sizes, "offsets": self.offsets}
        return arrays | {"precision": np.array([self.precision], np.int32)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Tables:
        """The tables that `to_arrays` gave. Raises FormatError if they are incomplete or damaged."""
        missing = [name for name in ("pmf", "sizes", "offsets", "precision") if name not in arrays]
        if missing:
            raise _damaged(f"{', '.join(missing)} missing")
        precision = np.asarray(arrays["precision"])
        if precision.size != 1 or precision.dtype.kind not in "iu":
            raise _damaged("precision is not one integer")
        return cls(arrays["pmf"], arrays["sizes"], arrays["offsets"], int(precision.reshape(())))


def _damaged(what: str) -> FormatError:
    return FormatError(f"Probability tables: {what}; the weights file is damaged, install it again.")


def tables_from_pmfs(pmfs: Sequence[ArrayLike], offsets: ArrayLike | Sequence[int], precision: int = 16) -> Tables:
    """Integer tables nearest to `pmfs`, by largest remainder with every entry at least 1.

    Each pmf is a vector of finite weights >= 0 whose last entry is the mass of all symbols without an
    entry; it need not be normalised. To be run once, at export: the result is what is stored.
    """
    rounded = [_round(np.asarray(pmf, np.float64), precision) for pmf in pmfs]
    sizes = np.array([len(pmf) for pmf in rounded], np.int64)
    return Tables(np.concatenate(rounded) if rounded else sizes, sizes, np.asarray(offsets), precision)


def _round(pmf: NDArray[np.float64], precision: int) -> Int64:
    total = 1 << precision
    if pmf.ndim != 1 or not 2 <= len(pmf) <= total:
        raise CodecError(f"A pmf has shape {pmf.shape}; give a vector of 2 to {total} entries.")
    if not np.isfinite(pmf).all() or pmf.min() < 0 or not 0 < pmf.sum() < math.inf:
        raise CodecError("A pmf has entries that are negative or not finite, or no mass; fit the model again.")
    # Entries worth less than 1 get 1; the others share what is left, which may push more below 1.
    pmf = pmf / pmf.max()
    small = np.zeros(len(pmf), bool)
    share = np.ones(len(pmf))
    while not small.all():
        share = pmf * ((total - np.count_nonzero(small)) / pmf[~small].sum())
        grown = small | (share < 1)
        if (grown == small).all():
            break
        small = grown
    counts = np.where(small, 1, np.floor(share)).astype(np.int64)
    remainders = np.where(small, -1.0, share - counts)
    counts[np.argsort(-remainders, kind="stable")[: total - counts.sum()]] += 1
    return counts


def gaussian_tables(scales: Iterable[float], precision: int = 16) -> Tables:
    """One table for each standard deviation in `scales`: a zero-mean Gaussian over unit bins.

    Tables are symmetric and reach as far as a symbol is worth half an entry, 2^-(precision + 1); the
    tails beyond are the escape. Scales lie in (0, 2^(precision - 6)], else CodecError.

    To be run once, at export, and stored with the weights: `erfc` differs between maths libraries,
    so tables computed on the user's machine could differ from those of the encoder.
    """
    tables, offsets = [], []
    for scale in scales:
        if not 0 < scale <= 1 << (precision - 6):
            raise CodecError(f"A Gaussian's scale is {scale}; it must lie in (0, {1 << (precision - 6)}].")
        half = _gaussian_half(float(scale), precision)
        tail = math.erfc((len(half) - 0.5) / (scale * math.sqrt(2)))
        counts = _round(np.array([*half[:0:-1], *half, tail]), precision)
        # Largest remainder may part a pair of equal entries; the odd unit goes to the centre.
        body = counts[:-1]
        lower = np.minimum(body, body[::-1])
        lower[len(half) - 1] += (body - lower).sum()
        tables.append(np.append(lower, counts[-1]))
        offsets.append(1 - len(half))
    sizes = np.array([len(table) for table in tables], np.int64)
    return Tables(np.concatenate(tables) if tables else sizes, sizes, np.array(offsets, np.int64), precision)


def _gaussian_half(scale: float, precision: int) -> list[float]:
    """The probabilities of 0, 1, 2, ... as far as they are worth an entry (0 always is)."""
    unit = scale * math.sqrt(2)
    half = [math.erf(0.5 / unit)]
    while True:
        k = len(half)
        mass = (math.erfc((k - 0.5) / unit) - math.erfc((k + 0.5) / unit)) / 2
        if mass < 2.0 ** -(precision + 1):
            return half
        half.append(mass)


def to_int32(array: NDArray[Any], what: str, error: type[CodecError] = CodecError) -> Int32:
    if array.dtype.kind not in "iu":
        raise error(f"{what} must be integers, not {array.dtype}.")
    if array.dtype != np.int32 and array.size and (int(array.min()) < INT32.min or int(array.max()) > INT32.max):
        raise error(f"{what} must lie within int32, not {array.min()} to {array.max()}.")
    return array.astype(np.int32, copy=False)
