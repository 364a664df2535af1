"""Sessions of an archive in memory, for what is coded against them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codec import container
from codec.codecs.base import EarlierSession
from codec.container import Unit
from codec.errors import FormatError


@dataclass(frozen=True)
class InMemory:
    """An Earlier of whole files, the last of which is at distance 1. Units numbered in `lost` are damaged."""

    files: Sequence[bytes]
    lost: Sequence[int] = ()

    @property
    def count(self) -> int:
        return len(self.files)

    def session(self, distance: int) -> EarlierSession:
        if not 1 <= distance <= self.count:
            raise FormatError(f"no session {distance} back")
        place = self.count - distance
        header, rest = container.read(self.files[place])
        units = list(rest)

        def unit(number: int) -> Unit:
            if number in self.lost:
                raise FormatError(f"unit {number} is damaged")
            return units[number]

        return EarlierSession(header, unit, len(units), InMemory(self.files[:place]))
