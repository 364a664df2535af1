"""The range coder, in both directions through one pass: `code(symbols or None, index, tables)`.

`code_pmfs(symbols or None, pmfs, precision)` is the same for distributions that no table holds.
"""

from __future__ import annotations

import zlib
from typing import Any, Protocol

import constriction
import numpy as np
from numpy.typing import NDArray

from codec.entropy.adaptive import FAMILY, pmf_entries, pmf_rows
from codec.entropy.tables import INT32, Int32, Int64, Tables, categorical, to_int32
from codec.errors import CodecError, FormatError

# Symbols are grouped by table within blocks of this many: sorting stays in the processor's cache.
_BLOCK = 1 << 18

# An escaped symbol is coded by how far it lies beyond its table: side, exponent, then mantissa bits.
# The exponent's lengths are those of Elias gamma (k + 1 bits) as far as 2^15 and 20 bits from there.
_BIT = categorical(np.array([1, 1]), 1)
_EXPONENT = categorical(np.array([1 << (19 - k) for k in range(15)] + [16] + [1] * 16), 20)


class Coder(Protocol):
    """What a coding pass gets: an `Encoder` or a `Decoder`."""

    @property
    def checksum(self) -> int: ...

    def code(self, symbols: NDArray[Any] | None, index: NDArray[Any], tables: Tables) -> Int32: ...

    def code_pmfs(self, symbols: NDArray[Any] | None, pmfs: NDArray[Any], precision: int) -> Int32: ...

    def code_rows(self, entries: Int32 | None, rows: NDArray[np.float32]) -> Int32: ...


class _Coder:
    """The pass that both directions share; `_run` codes the entries of one model, or of one model a row."""

    def __init__(self) -> None:
        self._checksum = 0

    @property
    def checksum(self) -> int:
        """CRC-32 of all symbols so far, as little-endian int32 in the order of calls and arrays."""
        return self._checksum

    def _run(self, entries: NDArray[Any] | None, model: Any, count: int) -> Int32:
        raise NotImplementedError

    def _check_direction(self, symbols: NDArray[Any] | None) -> None:
        raise NotImplementedError

    def code_pmfs(self, symbols: NDArray[Any] | None, pmfs: NDArray[Any], precision: int) -> Int32:
        """Codes N symbols, each with its own integer pmf, a row of `pmfs` [N, C]; returns them as int32 [N].

        Symbols are entries of the row, 0..C - 1 (None: decode them); there is no escape. Rows sum to
        2^precision (8 to 20) with every entry at least 1. Raises CodecError otherwise.
        """
        self._check_direction(symbols)
        rows = pmf_rows(pmfs, precision)
        return self.code_rows(None if symbols is None else pmf_entries(symbols, rows), rows)

    def code_rows(self, entries: Int32 | None, rows: NDArray[np.float32]) -> Int32:
        """As `code_pmfs`, of rows that `pmf_rows` would give and entries of them, which nothing checks again."""
        entries = self._run(entries, rows, len(rows))
        self._checksum = zlib.crc32(entries.astype("<i4", copy=False).data, self._checksum)
        return entries

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
        if decoded.min() < INT32.min or decoded.max() > INT32.max:
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
        self._check_direction(symbols)
        symbols, index = to_int32(np.asarray(symbols), "Symbols"), np.asarray(index)
        if symbols.shape != index.shape:
            raise CodecError(f"Symbols of shape {symbols.shape} have table indices of shape {index.shape}.")
        self._code(np.ascontiguousarray(symbols).reshape(-1), _narrow_index(index, len(tables)), tables, decoding=False)
        return symbols

    def _check_direction(self, symbols: NDArray[Any] | None) -> None:
        if symbols is None:
            raise CodecError("Encoding needs symbols; None is for decoding.")

    def _run(self, entries: NDArray[Any] | None, model: Any, count: int) -> Int32:
        assert entries is not None and len(entries) == count
        entries = entries.astype(np.int32, copy=False)
        self._coder.encode(entries, *((FAMILY, model) if isinstance(model, np.ndarray) else (model,)))
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
        self._check_direction(symbols)
        index = np.asarray(index)
        decoded = np.empty(index.size, np.int32)
        self._code(decoded, _narrow_index(index, len(tables)), tables, decoding=True)
        return decoded.reshape(index.shape)

    def _check_direction(self, symbols: NDArray[Any] | None) -> None:
        if symbols is not None:
            raise CodecError("Decoding takes no symbols; give None.")

    def _run(self, entries: NDArray[Any] | None, model: Any, count: int) -> Int32:
        try:
            rows = isinstance(model, np.ndarray)
            decoded: Int32 = self._coder.decode(*((FAMILY, model) if rows else (model, count)))
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
