"""Decoding what is whole of a damaged file: errors are collected unit by unit instead of ending the work."""

from collections.abc import Callable, Iterable

from codec.container import LIMITS, Header, Unit
from codec.errors import CodecError, FormatError

Damage = list[CodecError]
Found = Unit | CodecError  # a unit, or what is wrong with it


def expect(units: Iterable[Found | None], count: int, damage: Damage | None) -> list[Found | None]:
    """The `count` units of a file; None: not read, since a view doesn't need it. With `damage` what is missing becomes
    an error in its place.

    Without, FormatError for a wrong number of units, and the error of one that is not whole.
    """
    found = list(units)
    if damage is None:
        check_count(len(found), count)
        return found
    return found[:count] + [FormatError(f"unit {i} is missing") for i in range(len(found), count)]


def check_count(found: int, count: int) -> None:
    """FormatError for a wrong number of units."""
    if found != count:
        raise FormatError(f"has {found} units, not {count}; get a whole copy of the file")


def check_plain(unit: Unit) -> None:
    """FormatError for a phase in a unit whose coder has none."""
    if unit.phase:
        raise FormatError(f"unit {unit.index}: phase {unit.phase} where there is none; get a whole copy of the file")


def check_some(kept: bool, header: Header, damage: Damage | None) -> None:
    """Raise what is wrong with a large picture of which no unit is whole: so much grey is not worth its memory."""
    if damage and not kept and header.width * header.height > LIMITS.few:
        raise damage[0]


def attempt(found: Found | None, damage: Damage | None, work: Callable[[Unit], None]) -> bool:
    """Do `work` on a unit; whether it was done. CodecErrors go to `damage`, or are raised if that is None."""
    assert found is not None  # it is among those that were asked for
    try:
        if isinstance(found, CodecError):
            raise found
        work(found)
    except CodecError as error:
        if damage is None:
            raise
        damage.append(error)
        return False
    return True
