"""Units of the paper's network that no encoder writes have a named error."""

import pytest
from helpers.video_clips import RATE

from codec.codecs.nirvana.sine.units import parse
from codec.container import Unit
from codec.errors import FormatError


@pytest.mark.parametrize(
    ("unit", "says"),
    [
        (Unit(4, 0, 0, b"\0\1", 0), "unit 4 has no frames"),
        (Unit(4, 0, 0, b"\0\2", 1), "unit 4: unknown flags 0x2"),
        (Unit(4, 0, 0, b"", 1), "unit 4"),
        (Unit(4, 0, 0, b"\1\0", 1), "unit 4 has no valid times"),
    ],
)
def test_units_that_no_encoder_writes_are_refused(unit: Unit, says: str) -> None:
    with pytest.raises(FormatError, match=says):
        parse(unit, 0, RATE)
