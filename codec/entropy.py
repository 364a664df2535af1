"""The entropy backend of all codecs: integer probability tables and a range coder.

Symbols are grouped by table, so that one call of the coder handles each table. Only integers reach
the coder, and the tables are stored, not computed, so every machine decodes the same symbols. A
pass over a model is written once and runs in both directions, with an `Encoder` or a `Decoder`.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import constriction
import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import CodecError, FormatError

MIN_PRECISION, MAX_PRECISION = 8, 20
MAX_TABLES = 1 << 16
_INT32 = np.iinfo(np.int32)
# Symbols are grouped by table within blocks of this many: sorting stays in the processor's cache.
_BLOCK = 1 << 18
_CODER_PRECISION = 24  # constriction's Python interface has no other

Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]


def _categorical(pmf: NDArray[Any], precision: int) -> Any:
    """The coder's model of integer probabilities `pmf` that sum to 2^precision, exactly.

    constriction takes floats, scales them to sum to 2^24 - n, truncates each cumulative sum and adds
    1 to every entry. With integers that sum to 2^24 - n already the scale is 1, every float32 is
    exact, and each entry comes out as pmf * 2^(24 - precision).
    """
    scaled = (pmf.astype(np.int64) << (_CODER_PRECISION - precision)) - 1
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
            array = _to_int32(array, f"Probability tables: {name}", FormatError).copy()
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        sizes = self.sizes.astype(np.int64)
        if not 1 <= len(sizes) <= MAX_TABLES or len(self.offsets) != len(sizes):
            raise _damaged(f"{len(sizes)} sizes and {len(self.offsets)} offsets")
        if sizes.min() < 2 or sizes.sum() != len(self.pmf):
            raise _damaged(f"sizes below 2 or not adding up to the {len(self.pmf)} entries")
        if (self.offsets + sizes - 2).max() > _INT32.max:
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
            self._models[number] = _categorical(self.table(number), self.precision)
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


# An escaped symbol is coded by how far it lies beyond its table: side, exponent, then mantissa bits.
# The exponent's lengths are those of Elias gamma (k + 1 bits) as far as 2^15 and 20 bits from there.
_BIT = _categorical(np.array([1, 1]), 1)
_EXPONENT = _categorical(np.array([1 << (19 - k) for k in range(15)] + [16] + [1] * 16), 20)


class Coder(Protocol):
    """What a coding pass gets: an `Encoder` or a `Decoder`."""

    @property
    def checksum(self) -> int: ...

    def code(self, symbols: NDArray[Any] | None, index: NDArray[Any], tables: Tables) -> Int32: ...


class _Coder:
    """The pass that both directions share; `_run` codes the entries of one model."""

    def __init__(self) -> None:
        self._checksum = 0

    @property
    def checksum(self) -> int:
        """CRC-32 of all symbols so far, as little-endian int32 in the order of calls and arrays."""
        return self._checksum

    def _run(self, entries: NDArray[Any] | None, model: Any, count: int) -> Int32:
        raise NotImplementedError

    def _code(self, symbols: Int32, index: NDArray[Any], tables: Tables, decoding: bool) -> None:
        """Codes flat symbols, or fills them, block by block."""
        for start in range(0, len(index), _BLOCK):
            block = slice(start, start + _BLOCK)
            self._code_block(symbols[block], index[block], tables, decoding)
        self._checksum = zlib.crc32(symbols.astype("<i4", copy=False).data, self._checksum)

    def _code_block(self, symbols: Int32, index: NDArray[Any], tables: Tables, decoding: bool) -> None:
        order, ends = _group(index, len(tables))
        values = symbols if order is None else np.empty_like(symbols) if decoding else np.take(symbols, order)
        escapes: list[tuple[int, Int64]] = []
        start = 0
        for table in np.flatnonzero(np.diff(ends, prepend=0)).tolist():
            stop = int(ends[table])
            group, offset, last = values[start:stop], tables.offsets[table], tables.sizes[table] - 1
            entries = None
            if not decoding:
                # Modulo 2^32, what lies below the table is above it too: all of it becomes the escape.
                wrapped = (group - offset).view(np.uint32)
                entries = np.minimum(wrapped, np.uint32(last), out=wrapped).view(np.int32)
            entries = self._run(entries, tables.model(table), stop - start)
            if entries.max() == last:
                escapes.append((table, start + np.flatnonzero(entries == last)))
            if decoding:
                np.add(entries, offset, out=group)
            start = stop
        if escapes:
            self._code_escapes(values, escapes, tables, decoding)
        if decoding and order is not None:
            symbols[order] = values

    def _code_escapes(self, values: Int32, escapes: list[tuple[int, Int64]], tables: Tables, decoding: bool) -> None:
        where = np.concatenate([positions for _, positions in escapes])
        table = np.repeat([number for number, _ in escapes], [len(positions) for _, positions in escapes])
        first = tables.offsets[table].astype(np.int64)
        final = first + tables.sizes[table] - 2
        excess = None
        if not decoding:
            symbols = values[where].astype(np.int64)
            excess = symbols - np.where(symbols < first, first, final)
        excess = self._code_excess(excess, len(where))
        decoded = np.where(excess < 0, first, final) + excess
        if decoded.min() < _INT32.min or decoded.max() > _INT32.max:
            raise FormatError("A decoded symbol is beyond int32; the file is damaged.")
        if decoding:
            values[where] = decoded

    def _code_excess(self, excess: Int64 | None, count: int) -> Int64:
        """Codes integers other than 0 below 2^32 in magnitude."""
        magnitude = None if excess is None else np.abs(excess)
        negative = self._run(None if excess is None else excess < 0, _BIT, count)
        exponent = self._run(None if magnitude is None else np.frexp(magnitude)[1] - 1, _EXPONENT, count)
        result = np.int64(1) << exponent.astype(np.int64)
        for place in range(int(exponent.max())):
            longer = np.flatnonzero(exponent > place)
            bits = None if magnitude is None else (magnitude[longer] >> place) & 1
            result[longer] |= self._run(bits, _BIT, len(longer)).astype(np.int64) << place
        return np.where(negative == 1, -result, result)


class Encoder(_Coder):
    """Codes integer symbols into bytes."""

    def __init__(self) -> None:
        super().__init__()
        self._coder = constriction.stream.queue.RangeEncoder()

    def code(self, symbols: NDArray[Any] | None, index: NDArray[Any], tables: Tables) -> Int32:
        """Appends `symbols`, each coded with table `index`; returns them as int32.

        Both are integer arrays of one shape, which is free; `symbols` may be any int32 values, `index`
        lies in 0..len(tables) - 1. Raises CodecError otherwise.
        """
        if symbols is None:
            raise CodecError("Encoding needs symbols; None is for decoding.")
        symbols, index = _to_int32(np.asarray(symbols), "Symbols"), np.asarray(index)
        if symbols.shape != index.shape:
            raise CodecError(f"Symbols of shape {symbols.shape} have table indices of shape {index.shape}.")
        self._code(np.ascontiguousarray(symbols).reshape(-1), _narrow_index(index, len(tables)), tables, decoding=False)
        return symbols

    def _run(self, entries: NDArray[Any] | None, model: Any, count: int) -> Int32:
        assert entries is not None and len(entries) == count
        entries = entries.astype(np.int32, copy=False)
        self._coder.encode(entries, model)
        return entries

    def finish(self) -> bytes:
        """The shortest bytes that decode to the symbols so far.

        The bytes, read as one binary fraction (big-endian), lie in the coder's final interval, and
        the decoder reads zeros beyond their end. So of all fractions in the interval we take the one
        with the fewest bytes, and drop zero bytes at its end.
        """
        words = self._coder.get_compressed()
        position, (lower, width) = self._coder.pos()
        stop = 1 << 64
        # constriction has settled on one fraction of the interval, and with it whether a carry runs
        # into the words before; we stay on that side.
        carried = position < len(words) and int(words[position]) < lower >> 32
        start, stop = (0, lower + width - stop) if carried else (lower, min(lower + width, stop))
        size = 0
        while (tail := (-(-start >> (64 - 8 * size))) << (64 - 8 * size)) >= stop:  # start rounded up
            size += 1
        return (words[:position].astype(">u4").tobytes() + tail.to_bytes(8, "big")[:size]).rstrip(b"\0")


class Decoder(_Coder):
    """Decodes what an `Encoder` gave, by the same calls of `code` with None for the symbols."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._data = bytes(data)
        words = np.frombuffer(self._data + bytes(-len(self._data) % 4), ">u4").astype(np.uint32)
        self._coder = constriction.stream.queue.RangeDecoder(words)
        # The coder cannot tell damaged bytes from others, nor where it stands. Encoding again what it
        # gives costs about a fifth of the time and makes `finish` exact.
        self._echo = Encoder()

    def code(self, symbols: NDArray[Any] | None, index: NDArray[Any], tables: Tables) -> Int32:
        """The next symbols, int32, one for each entry of `index` and of its shape.

        `symbols` is None. Raises CodecError for a bad index, FormatError if the bytes are damaged so
        that they can't be decoded; damage that still decodes is found by `finish` or the checksum.
        """
        if symbols is not None:
            raise CodecError("Decoding takes no symbols; give None.")
        index = np.asarray(index)
        decoded = np.empty(index.size, np.int32)
        self._code(decoded, _narrow_index(index, len(tables)), tables, decoding=True)
        return decoded.reshape(index.shape)

    def _run(self, entries: NDArray[Any] | None, model: Any, count: int) -> Int32:
        try:
            decoded: Int32 = self._coder.decode(model, count)
        except AssertionError:  # how constriction reports bytes that no encoder writes
            raise FormatError("The coded symbols can't be decoded; the file is damaged.") from None
        return self._echo._run(decoded, model, count)

    def finish(self) -> None:
        """Raises FormatError unless an encoder of these symbols would have given exactly these bytes.

        So bytes left over, missing or changed are found, unless they decode to other symbols of
        exactly that length, which only the checksum tells.
        """
        if self._echo.finish() != self._data:
            raise FormatError("The coded symbols do not end where their bytes do; the file is damaged.")


