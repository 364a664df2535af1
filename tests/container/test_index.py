"""Random access, and files that grow."""

import io
from dataclasses import replace

import pytest
from helpers.containers import IMAGE, IMAGE_UNITS, SAMPLES, VIDEO, VIDEO_UNITS, appended, reading, written

from codec.container import Limits, Unit, append, read, read_index, read_unit, recover
from codec.errors import FormatError, LimitError

BASE = written(VIDEO, VIDEO_UNITS)
MORE = [Unit(2, 7, 0, b"more", 3), Unit(3, 8, 1, b"and more", 2)]


@pytest.mark.parametrize("name", SAMPLES)
def test_any_unit_is_read_alone_in_any_order(name):
    fp = io.BytesIO(SAMPLES[name])
    index = read_index(fp)
    header, units = reading(SAMPLES[name])
    assert index.header == header
    assert index.frames == tuple(unit.frames for unit in units)
    for number in reversed(range(len(units))):
        assert read_unit(fp, index, number) == units[number]
    for number in (-1, len(units)):
        with pytest.raises(FormatError, match=f"no unit {number}"):
            read_unit(fp, index, number)


def test_a_unit_is_read_though_another_is_damaged():
    data = bytearray(SAMPLES["tiles"])
    index = read_index(io.BytesIO(data))
    data[index.offsets[1] + 3] ^= 1
    fp = io.BytesIO(data)
    assert [read_unit(fp, read_index(fp), number).index for number in (0, 2)] == [0, 2]
    with pytest.raises(FormatError, match="damaged"):
        read_unit(fp, index, 1)


def test_a_unit_that_the_index_does_not_list_is_refused():
    fp = io.BytesIO(SAMPLES["archive"])
    index = read_index(fp)
    for other in (
        replace(index, offsets=index.offsets[1:] + index.offsets[:1]),
        replace(index, lengths=(1, *index.lengths[1:])),
        replace(index, frames=(1, *index.frames[1:])),
        replace(index, offsets=(0, *index.offsets[1:])),
    ):
        with pytest.raises(FormatError):
            read_unit(fp, other, 0)


def test_appending_changes_no_earlier_byte_and_readers_see_all_units():
    grown = appended(BASE, MORE[:1])
    again = appended(grown, MORE[1:])
    assert grown.startswith(BASE)
    assert again.startswith(grown)
    assert reading(again) == (VIDEO, VIDEO_UNITS + MORE)
    index = read_index(io.BytesIO(again))
    assert (len(index.offsets), index.frame_count) == (4, 14)


def test_a_unit_of_one_session_can_have_the_bytes_of_another_file():
    """A whole file as payload is not taken for a session."""
    data = appended(BASE, [Unit(2, 0, 0, BASE, 1), Unit(3, 0, 0, SAMPLES["archive"], 1)])
    assert read_index(io.BytesIO(data)).frame_count == 11
    assert [unit.payload for unit in reading(data)[1]][2:] == [BASE, SAMPLES["archive"]]


@pytest.mark.parametrize("data", [written(IMAGE, IMAGE_UNITS), SAMPLES["tiles"], SAMPLES["video"]])
def test_a_file_that_states_its_frames_is_not_appended_to(data):
    fp = io.BytesIO(data)
    with pytest.raises(FormatError, match="can't be appended"):
        append(fp, MORE)
    assert fp.getvalue() == data


@pytest.mark.parametrize("units", [[], [Unit(0, 0, 0, b"")], [*MORE, MORE[0]], [Unit(2, 0, 9, b"")]])
def test_an_append_of_wrong_units_leaves_the_file_as_it_was(units):
    fp = io.BytesIO(BASE)
    with pytest.raises(FormatError):
        append(fp, units)
    assert fp.getvalue() == BASE


def test_an_append_that_is_interrupted_by_its_source_leaves_the_file_as_it_was(tmp_path):
    def failing():
        yield MORE[0]
        raise KeyboardInterrupt

    path = tmp_path / "a.ncf"
    path.write_bytes(BASE)
    with path.open("r+b") as fp, pytest.raises(KeyboardInterrupt):
        append(fp, failing())
    assert path.read_bytes() == BASE
    with path.open("r+b") as fp:
        append(fp, MORE)
    assert path.read_bytes() == appended(BASE, MORE)


def test_limits_count_over_all_sessions():
    for limits in (Limits(units=3), Limits(frames=13)):
        fp = io.BytesIO(BASE)
        with pytest.raises(LimitError):
            append(fp, MORE, limits)
        assert fp.getvalue() == BASE
        with pytest.raises(LimitError):
            list(read(appended(BASE, MORE), limits)[1])
        with pytest.raises(LimitError):
            read_index(io.BytesIO(appended(BASE, MORE)), limits)


def test_a_killed_append_is_a_named_error_and_can_be_undone():
    whole = appended(BASE, MORE)
    for stop in range(len(BASE) + 1, len(whole)):
        with pytest.raises(FormatError, match=f"the first {len(BASE)} bytes are a whole file"):
            reading(whole[:stop])
        fp = io.BytesIO(whole[:stop])
        with pytest.raises(FormatError, match="append did not finish"):
            append(fp, MORE)
        assert recover(fp) == stop - len(BASE)
        assert fp.getvalue() == BASE


def test_the_complete_units_of_a_truncated_file_are_read_before_the_error():
    _, units = read(appended(BASE, MORE)[:-1])
    assert [next(units) for _ in range(4)] == VIDEO_UNITS + MORE
    with pytest.raises(FormatError, match="truncated"):
        next(units)


def test_recovering_leaves_whole_and_damaged_files_alone():
    damaged = bytearray(SAMPLES["archive"])
    damaged[-30] ^= 1
    fp = io.BytesIO(BASE)
    assert recover(fp) == 0
    assert fp.getvalue() == BASE
    for data in (bytes(damaged), BASE[:-1], SAMPLES["image"][:-1]):
        fp = io.BytesIO(data)
        with pytest.raises(FormatError):
            recover(fp)
        assert fp.getvalue() == data
