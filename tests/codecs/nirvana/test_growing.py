"""Networks of a session of an archive begin from those of earlier sessions, and need no others."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers.coded_videos import video_of
from helpers.earlier import InMemory
from helpers.filter_clips import distorted, drawn
from helpers.video_clips import pictures, same

from codec import container, video
from codec.codecs.nirvana import CODEC, filters, head, states
from codec.codecs.nirvana.describe import describe
from codec.codecs.nirvana.filters.payload import CHANGED, OFF
from codec.codecs.nirvana.filters.payload import pack as packed
from codec.codecs.nirvana.filters.weights import lessened
from codec.codecs.nirvana.references import Reference, pack, split
from codec.codecs.nirvana.states import States
from codec.codecs.options import Target, VideoOptions
from codec.container import Header, Unit
from codec.errors import CodecError, FormatError
from codec.media.video import Picture, Planes

SIZE = (64, 96)


@pytest.fixture(scope="module", autouse=True)
def small_groups() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(head, "GROUP", 8)
        yield


def coded(frames: list[Planes], earlier: InMemory | None = None, **options: Any) -> bytes:
    fp = io.BytesIO()
    wanted = VideoOptions(Target(quality=30), 1, base="x264", earlier=earlier)
    video.encode(video_of(pictures(frames)), fp, options=wanted, device="cpu", **options)
    return fp.getvalue()


def units_of(data: bytes) -> tuple[Header, list[Unit]]:
    header, units = container.read(data)
    return header, list(units)


def shown(data: bytes, earlier: InMemory | None, **options: Any) -> list[Picture]:
    return list(video.open_file(io.BytesIO(data), device="cpu", earlier=earlier, **options).pictures())


def network_bytes(data: bytes) -> int:
    return sum(len(unit.payload) for unit in units_of(data)[1])


@pytest.fixture(scope="module")
def halves() -> tuple[list[Planes], list[Planes]]:
    frames = drawn(32, SIZE)
    return frames[:16], frames[16:]


@pytest.fixture(scope="module")
def first(halves: tuple[list[Planes], list[Planes]], small_groups: None) -> bytes:
    return coded(halves[0])


@pytest.fixture(scope="module")
def second(halves: tuple[list[Planes], list[Planes]], first: bytes) -> bytes:
    return coded(halves[1], InMemory([first]))


def test_networks_of_a_related_clip_cost_less(
    halves: tuple[list[Planes], list[Planes]], first: bytes, second: bytes
) -> None:
    header, units = units_of(second)
    assert header.private[0] == 6
    assert split(units[0].payload)[0]  # it does begin from the first
    alone = coded(halves[1])
    assert network_bytes(second) < 0.8 * network_bytes(alone)
    assert [unit.packets for unit in units_of(alone)[1]] == [unit.packets for unit in units]


def test_it_decodes_beside_what_it_begins_from(first: bytes, second: bytes) -> None:
    earlier = InMemory([first])
    pictures = shown(second, earlier)
    assert len(pictures) == 16
    bare = shown(second, earlier, base=True)
    assert not all(same(a.planes, b.planes) for a, b in zip(pictures, bare, strict=True))
    header, units = units_of(second)
    assert CODEC.videos is not None
    assert [CODEC.videos.needs(header, unit) for unit in units] == [frozenset({1}), frozenset()]


def test_only_its_archive_has_what_it_begins_from(first: bytes, second: bytes) -> None:
    with pytest.raises(FormatError, match="open it in its archive"):
        shown(second, None)
    with pytest.raises(FormatError, match="no earlier session has"):
        shown(second, InMemory([]))
    file = video.open_file(io.BytesIO(second), device="cpu", earlier=InMemory([first], lost=[1]), partial=True)
    assert len(list(file.pictures())) == 16
    assert file.damage and "as the stream has them" in str(file.damage[0])
    bare = shown(second, None, base=True)
    assert len(bare) == 16


def test_a_session_that_begins_elsewhere_is_begun_from_by_none(
    halves: tuple[list[Planes], list[Planes]], first: bytes, second: bytes
) -> None:
    """So a reader needs one session besides, and no others behind it."""
    third = coded(halves[1], InMemory([first, second]))
    _, units = units_of(third)
    references, _ = split(units[0].payload)
    assert {one.distance for one in references} == {2}
    header, kept = units_of(second)
    found = States(header, InMemory([first, second]))
    with pytest.raises(FormatError, match="no earlier session has"):
        found.begun([Reference(1, 1, len(kept) - 1)], None)
    with pytest.raises(FormatError, match="no earlier session has"):
        found.begun([Reference(1, 2, 99)], None)


def test_references_lead_through_so_many_units_and_each_is_read_once(
    first: bytes, second: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "_READ", 2)
    (_, kept), (header, _) = units_of(first), units_of(second)
    assert len(kept) == 2
    found = States(header, InMemory([first, first]))
    for _ in range(5):
        found.begun([Reference(1, 1, 1), Reference(2, 1, 0)], None)
    with pytest.raises(FormatError, match="no earlier session has"):
        found.begun([Reference(1, 2, 0)], None)


def test_a_damaged_session_does_not_stop_later_ones(halves: tuple[list[Planes], list[Planes]], first: bytes) -> None:
    data = coded(halves[1], InMemory([first], lost=[0]))
    assert not split(units_of(data)[1][0].payload)[0]


def test_an_interrupted_one_goes_on(halves: tuple[list[Planes], list[Planes]], first: bytes, second: bytes) -> None:
    index = container.read_index(io.BytesIO(second))
    fp = io.BytesIO(second[: index.offsets[1] + 3])
    wanted = VideoOptions(Target(quality=30), 1, base="x264", earlier=InMemory([first]))
    video.encode(video_of(pictures(halves[1])), fp, options=wanted, device="cpu", resume=True)
    assert fp.getvalue() == second


def test_sessions_of_another_kind_are_passed_over(halves: tuple[list[Planes], list[Planes]], first: bytes) -> None:
    header, _ = units_of(first)
    assert header.stream is not None
    assert States(header, InMemory([first])).candidates
    for other in (replace(header, depth=10), replace(header, stream=header.stream._replace(chroma=(1, 1)))):
        found = States(other, InMemory([first]))
        assert not found.candidates
        with pytest.raises(FormatError):
            found.begun([Reference(1, 1, 0)], None)


def test_description(second: bytes) -> None:
    header, units = units_of(second)
    found = describe(header, units)
    begins = found.values["groups"][0]["begins"]
    assert begins[0]["back"] == 1
    assert "of 1 session back" in found.remarks[0]
    assert "begins" not in found.values["groups"][1]


def test_an_ordinary_file_has_no_references(first: bytes, second: bytes) -> None:
    header, units = units_of(second)
    plain = replace(header, private=bytes([5]) + header.private[1:])
    fp = io.BytesIO()
    container.write(fp, plain, units)
    with pytest.raises(FormatError, match="damaged"):
        shown(fp.getvalue(), InMemory([first]))


def test_references_are_what_they_were() -> None:
    found = [Reference(5, 1, 300), Reference(2, 200, 0)]
    assert split(b"\1\2\3" + pack(found) + b"\x15rest") == (found, b"\x15rest")
    assert split(b"") == ([], b"")


@pytest.mark.parametrize(
    "wrong",
    [
        [Reference(0, 1, 0)],
        [Reference(8, 1, 0)],
        [Reference(1, 0, 0)],
        [Reference(3, 1, 0), Reference(2, 2, 0)],
        [Reference(2, 1, 0), Reference(1, 2, 0)],
        [Reference(1, 1, 0), Reference(2, 1, 0)],
    ],
)
def test_references_that_no_encoder_writes(wrong: list[Reference]) -> None:
    with pytest.raises(FormatError):
        split(b"\1\2\3" + pack(wrong) + b"\x15")


def test_references_that_end_early() -> None:
    with pytest.raises(FormatError):
        split(b"\1\2\3\x41\1")


def test_unrelated_candidates_change_nothing() -> None:
    """What is begun from has to save more than its reference takes."""
    source = drawn(4, (48, 64))
    base = distorted(source, 8)
    other = [tuple(255 - plane for plane in frame) for frame in source]
    state = filters.fit(other, base, 8, None, stream_bytes=3_000).state
    found = filters.fit(base, source, 8, None, stream_bytes=3_000, candidates=[state])
    alone = filters.fit(base, source, 8, None, stream_bytes=3_000, candidates=[])
    assert found.begins == (None, None, None)
    assert found.payload == alone.payload


def test_a_plane_begins_from_its_candidate_or_none() -> None:
    source = drawn(8, (48, 64))
    base = distorted(source, 8)
    state = filters.fit(base[:4], source[:4], 8, None, stream_bytes=3_000).state
    y, u, v = state.filters
    candidates = [filters.State((y, None, None)), filters.State((None, None, v))]
    found = filters.fit(base[4:], source[4:], 8, None, stream_bytes=3_000, candidates=candidates)
    assert found.begins == (0, None, 1)
    lent = filters.State((y, None, v), (4, 0, 4))
    made, after = filters.apply(base[4:], found.payload, 8, lent)
    assert all(same(a, b) for a, b in zip(made, found.frames, strict=True))
    assert not any(after.lent)
    with pytest.raises(CodecError):
        filters.apply(base[4:], found.payload, 8, None)
    with pytest.raises(CodecError):  # U is new, which takes nothing of what is lent
        filters.apply(base[4:], found.payload, 8, filters.State((y, u, v), (4, 4, 4)))


def test_a_part_of_what_is_lent_remains() -> None:
    """Whole weights, so the part that is coded makes the same ones everywhere."""
    source = drawn(4, (48, 64))
    state = filters.fit(distorted(source, 8), source, 8, None, stream_bytes=3_000).state
    for quarters in range(1, 5):
        lent = tuple(quarters * (which is not None) for which in state.filters)
        kept = [
            None if which is None else replace(which, weights=lessened(which.weights, quarters))
            for which in state.filters
        ]
        modes = [CHANGED if which else OFF for which in kept]
        payload = packed(kept, modes, filters.State(state.filters, lent))
        after = filters.replay(payload, filters.State(state.filters, tuple(4 * bool(n) for n in lent)))
        for made, which in zip(after.filters, kept, strict=True):
            assert (made is None) == (which is None)
            assert which is None or (made.weights == which.weights).all()
    assert lessened(np.array([-3, -2, -1, 0, 1, 2, 3, 127]), 2).tolist() == [-1, -1, 0, 0, 1, 1, 2, 64]