def _to_int32(array: NDArray[Any], what: str, error: type[CodecError] = CodecError) -> Int32:
    if array.dtype.kind not in "iu":
        raise error(f"{what} must be integers, not {array.dtype}.")
    if array.dtype != np.int32 and array.size and (int(array.min()) < _INT32.min or int(array.max()) > _INT32.max):
        raise error(f"{what} must lie within int32, not {array.min()} to {array.max()}.")
    return array.astype(np.int32, copy=False)


def _narrow_index(index: NDArray[Any], tables: int) -> NDArray[Any]:
    """The index flat and in the smallest type, as numpy sorts 8 and 16 bits by radix: ten times faster."""
    if index.dtype.kind not in "iu":
        raise CodecError(f"Table indices must be integers, not {index.dtype}.")
    # Read as unsigned, a negative index is too large: one comparison tells both.
    if index.size and index.view(index.dtype.str.replace("i", "u")).max() >= tables:
        raise CodecError(f"Table indices {index.min()} to {index.max()} are not in 0..{tables - 1}.")
    return index.astype(np.uint8 if tables <= 256 else np.uint16, copy=False).reshape(-1)


def _group(index: NDArray[Any], tables: int) -> tuple[Int64 | None, Int64]:
    """What puts a narrow index in the order of tables (None: it is), and where each table ends in it."""
    numbers = np.arange(tables, dtype=index.dtype)
    if (index == index[0]).all():
        return None, np.where(numbers < index[0], 0, len(index))
    order = index.argsort(kind="stable")
    return order, np.take(index, order).searchsorted(numbers, side="right")
