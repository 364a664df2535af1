"""Of damaged videos all is had that needs nothing of the damage, and what no encoder writes is refused."""

import io
from collections.abc import Sequence
from typing import Any

import pytest
from helpers.coded_videos import GROUPS, KEYS, damaged, decoded, equal, index_of

from codec import container, video
from codec.container import Header
from codec.errors import CodecError, FormatError
from codec.media.video import Picture


def test_frames_before_damage_need_nothing_of_it(clip: bytes, shown: list[Picture]) -> None:
    assert equal(decoded(damaged(clip, 1), 0, 5), shown[:6])


@pytest.mark.parametrize(
    ("units", "lost", "says"),
    [
        ([0], range(12), ["frames 0 to 11 are lost"]),
        ([1], range(6, 12), ["frames 6 to 11 are lost"]),
        ([3], range(17, 29), ["frames 17 to 28 are lost"]),
        ([5], range(29, 35), ["frames 29 to 34 are lost"]),
        ([1, 2], range(6, 29), ["frames 6 to 28 are lost"]),
        ([0, 4], [*range(12), *range(23, 29)], ["frames 0 to 11 are lost", "frames 23 to 28 are lost"]),
    ],
)
def test_of_a_damaged_file_all_other_chains_are_had(
    clip: bytes, shown: list[Picture], units: list[int], lost: Sequence[int], says: list[str]
) -> None:
    data = damaged(clip, *units)
    with pytest.raises(
        FormatError, match=f"section '{'B' if units[0] in KEYS else 'U'}' at byte {index_of(clip).offsets[units[0]]}"
    ):
        decoded(data)
    file = video.open_file(io.BytesIO(data), device="cpu", partial=True)
    assert file.frames == 35
    assert equal(list(file.pictures()), [p for n, p in enumerate(shown) if n not in lost])
    assert file.damage is not None and len(file.damage) == len(says)
    assert all(text in str(error) for text, error in zip(says, file.damage, strict=True))


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


@pytest.mark.parametrize("units", [1, 3, 5])
def test_of_a_truncated_file_what_is_there_is_had(clip: bytes, shown: list[Picture], units: int) -> None:
    data = clip[: index_of(clip).offsets[units] + 7]
    with pytest.raises(FormatError, match="truncated"):
        decoded(data)
    file = video.open_file(io.BytesIO(data), device="cpu", partial=True)
    count = sum(GROUPS[:units])
    assert equal(list(file.pictures()), shown[:count])
    (error,) = file.damage or []
    assert "truncated" in str(error) and str(error).endswith(f"(frames {count} and later are lost)")


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
