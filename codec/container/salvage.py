"""What is whole of a damaged file: its head, and every unit whose checksum is right."""

from typing import IO

from codec.container.header import Header
from codec.container.index import read_index, read_unit
from codec.container.limits import LIMITS, Limits
from codec.container.sections import Reader
from codec.container.stream import read
from codec.container.units import Unit
from codec.errors import CodecError, FormatError, LimitError


def salvage(
    fp: IO[bytes], limits: Limits = LIMITS, damage: list[CodecError] | None = None
) -> tuple[Header, list[Unit | CodecError]]:
    """The header of a seekable file, and for each of its units the unit or what is wrong with it.

    A unit whose packets are whole and whose own section isn't has no more than those, its frames and its `damage`. The
    list ends early where a file without a readable index breaks off, with the error; the frames of a unit with `damage`
    before that are not known (0). `damage` is told of metadata that isn't whole, and is left out. FormatError for a
    damaged head, LimitError for one that is too large.
    """
    units: list[Unit | CodecError] = []
    lost: list[CodecError] = []
    try:
        index = read_index(fp, limits, lost)
    except (FormatError, LimitError):
        fp.seek(0)
        lost.clear()
        header, whole = read(fp, limits, lost)
        start = fp.tell() - 1  # of the unit that follows those that were read: its tag was
        try:
            for unit in whole:
                units.append(unit)
                start = fp.tell()
        except (FormatError, LimitError) as error:
            last = _packets(fp, header, limits, start, len(units), 0, error)
            units += [last, error] if isinstance(last, Unit) else [error]
    else:
        header = index.header
        for number, (start, frames) in enumerate(zip(index.offsets, index.frames, strict=True)):
            try:
                units.append(read_unit(fp, index, number, limits))
            except (FormatError, LimitError) as error:
                units.append(_packets(fp, header, limits, start, number, frames, error))
    if damage is not None:
        damage += lost
    return header, units


def _packets(
    fp: IO[bytes], header: Header, limits: Limits, start: int, number: int, frames: int, error: CodecError
) -> Unit | CodecError:
    """What is there of a unit that isn't whole: its packets, if it has some; else the error."""
    fp.seek(start)
    reader = Reader(fp, start)
    tag = reader.tag()
    packets = b""
    try:
        if tag == b"B":
            packets = reader.payload(tag, limits.payload)
    except (FormatError, LimitError):
        return error
    if header.stream is None or tag not in (b"B", b"U"):
        return error
    return Unit(number, 0, 0, b"", frames, packets, error)
