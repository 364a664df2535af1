"""Many steps of a wavefront in one pass of an encoder, which knows all pixels: bytes are as of step after step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.entropy import Coder, Encoder
from codec.entropy.adaptive import pmf_entries, pmf_rows

Int = NDArray[np.int64]
Int32 = NDArray[np.int32]
Rows = NDArray[np.float32]


@contextmanager
def in_order(coder: Coder, ends: Int) -> Iterator[Coder | InOrder]:
    """What codes the lanes of steps that end there; of one step the coder itself."""
    if len(ends) == 1:
        yield coder
        return
    assert isinstance(coder, Encoder)
    turns = InOrder(np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0)), [])
    yield turns
    turns.give(coder, len(ends))


class InOrder:
    """Takes what the lanes of several steps say, all at once, and gives it to an encoder step by step."""

    def __init__(self, steps: Int, parts: list[tuple[Int, Int32, Rows]]) -> None:
        """`steps` [lanes], rising: which of the steps each lane belongs to."""
        self._steps, self._parts = steps, parts

    def code_pmfs(self, symbols: NDArray[Any] | None, pmfs: NDArray[Any], precision: int) -> Int32:
        """As an encoder's: of all lanes."""
        assert symbols is not None
        rows = pmf_rows(pmfs, precision)
        return self.code_rows(pmf_entries(symbols, rows), rows)

    def code_rows(self, entries: Int32 | None, rows: Rows) -> Int32:
        assert entries is not None
        self._parts.append((self._steps, entries, rows))
        return entries

    def among(self, lanes: Int) -> InOrder:
        """The same for some of the lanes, in their order."""
        return InOrder(self._steps[lanes], self._parts)

    def give(self, encoder: Encoder, steps: int) -> None:
        ends = [np.searchsorted(of, np.arange(steps + 1)).tolist() for of, *_ in self._parts]
        for step in range(steps):
            for (_, entries, rows), end in zip(self._parts, ends, strict=True):
                part = slice(end[step], end[step + 1])
                if part.start < part.stop:
                    encoder.code_rows(entries[part], rows[part])


def among(coder: Coder | InOrder, lanes: Int) -> Coder | InOrder:
    """What codes some of a coder's lanes."""
    return coder.among(lanes) if isinstance(coder, InOrder) else coder
