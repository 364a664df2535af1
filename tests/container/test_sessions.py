"""Archives as bytes: entries, and the sessions that are found whatever is wrong besides."""

import io
from dataclasses import replace
from fractions import Fraction

import pytest
from helpers.archives import DIGEST, HEAD, NAMES, archive, content, entry, found, names, pointing, specified

from codec.container import (
    LIMITS,
    Limits,
    Placed,
    Segment,
    is_archive,
    pack_bare,
    pack_entry,
    read,
    read_bare,
    read_directory,
)
from codec.container.fields import varint
from codec.container.sections import section
from codec.container.sessions import unpack_entry
from codec.errors import FormatError, LimitError

WHOLE = archive(3)


def test_the_archive_of_the_specification_is_what_we_write_and_read() -> None:
    first = replace(entry(0, "sea"), date=1764460800, digest=bytes([0xD0]) * 32, hashes=bytes(range(0x10, 0x22)))
    shared = (Segment(1, 4, 3, Fraction(-1001, 10000)),)
    second = replace(pointing(1, "part", shared), date=1764460801, digest=bytes([0xD1]) * 32)
    assert HEAD + content() + pack_entry(first, LIMITS) + pack_entry(second, LIMITS) == specified("archive")
    assert [one.entry for one in found(specified("archive"))] == [first, second]


def test_an_archive_is_told_from_a_file() -> None:
    assert is_archive(io.BytesIO(WHOLE)) and not is_archive(io.BytesIO(HEAD[:5] + content()))
    with pytest.raises(FormatError, match="it is an archive of videos; list it by"):
        read(WHOLE)
    with pytest.raises(FormatError, match="no archive; begin one with"):
        read_directory(io.BytesIO(HEAD[:5] + content()))


def test_an_archive_without_sessions_is_whole() -> None:
    assert read_directory(io.BytesIO(HEAD)).sessions == ()


def test_a_head_alone_is_read_back() -> None:
    header = read(HEAD[:5] + content())[0]
    assert read_bare(io.BytesIO(HEAD[:5] + pack_bare(header))) == header
    with pytest.raises(FormatError, match="out of place"):
        read_bare(io.BytesIO(HEAD[:5] + content()))


def test_whatever_is_cut_off_leaves_the_sessions_before() -> None:
    ends = [len(HEAD), *(one.end for one in found(WHOLE))]
    for keep in range(len(HEAD), len(WHOLE)):
        whole = max(end for end in ends if end <= keep)
        cut = read_directory(io.BytesIO(WHOLE[:keep]))
        assert (cut.whole, cut.size, len(cut.sessions)) == (whole, keep, ends.index(whole))


def test_no_damage_costs_another_session_its_entry() -> None:
    places = found(WHOLE)
    for at in range(len(HEAD), len(WHOLE)):
        damaged = next(i for i, one in enumerate(places) if at < one.end)
        for change in (0x01, 0x24, 0x80):
            broken = bytearray(WHOLE)
            broken[at] ^= change
            sessions = read_directory(io.BytesIO(broken)).sessions
            kept = {one.entry.number for one in sessions if isinstance(one, Placed)}
            assert kept >= {0, 1, 2} - {damaged}, (at, change)


def test_a_damaged_entry_is_told_by_its_number() -> None:
    one = found(WHOLE)[1]
    broken = bytearray(WHOLE)
    broken[one.end - 12] ^= 1
    sessions = read_directory(io.BytesIO(broken)).sessions
    assert names(sessions) == [
        NAMES[0],
        "damaged: the entry of session 1 can't be read; get a whole copy of the file",
        NAMES[2],
    ]


def test_sessions_behind_a_damaged_length_are_found_though_an_append_did_not_finish() -> None:
    broken = bytearray(WHOLE + content()[:30])
    broken[found(WHOLE)[0].start + 1] ^= 0x40
    sessions = read_directory(io.BytesIO(broken))
    assert names(sessions.sessions) == NAMES and sessions.whole == len(WHOLE)


