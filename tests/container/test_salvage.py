"""What is whole of a damaged container is read, and what is not is told."""

import io

import pytest
from helpers.containers import IMAGE, SAMPLES, damaged, reading

from codec import container
from codec.container import salvage
from codec.errors import FormatError


@pytest.mark.parametrize("name", SAMPLES)
def test_everything_of_a_whole_file_is_salvaged(name: str) -> None:
    header, units = reading(SAMPLES[name])
    assert salvage(io.BytesIO(SAMPLES[name])) == (header, list(units))


def test_one_damaged_unit_leaves_the_others() -> None:
    _, units = reading(SAMPLES["tiles"])
    header, found = salvage(io.BytesIO(damaged(SAMPLES["tiles"], 1)))
    assert header == IMAGE and [i for i, f in enumerate(found) if f == units[i]] == [0, 2]
    assert isinstance(found[1], FormatError) and "damaged" in str(found[1])


def test_of_a_truncated_file_the_units_before_the_cut_are_left() -> None:
    data = SAMPLES["tiles"]
    index = container.read_index(io.BytesIO(data))
    _, units = reading(data)
    _, found = salvage(io.BytesIO(data[: index.offsets[1] + 5]))
    assert found[0] == units[0] and isinstance(found[1], FormatError) and len(found) == 2


def test_without_a_head_nothing_is_salvaged() -> None:
    data = bytearray(SAMPLES["tiles"])
    data[8] ^= 1
    with pytest.raises(FormatError):
        salvage(io.BytesIO(bytes(data)))
