"""The circuit codec's private bytes in the head: how the picture lies in its units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codec.codecs.circuit import CODEC, layout, levels
from codec.codecs.circuit.levels import Levels
from codec.codecs.partial import check_count, check_plain
from codec.container import Header, Unit
from codec.errors import FormatError
from codec.view import WITH_ALPHA

TILED, GREY, OPAQUE, LEVELS, TUNED = 1, 2, 4, 8, 16  # flags
CONSTANT = 1 << 24  # pixels of one value: they cost nothing, so a limit keeps memory in bounds


@dataclass(frozen=True, eq=False)
class Arrangement:
    """What a decoder has to know of all units.

    `tiled`: several units, else one for the whole picture (and one for its alpha). `grey`: the three colours are
    equal, one is coded. `opaque`: alpha is at its largest everywhere, and not coded. `levels`: the values that the
    colours use, their ranks are coded; None: any. `tuned`: a network was tuned to the picture, a unit before the
    others tells how.
    """

    tiled: bool = False
    grey: bool = False
    opaque: bool = False
    levels: Levels | None = None
    tuned: bool = False

    def pack(self) -> bytes:
        """Private bytes; none if nothing is special."""
        flags = self.tiled * TILED | self.grey * GREY | self.opaque * OPAQUE
        flags |= (self.levels is not None) * LEVELS | self.tuned * TUNED
        return bytes([flags][: flags > 0]) + (b"" if self.levels is None else levels.pack(self.levels))

    def colours(self, channels: int) -> int:
        """How many channels of the picture's are coded in its colour units."""
        return 1 if self.grey or channels <= 2 else 3

    def bits(self, depth: int) -> int:
        """Bits of a sample in the units of colour; `depth`: the picture's."""
        return depth if self.levels is None else levels.rank_bits(self.levels)


def check_image(header: Header) -> None:
    """FormatError unless a header is of a picture that this release decodes, or encodes."""
    if header.revision != CODEC.revision:
        raise FormatError(f"made by revision {header.revision} of {CODEC.name}; install a neural-codec that reads it")
    if not 8 <= header.depth <= 16 or header.frames != 1:
        what = f"{header.channels} channels of {header.depth} bits, {header.frames} frames"
        raise FormatError(f"{what}: the circuit codec takes one picture of 8 to 16 bits")


def check(header: Header, units: Sequence[Unit]) -> None:
    """See Descriptor."""
    if header.rate is not None:
        raise FormatError("a rate, and the circuit codec takes one picture; get a whole copy of the file")
    check_image(header)
    how = parse(header)
    boxes = layout.units(header.height, header.width) if how.tiled else layout.whole(header.height, header.width)
    with_alpha = header.channels in WITH_ALPHA and not how.opaque
    check_count(len(units), how.tuned + len(boxes) * (1 + with_alpha))
    for unit in units:
        check_plain(unit)


def parse(header: Header) -> Arrangement:
    """The arrangement in a header; FormatError unless `Arrangement.pack` could have made them for such a picture."""
    private = header.private
    flags = private[0] if private else 0
    if flags >= 2 * TUNED:
        raise FormatError(f"unknown circuit options {flags:#x}: made by a newer version; install a newer neural-codec")
    wrong = [
        flags & TILED and layout.fits_one(header.height, header.width),
        flags & GREY and header.channels < 3,
        flags & OPAQUE and header.channels not in WITH_ALPHA,
    ]
    if any(wrong) or bool(private) != bool(flags) or (len(private) > 1 and not flags & LEVELS):
        raise FormatError("the circuit options do not fit the picture; get a whole copy of the file")
    used = levels.unpack(private[1:], header.depth) if flags & LEVELS else None
    if used is not None and len(used) == 1 and header.height * header.width > CONSTANT:
        raise FormatError("one value can't stand for so large a picture; get a whole copy of the file")
    return Arrangement(bool(flags & TILED), bool(flags & GREY), bool(flags & OPAQUE), used, bool(flags & TUNED))
