"""Sessions are read without the others, and whatever is damaged costs no more than what depends on it."""

import io
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.archived import shown, verdicts
from helpers.archives import HEAD, entry, found
from helpers.coded_videos import Watched
from helpers.containers import VIDEO, written

from codec import archive
from codec.container import LIMITS, Segment, Unit, pack_entry
from codec.errors import CodecError, FormatError

Made = tuple[bytes, list[archive.Added]]


def many(count: int) -> bytes:
    """An archive of so many sessions of 20 kB."""
    content = written(VIDEO, [Unit(0, 1, 0, bytes(20_000), 9)])[5:]
    one = replace(entry(0, "s0"), content=len(content))
    return HEAD + b"".join(content + pack_entry(replace(one, number=n, name=f"s{n}"), LIMITS) for n in range(count))


def test_the_sessions_are_listed_by_their_entries_alone() -> None:
    fp = Watched(many(200))
    assert [one.entry.name for one in archive.read(fp).entries] == [f"s{n}" for n in range(200)]
    assert len(fp.touched) < len(fp.getvalue()) / 100


def test_a_session_is_taken_out_without_the_others() -> None:
    fp = Watched(many(200))
    opened = archive.read(fp)
    fp.touched.clear()
    window = opened.window(opened.number("s7"))
    assert opened.index(7).frame_count == 9 and opened.header(7) == VIDEO
    assert len(window.read()) == found(fp.getvalue())[7].entry.content + 5
    place = found(fp.getvalue())[7]
    assert min(fp.touched) >= place.start and max(fp.touched) < place.end


@pytest.mark.parametrize(("name", "needed"), [("clip", {0}), ("copy", {0}), ("part", {0}), ("half", {0, 3})])
def test_pictures_are_read_of_what_a_session_depends_on_alone(made: Made, name: str, needed: set[int]) -> None:
    fp = Watched(made[0])
    opened = archive.read(fp)
    fp.touched.clear()
    number = opened.number(name)
    pictures = list(archive.open_session(opened, number, device="cpu").pictures())
    assert len(pictures) == opened.placed(number).entry.frames and set(opened.needed(number)) >= needed
    for other, place in enumerate(found(made[0])):
        content = set(range(place.start, place.start + place.entry.content))
        assert bool(content & fp.touched) == (other in {*needed, number} and place.entry.content > 0), other


def test_frames_are_read_without_the_chains_before(made: Made) -> None:
    fp = Watched(made[0])
    session = archive.open_session(archive.read(fp), 0, device="cpu")
    list(session.pictures(0, 12))
    first = len(fp.touched)
    fp.touched.clear()
    list(session.pictures(28, 35))
    assert len(fp.touched) < first


def test_damage_costs_what_depends_on_it(made: Made, path: Path) -> None:
    places = found(made[0])
    broken = bytearray(made[0])
    broken[places[3].start + places[3].entry.content // 2] ^= 16
    path.write_bytes(broken)
    wrong = verdicts(path)
    assert wrong.pop("half").startswith("session 'half': damaged: ")
    assert wrong == {"clip": "", "copy": "", "part": ""}
    broken = bytearray(made[0])
    broken[places[0].start + places[0].entry.content // 2] ^= 16
    path.write_bytes(broken)
    wrong = verdicts(path)
    assert all(line.startswith(f"session {name!r}: ") for name, line in wrong.items())
    assert all("session 'clip': damaged: " in line for line in wrong.values())
    assert shown(path, "half", 0, 5)
    with pytest.raises(FormatError, match="session 'clip': damaged") as caught:
        shown(path, "half", 19, 19)
    assert str(caught.value).count("get a whole copy") == 1


def test_a_damaged_entry_costs_what_depends_on_it(made: Made, path: Path) -> None:
    place = found(made[0])[0]
    broken = bytearray(made[0])
    broken[place.end - 20] ^= 16
    path.write_bytes(broken)
    wrong = verdicts(path)
    assert list(wrong) == ["0", "copy", "part", "half"] and all("session 0" in line for line in wrong.values())
    with pytest.raises(CodecError, match="no session 'clip' in it; it has copy, part, half"):
        shown(path, "clip")
    assert shown(path, "half", 0, 5)


def test_other_pictures_than_those_added_are_found(made: Made) -> None:
    place = found(made[0])[3]
    other = pack_entry(replace(place.entry, digest=bytes(32)), LIMITS)
    data = made[0][: place.start + place.entry.content] + other
    (*fine, wrong) = archive.verify(archive.read(io.BytesIO(data)), device="cpu")
    assert [v.error for v in fine] == [None] * 3
    assert "session 'half': it decodes to other pictures" in str(wrong.error)


def test_frames_of_another_kind_are_refused(made: Made) -> None:
    first = found(made[0])[0]
    header = replace(archive.read(io.BytesIO(made[0])).header(0), width=16)
    content = written(header, [Unit(0, 1, 0, b"", 9)])[5:]
    shared = replace(
        entry(1, "other", len(content)), frames=13, depends=(1,), segments=(Segment(1, 4, 0), Segment(0, 9))
    )
    opened = archive.read(io.BytesIO(made[0][: first.end] + content + pack_entry(shared, LIMITS)))
    with pytest.raises(FormatError, match="pictures of session 'clip', which are of another kind"):
        list(archive.open_session(opened, 1, device="cpu").pictures())


def test_a_content_of_other_frames_than_its_entry_says_is_refused(made: Made) -> None:
    first = found(made[0])[0]
    for frames in (35, 37):
        changed = replace(first.entry, frames=frames, hashes=bytes(2 * frames))
        data = made[0][: first.start + first.entry.content] + pack_entry(changed, LIMITS)
        with pytest.raises(FormatError, match="session 'clip': damaged: its entry says other frames"):
            archive.open_session(archive.read(io.BytesIO(data)), 0, device="cpu")


def test_earlier_sessions_are_given_to_codecs_by_distance(made: Made, path: Path) -> None:
    with archive.opened(path) as opened:
        earlier = opened.earlier(4)
        for one in (earlier, pickle.loads(pickle.dumps(earlier))):
            assert one.count == 4
            units = [one.session(d).units for d in (4, 3, 2, 1)]
            assert units[1:3] == [0, 0] and units[0] == 3 and units[3] >= 1
            session = one.session(4)
            assert session.header == opened.header(0) and session.earlier.count == 0
            assert session.unit(0).packets
            for distance in (0, 5, -1):
                with pytest.raises(FormatError):
                    one.session(distance)
        with pytest.raises(FormatError, match="which its entry doesn't say"):
            earlier.session(1).earlier.session(2)
