"""Of damaged videos all is had that needs nothing of the damage, and what no encoder writes is refused."""

import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers.coded_videos import GROUPS, KEYS, based, damaged, decoded, encoded, equal, index_of, scenes

from codec import container, video
from codec.container import Header
from codec.errors import CodecError, FormatError
from codec.media.video import Picture, Planes


def test_frames_before_damage_need_nothing_of_it(clip: bytes, shown: list[Picture]) -> None:
    assert equal(decoded(damaged(clip, 1), 0, 5), shown[:6])


@pytest.mark.parametrize(
    ("units", "lost", "bare", "says"),
    [
        ([0], range(12), (), ["frames 0 to 11 are lost"]),
        ([1], (), range(6, 12), ["frames 6 to 11 are as the stream has them"]),
        ([3], (), range(17, 23), ["frames 17 to 22 are as the stream has them"]),
        ([5], range(29, 35), (), ["frames 29 to 34 are lost"]),
        ([1, 2], range(12, 29), range(6, 12), ["frames 6 to 11 are as", "frames 12 to 28 are lost"]),
        ([0, 4], range(12), range(23, 29), ["frames 0 to 11 are lost", "frames 23 to 28 are as the stream has them"]),
    ],
)
def test_of_a_damaged_file_all_other_chains_are_had(
    clip: bytes, shown: list[Picture], units: list[int], lost: Sequence[int], bare: Sequence[int], says: list[str]
) -> None:
    data = damaged(clip, *units)
    with pytest.raises(
        FormatError, match=f"section '{'B' if units[0] in KEYS else 'U'}' at byte {index_of(clip).offsets[units[0]]}"
    ):
        decoded(data)
    file = video.open_file(io.BytesIO(data), device="cpu", partial=True)
    assert file.frames == 35
    base = based(clip)
    wanted = [base[n] if n in bare else p for n, p in enumerate(shown) if n not in lost]
    assert equal(list(file.pictures()), wanted)
    assert file.damage is not None and len(file.damage) == len(says)
    assert all(text in str(error) for text, error in zip(says, file.damage, strict=True))


def networks_file() -> tuple[bytes, list[Planes]]:
    """A chain of three groups, all of which have networks that differ from the stream, and its frames."""
    frames = scenes(64, 96, (24,))
    data = encoded(frames, 30)
    _, units = container.read(data)
    assert [bool(unit.payload) for unit in units] == [True] * 3
    return data, frames


def test_groups_whose_networks_are_damaged_are_as_the_stream_has_them() -> None:
    data, _ = networks_file()
    shown, base = decoded(data), based(data)
    index = index_of(data)
    assert not any(np.array_equal(a.planes[0], b.planes[0]) for a, b in zip(shown, base, strict=True))
    for unit in (0, 1, 2):
        broken = bytearray(data)
        broken[index.offsets[unit] + index.lengths[unit] - 6] ^= 1  # at the end of its section U
        with pytest.raises(FormatError, match="damaged: checksum of section 'U'"):
            decoded(bytes(broken))
        file = video.open_file(io.BytesIO(bytes(broken)), device="cpu", partial=True)
        found = list(file.pictures())
        assert [p.time for p in found] == [p.time for p in shown]
        bare = [n for n in range(24) if not equal(found[n : n + 1], shown[n : n + 1])]
        # From this group on, up to one whose filters don't follow from those before it.
        assert bare[:8] == [*range(8 * unit, 8 * unit + 8)] and equal([found[n] for n in bare], [base[n] for n in bare])
        (error,) = file.damage or []
        assert str(error).endswith(f"(frames {bare[0]} to {bare[-1]} are as the stream has them, without networks)")
        asked = video.open_file(io.BytesIO(bytes(broken)), device="cpu", partial=True, base=True)
        assert equal(list(asked.pictures()), base)


def test_networks_that_are_none_are_told_and_left_out() -> None:
    """Their section is whole, and what it holds is not."""
    data, _ = networks_file()
    header, units = container.read(data)
    buffer = io.BytesIO()
    container.write(buffer, header, [u._replace(payload=u.payload[: 5 if u.index == 1 else None]) for u in units])
    with pytest.raises(CodecError, match="unit 1: "):
        decoded(buffer.getvalue())
    file = video.open_file(buffer, device="cpu", partial=True)
    found, shown, base = list(file.pictures()), decoded(data), based(data)
    assert equal(found[:8], shown[:8]) and equal(found[8:16], base[8:16]) and len(found) == 24
    assert [str(e).startswith("unit 1: ") for e in file.damage or []] == [True]


