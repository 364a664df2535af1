"""What is whole of a damaged file: its head, and every unit whose checksum is right."""

from typing import IO

from codec.container.archive import read_index, read_unit
from codec.container.header import Header
from codec.container.limits import LIMITS, Limits
from codec.container.stream import read
from codec.container.units import Unit
from codec.errors import FormatError


def salvage(fp: IO[bytes], limits: Limits = LIMITS) -> tuple[Header, list[Unit | FormatError]]:
    """The header of a seekable file, and for each of its units the unit or what is wrong with it.

    The list ends early where a file without a readable index breaks off. FormatError for a damaged head.
    """
    units: list[Unit | FormatError] = []
    try:
        index = read_index(fp, limits)
    except FormatError:
        fp.seek(0)
        header, whole = read(fp, limits)
        try:
            for unit in whole:
                units.append(unit)
        except FormatError as error:
            units.append(error)
        return header, units
    for number in range(len(index.offsets)):
        try:
            units.append(read_unit(fp, index, number, limits))
        except FormatError as error:
            units.append(error)
    return index.header, units
