"""The weights of filters as symbols, against the group before or from zero: binary decisions whose probabilities adapt.

Most weights are 0. A weight is whether it isn't, its sign, and its magnitude in unary, each decision in the context of
the weight's family; probabilities are counts, so they are whole numbers on every machine.
"""

from __future__ import annotations

import numpy as np

from codec.codecs.nirvana.filters import luma
from codec.codecs.nirvana.filters.model import LAYOUTS, LIMIT, Filter, Int32
from codec.entropy import Coder
from codec.errors import FormatError

_PRECISION = 12  # bits of a probability
_SEEN = 8  # what a decision adds to its count
_FORGET = 480  # the sum of both counts from which they are halved
_ZERO, _EVEN = (9, 3), (6, 6)  # counts to begin with
_UNARY = 15  # a magnitude beyond it is coded as it is
_DEEP = 4  # decisions of a magnitude that have counts of their own
_SIGN = (-1, 0)  # the context of signs that lean
LENT = 4  # parts of a weight that is lent, of which 1 to all remain
_BITS = (2 * LIMIT).bit_length()  # of a difference
_AXIS = 256


def lessened(weights: Int32, parts: int) -> Int32:
    """So many quarters of weights, to the nearest, half up."""
    return (weights * parts + LENT // 2) // LENT


class _Decisions:
    """Binary decisions, each with the counts of its context; in both directions."""

    def __init__(self, coder: Coder) -> None:
        self._coder = coder
        self._counts: dict[tuple[int, int], list[int]] = {}

    def code(self, bit: int | None, key: tuple[int, int], first: tuple[int, int]) -> int:
        """One decision in a context, whose counts begin with `first`."""
        counts = self._counts.setdefault(key, list(first))
        total = counts[0] + counts[1]
        zero = min(max((counts[0] << _PRECISION) // total, 1), (1 << _PRECISION) - 1)
        value = _bit(self._coder, bit, zero)
        counts[value] += _SEEN
        if total + _SEEN > _FORGET:
            counts[:] = [(count + 1) // 2 for count in counts]
        return value

    def weight(self, wanted: int | None, context: int, leaning: int = 0) -> int:
        """A weight or a difference of two, up to 2 LIMIT in magnitude; its sign often is not that of `leaning`."""
        if not self.code(None if wanted is None else int(wanted != 0), (context, 0), _ZERO):
            return 0
        size = None if wanted is None else abs(wanted)
        if leaning:
            alike = self.code(None if wanted is None else int((wanted < 0) == (leaning < 0)), _SIGN, _ZERO)
            negative = alike == (leaning < 0)
        else:
            negative = bool(_bit(self._coder, None if wanted is None else int(wanted < 0)))
        magnitude = 1
        while magnitude <= _UNARY:
            more = self.code(None if size is None else int(size > magnitude), (context, min(magnitude, _DEEP)), _EVEN)
            if not more:
                break
            magnitude += 1
        else:
            rest = None if size is None else size - magnitude
            for place in range(_BITS):
                magnitude += _bit(self._coder, None if rest is None else rest >> place & 1) << place
        return -magnitude if negative else magnitude


def code_filter(
    coder: Coder,
    plane: int,
    which: Filter | None,
    reference: Filter | None,
    axes: tuple[int, ...] | None,
    lent: int = 0,
) -> Filter:
    """Codes one plane's filter, or decodes it where `which` is None.

    With a `reference` its settings stay and differences are coded. `axes`: of another plane's tables, which may be this
    one's too. `lent`: see State; what was fitted to other frames is mostly too strong for these, so it is lessened
    first, by a part that is coded. FormatError for weights out of range.
    """
    if reference is not None:
        settings = reference.settings
    else:
        settings = _settings(coder, plane, None if which is None else which.settings, axes)
    decisions = _Decisions(coder)
    before = np.zeros(LAYOUTS[plane].count, np.int32) if reference is None else reference.weights
    if lent:
        parts = np.full((1, LENT), (1 << _PRECISION) // LENT)
        before = lessened(
            before, 1 + int(coder.code_pmfs(None if which is None else np.array([lent - 1]), parts, _PRECISION)[0])
        )
    wanted = None if which is None else (which.weights - before).tolist()
    weights = before.copy()
    leanings = (before * bool(lent)).tolist()
    for number, context in enumerate(LAYOUTS[plane].contexts.tolist()):
        weights[number] += decisions.weight(None if wanted is None else wanted[number], context, leanings[number])
    if np.abs(weights).max() > LIMIT:
        raise FormatError("the filters of a group are out of range; get a whole copy of the file")
    return Filter(plane, settings, weights)


def _settings(
    coder: Coder, plane: int, settings: tuple[int, ...] | None, others: tuple[int, ...] | None
) -> tuple[int, ...]:
    """Codes settings, in both directions; where there are `others`, first whether they are these."""
    if others is not None and _bit(coder, None if settings is None else int(settings == others)):
        return others
    size, count = (len(luma.LEVELS), luma.THRESHOLDS) if plane == 0 else (_AXIS, 6)
    rows = np.full((count, size), (1 << _PRECISION) // size)
    coded = coder.code_pmfs(None if settings is None else np.array(settings), rows, _PRECISION)
    if plane and not coded[1::2].all():
        raise FormatError("the filters of a group are damaged; get a whole copy of the file")
    return tuple(coded.tolist())


def _bit(coder: Coder, bit: int | None, zero: int = 1 << _PRECISION - 1) -> int:
    """A decision whose 0 has the probability zero / 2^12."""
    pmf = np.array([[zero, (1 << _PRECISION) - zero]])
    return int(coder.code_pmfs(None if bit is None else np.array([bit]), pmf, _PRECISION)[0])