BAD = {
    "later": replace(pointing(1, "b"), depends=(1, 2)),
    "itself": replace(pointing(1, "b"), depends=(0, 1)),
    "unlisted": replace(pointing(1, "b"), depends=()),
    "twice": replace(pointing(1, "b"), depends=(1, 1)),
    "too far": pointing(1, "b", (Segment(2, 4, 0),)),
    "counts": replace(pointing(1, "b"), frames=5),
    "empty": pointing(1, "b", (Segment(1, 4, 0), Segment(1, 0, 8))),
    "mergeable": pointing(1, "b", (Segment(1, 2, 0), Segment(1, 2, 2))),
    "own alone": replace(entry(1, "b"), segments=(Segment(0, 9),)),
    "own first": replace(entry(1, "b"), depends=(1,), frames=10, segments=(Segment(0, 9, 1), Segment(1, 1, 0))),
    "content and like": replace(entry(1, "b"), like=1, depends=(1,)),
    "no content": replace(pointing(1, "b"), like=0),
    "own without content": replace(entry(1, "b"), content=0, like=1, depends=(1,)),
    "hashes": replace(entry(1, "b"), hashes=bytes(4)),
    "digest": replace(entry(1, "b"), digest=bytes(31)),
    "no name": entry(1, ""),
    "control": entry(1, "a\nb"),
    "long": entry(1, "é" * 128),
    "no frames": replace(entry(1, "b"), frames=0, hashes=b""),
    "denominator": pointing(1, "b", (Segment(1, 4, 0, Fraction(1, 2**31)),)),
}


@pytest.mark.parametrize("name", BAD)
def test_what_no_entry_says_is_not_written(name: str) -> None:
    with pytest.raises(FormatError):
        pack_entry(BAD[name], LIMITS)


def test_what_no_entry_says_is_not_read() -> None:
    packed = pack_entry(pointing(1, "b"), LIMITS)
    good = HEAD + content() + pack_entry(entry(0, "a"), LIMITS) + packed
    assert len(found(good)) == 2
    payload = packed[2:-4]
    for at in range(len(payload) - 4 - len(DIGEST)):  # each byte of a field
        for change in (1, 0x80):
            other = bytearray(payload)
            other[at] ^= change
            size = len(section(b"N", bytes(other))).to_bytes(4, "little")
            changed = section(b"N", bytes(other[:-4]) + size)
            sessions = read_directory(io.BytesIO(good[: -len(packed)] + changed)).sessions
            for one in sessions[1:]:
                if isinstance(one, Placed):
                    assert pack_entry(one.entry, LIMITS) == changed and one.entry.number == 1


def test_sessions_that_contradict_each_other_are_damaged() -> None:
    first = content() + pack_entry(entry(0, "a"), LIMITS)
    for second, what in (
        (pointing(1, "b", (Segment(1, 4, 6),)), "points to frames"),
        (pointing(1, "a"), "has the name of another"),
    ):
        sessions = read_directory(io.BytesIO(HEAD + first + pack_entry(second, LIMITS))).sessions
        assert what in str(sessions[1])
    third = replace(pointing(2, "c", (Segment(2, 4, 0),)), like=1, depends=(1, 2))
    data = HEAD + first + pack_entry(pointing(1, "b"), LIMITS) + pack_entry(third, LIMITS)
    assert "has its head from one that has none" in str(read_directory(io.BytesIO(data)).sessions[2])


@pytest.mark.parametrize(
    "limits", [Limits(sessions=2), Limits(frames=8), Limits(segments=0)], ids=["sessions", "frames", "segments"]
)
def test_limits_hold_on_write_and_read(limits: Limits) -> None:
    wanted = pointing(2, "c", (Segment(1, 9, 0),))
    with pytest.raises(LimitError):
        pack_entry(wanted, limits)
    data = archive(2) + pack_entry(wanted, LIMITS)
    assert not all(isinstance(one, Placed) for one in read_directory(io.BytesIO(data), limits).sessions)


def test_a_count_takes_no_memory_on_its_word() -> None:
    fields = [*map(varint, (1, 0, 2**21, 0, 1, 1)), b"b"]
    for more in ((2**63,), (1, 1, 2**12, 1, 2**63), (1, 1, 2**63), (1, 1, 1, 0, 2**63)):
        payload = b"".join([*fields, *map(varint, more)])
        with pytest.raises((FormatError, LimitError)):
            unpack_entry(payload, LIMITS)


def test_an_archive_of_another_kind_is_refused() -> None:
    for payload, kind in ((b"\x09\x01", r"9\.1"), (b"\x04\x00\x00", r"4\.0")):
        with pytest.raises(FormatError, match=f"kind {kind}, made by a newer"):
            read_directory(io.BytesIO(HEAD[:5] + section(b"A", payload)))
