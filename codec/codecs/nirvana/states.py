"""The filters of earlier sessions of an archive, from which a session's own may begin.

A session never changes what an earlier one has: it takes the state that stands after one of its units, keeps weights
of it, and adds what is new. That unit's chain has to begin from nothing outside its session, so a reader of a session
needs those that its references name, and none that these name.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from codec.codecs.base import Earlier, EarlierSession
from codec.codecs.nirvana import CODEC, filters, references
from codec.codecs.nirvana.head import starts_chain
from codec.codecs.nirvana.references import Reference
from codec.container import Header, Unit
from codec.errors import CodecError, FormatError

_CHAIN = 512  # units of a chain at most
_LOOKED = 64  # units that an encoder reads to find states
_READ = 1024  # units of others that a session's references lead through at most
_ALONE = "its networks begin from those of an earlier session; open it in its archive"
_DAMAGED = "its networks begin from what no earlier session has; get a whole copy of the file"


class Found(NamedTuple):
    """A state that a chain may begin from: what stands after a unit of the session `distance` back."""

    distance: int
    unit: int
    state: filters.State


@dataclass
class States:
    """Those of an archive's earlier sessions (None: there is no archive), for a session with this header."""

    header: Header
    earlier: Earlier | None
    _states: dict[tuple[int, int], tuple[filters.State, int]] = field(default_factory=dict)  # and units of its chain
    _read: int = 0

    def begun(self, wanted: Iterable[Reference], state: filters.State | None) -> filters.State:
        """A state with what references name in place of its own. FormatError where that can't be had."""
        state = state or filters.State()
        planes, lent = list(state.filters), [0] * 3
        for mask, distance, unit in wanted:
            found = self._after(distance, unit)
            for plane in range(3):
                if mask >> plane & 1:
                    planes[plane], lent[plane] = found.filters[plane], filters.LENT
                    if planes[plane] is None:
                        raise FormatError(_DAMAGED)
        (y, u, v), (a, b, c) = planes, lent
        return filters.State((y, u, v), (a, b, c))

    @cached_property
    def candidates(self) -> list[Found]:
        """The last state of each chain that may be begun from, the latest sessions' first, as far as one reads."""
        found: list[Found] = []
        left = _LOOKED
        for distance in range(1, self.earlier.count + 1 if self.earlier else 1):
            assert self.earlier is not None
            if left <= 0:
                break
            with suppress(CodecError):  # one that is damaged is no reason not to go on
                session = self.earlier.session(distance)
                if _alike(session, self.header):
                    units = range(max(session.units - left, 0), session.units)
                    left -= len(units)
                    found += self._ends(session, distance, units)
        return found

    def _ends(self, session: EarlierSession, distance: int, units: range) -> list[Found]:
        """The states at the ends of a session's chains, of those that begin in these units."""
        ends: dict[int, filters.State] = {}  # by the chain's first unit, while it may be begun from
        at: dict[int, int] = {}
        first = -1
        for number in units:
            unit = session.unit(number)
            if starts_chain(session.header, unit):
                first = number
                ends[first] = filters.State()
            if first in ends and unit.payload:
                borrowed, payload = references.split(unit.payload)
                if borrowed:
                    del ends[first]
                    continue
                ends[first], at[first] = filters.replay(payload, ends[first]), number
        return [Found(distance, at[first], state) for first, state in ends.items() if any(state.filters)]

    def _after(self, distance: int, unit: int) -> filters.State:
        """The state after a unit of an earlier session."""
        if self.earlier is None:
            raise FormatError(_ALONE)
        if distance > self.earlier.count:
            raise FormatError(_DAMAGED)
        session = self.earlier.session(distance)
        if unit >= session.units or not _alike(session, self.header):
            raise FormatError(_DAMAGED)
        chain: list[Unit] = []
        state, units = filters.State(), 0
        for number in range(unit, -1, -1):
            if (distance, number) in self._states:
                state, units = self._states[distance, number]
                break
            self._count()
            chain.append(session.unit(number))
            if starts_chain(session.header, chain[-1]):
                break
        else:
            raise FormatError(_DAMAGED)
        for one in reversed(chain):
            if (units := units + 1) > _CHAIN:
                raise FormatError(_DAMAGED)
            if one.payload:
                borrowed, payload = references.split(one.payload)
                if borrowed:
                    raise FormatError(_DAMAGED)
                state = filters.replay(payload, state)
            self._states[distance, one.index] = state, units
        return state

    def _count(self) -> None:
        """One more unit of another session is read: few bytes could ask for long chains again and again."""
        self._read += 1
        if self._read > _READ:
            raise FormatError(_DAMAGED)


def named(begins: Iterable[int | None], candidates: list[Found]) -> list[Reference]:
    """The references by which planes begin from candidates, given by their places."""
    masks: dict[int, int] = {}
    for plane, place in enumerate(begins):
        if place is not None:
            masks[place] = masks.get(place, 0) | 1 << plane
    return [Reference(mask, candidates[place].distance, candidates[place].unit) for place, mask in masks.items()]


def reused(header: Header, unit: Unit, earlier: Earlier) -> tuple[int, int]:
    """See VideoMedia; weights that are 0 are none."""
    wanted = references.of(header, unit)
    before = States(header, earlier).begun(wanted, None)
    after = filters.replay(references.split(unit.payload)[1], before)
    kept = used = 0
    for one, other, lent in zip(before.filters, after.filters, before.lent, strict=True):
        if lent and one is not None and other is not None:
            used += int((other.weights != 0).sum())
            kept += int(((other.weights != 0) & (other.weights == one.weights)).sum())
    return kept, used


def _alike(session: EarlierSession, header: Header) -> bool:
    """Whether a session's networks may be begun from: they are over a stream, of the same depth and chroma."""
    ours, theirs = header.stream, session.header.stream
    if ours is None or theirs is None or (session.header.codec, session.header.revision) != (CODEC.id, CODEC.revision):
        return False
    return session.header.depth == header.depth and theirs.chroma == ours.chroma