def test_damaged_sound_costs_no_picture(clip: bytes, shown: list[Picture]) -> None:
    header, units = container.read(clip)
    buffer = io.BytesIO()
    container.write(buffer, replace(header, metadata={"audio": b"sound" * 99, "xmp": b"<x/>"}), units)
    data = bytearray(buffer.getvalue())
    data[data.index(b"soundsound") + 100] ^= 4
    with pytest.raises(FormatError, match="checksum of section 'a'"):
        decoded(bytes(data))
    file = video.open_file(io.BytesIO(bytes(data)), device="cpu", partial=True)
    assert equal(list(file.pictures()), shown) and dict(file.info.metadata) == {"xmp": b"<x/>"}
    assert [str(e).endswith("(audio is left out)") for e in file.damage or []] == [True]


@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize("unit", [0, 2])
def test_a_damaged_tag_or_length_costs_its_chain_alone(clip: bytes, shown: list[Picture], unit: int, at: int) -> None:
    data = bytearray(clip)
    data[index_of(clip).offsets[unit] + at] ^= 0x80
    file = video.open_file(io.BytesIO(bytes(data)), device="cpu", partial=True)
    lost = range(12) if unit == 0 else range(12, 29)
    assert equal(list(file.pictures()), [p for n, p in enumerate(shown) if n not in lost])
    assert len(file.damage or []) == 1


def test_symbols_that_differ_cost_their_chain(clip: bytes, shown: list[Picture]) -> None:
    header, units = container.read(clip)
    changed = [u._replace(checksum=u.checksum ^ (u.index == 2)) for u in units]
    buffer = io.BytesIO()
    container.write(buffer, header, changed)
    with pytest.raises(CodecError, match="unit 2: this machine's decoder gives other samples"):
        decoded(buffer.getvalue())
    file = video.open_file(buffer, device="cpu", partial=True)
    assert equal(list(file.pictures()), shown[:12] + shown[29:])
    assert [str(e).rpartition("(")[2] for e in file.damage or []] == ["frames 12 to 28 are lost)"]


@pytest.mark.parametrize(("units", "count"), [(1, 12), (3, 29), (5, 29)])
def test_of_a_truncated_file_what_is_there_is_had(clip: bytes, shown: list[Picture], units: int, count: int) -> None:
    """Up to the end of the last chain whose packets are there."""
    data = clip[: index_of(clip).offsets[units] + 7]
    with pytest.raises(FormatError, match="truncated"):
        decoded(data)
    file = video.open_file(io.BytesIO(data), device="cpu", partial=True)
    whole = sum(GROUPS[:units])
    assert equal(list(file.pictures()), shown[:whole] + based(clip)[whole:count])
    error, *bare = file.damage or []
    assert "truncated" in str(error) and str(error).endswith(f"(frames {count} and later are lost)")
    what = f"(frames {whole} to {count - 1} are as the stream has them, without networks)"
    assert [str(e).endswith(what) for e in bare] == [True] * (whole < count)


def test_of_a_file_cut_behind_packets_their_pictures_are_had(clip: bytes, shown: list[Picture]) -> None:
    index = index_of(clip)
    data = clip[: index.offsets[2] + index.lengths[2] - 3]  # in section U of a chain's first unit
    file = video.open_file(io.BytesIO(data), device="cpu", partial=True)
    assert equal(list(file.pictures()), shown[:12] + based(clip)[12:29]) and len(file.damage or []) == 2


def test_nothing_is_had_of_a_file_without_a_whole_unit(clip: bytes) -> None:
    for cut in (3, 20, index_of(clip).offsets[0] + 9):
        with pytest.raises(FormatError):
            video.open_file(io.BytesIO(clip[:cut]), device="cpu", partial=True)


def test_a_chain_without_its_start_is_refused(clip: bytes) -> None:
    header, units = container.read(clip)
    buffer = io.BytesIO()
    container.write(buffer, header, [u._replace(index=u.index - 1) for u in list(units)[1:]])
    with pytest.raises(FormatError, match="unit 0: its stream ends early"):
        decoded(buffer.getvalue())


@pytest.mark.parametrize(
    "change",
    [
        {"revision": 9},
        {"channels": 1},
        {"depth": 12},
        {"private": b""},
        {"private": b"\x01"},
        {"private": b"\x05\x09\0\0"},
        {"width": 4000},
    ],
)
def test_a_head_that_no_video_has_is_refused(clip: bytes, change: dict[str, Any]) -> None:
    header, units = container.read(clip)
    buffer = io.BytesIO()
    values = {name: getattr(header, name) for name in Header.__dataclass_fields__} | change
    container.write(buffer, Header(**values), units)
    with pytest.raises(FormatError):
        decoded(buffer.getvalue())
