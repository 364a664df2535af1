"""The weights of filters as symbols: against the group before or from zero, each with a Laplace table as wide as those
of its kind before it were.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from codec.entropy import Coder
from codec.errors import FormatError
from codec.nirvana import laplace
from codec.nirvana.filters import luma
from codec.nirvana.filters.model import LAYOUTS, LIMIT, Filter

_ONE = 256  # of a running mean
_START = 64  # the mean that is expected
_SLOW = 20  # symbols over which a mean is taken in the end
_AXIS = 256
_EVEN = np.array([[128, 128]])


def code_filter(
    coder: Coder, plane: int, which: Filter | None, reference: Filter | None, axes: tuple[int, ...] | None
) -> Filter:
    """Codes one plane's filter, or decodes it where `which` is None.

    With a `reference` its settings stay and differences are coded. `axes`: of another plane's tables, which may be this
    one's too. FormatError for weights out of range.
    """
    if reference is not None:
        settings = reference.settings
    else:
        settings = _settings(coder, plane, None if which is None else which.settings, axes)
    before = np.zeros(LAYOUTS[plane].count, np.int32) if reference is None else reference.weights
    contexts = LAYOUTS[plane].contexts
    means = [_START] * (int(contexts.max()) + 1)
    seen = [2] * len(means)
    weights = before.copy()
    for number, context in enumerate(contexts.tolist()):
        symbol = None if which is None else which.weights[number : number + 1] - before[number]
        width = _widths()[min(means[context], len(_widths()) - 1)]
        value = int(coder.code(symbol, np.array([width]), laplace.tables())[0])
        weights[number] = before[number] + max(-2 * LIMIT, min(value, 2 * LIMIT))
        if abs(value) > 2 * LIMIT or abs(int(weights[number])) > LIMIT:
            raise FormatError("the filters of a group are out of range; get a whole copy of the file")
        seen[context] = min(seen[context] + 1, _SLOW)
        means[context] += (min(abs(value), LIMIT) * _ONE - means[context]) // seen[context]
    return Filter(plane, settings, weights)


def _settings(
    coder: Coder, plane: int, settings: tuple[int, ...] | None, others: tuple[int, ...] | None
) -> tuple[int, ...]:
    """Codes settings, in both directions; where there are `others`, first whether they are these."""
    if others is not None:
        same = coder.code_pmfs(None if settings is None else np.array([settings == others]) * 1, _EVEN, 8)
        if same[0]:
            return others
    size, count = (len(luma.LEVELS), luma.THRESHOLDS) if plane == 0 else (_AXIS, 6)
    rows = np.full((count, size), 4096 // size)
    coded = coder.code_pmfs(None if settings is None else np.array(settings), rows, 12)
    if plane and not coded[1::2].all():
        raise FormatError("the filters of a group are damaged; get a whole copy of the file")
    return tuple(coded.tolist())


@lru_cache(maxsize=1)
def _widths() -> NDArray[np.intp]:
    """The table whose mean magnitude is nearest to a running mean, for each of these."""
    tables = laplace.tables()
    means = []
    for number in range(laplace.WIDTHS):
        counts = tables.table(number)[:-1].astype(np.int64)
        means.append(
            int((np.abs(np.arange(len(counts)) - len(counts) // 2) * counts).sum()) * _ONE >> laplace.PRECISION
        )
    middles = (np.array(means[1:]) + np.array(means[:-1])) // 2
    return np.searchsorted(middles, np.arange(64 * _ONE), side="right")
