"""Sessions of PFNR: none ever changes what an earlier one is, a full network is followed by another one, and damage is
told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from helpers.video_clips import BT601, RATE, moving, pictures, same

from codec.codecs import named
from codec.codecs.base import Chain, ChainTask, EarlierSession
from codec.codecs.options import Target, VideoOptions, VideoProgress
from codec.codecs.pfnr import PRESETS as NAMES
from codec.codecs.pfnr import head, payload
from codec.codecs.pfnr.fit import Budget, fit
from codec.codecs.pfnr.presets import PRESETS, Preset
from codec.codecs.pfnr.store import Store
from codec.container import Header, Unit
from codec.errors import CodecError, DesyncError, FormatError
from codec.media import Info
from codec.media.video import Planes
from codec.models.pfnr import Shape

MICRO = Preset(Shape(8, 6, (6, 4), (4, 2), ((1, 2, 2),)), 0.5, 0.5, 12, 1, 2e-2)
VIDEOS = named("pfnr", "video").videos


@dataclass(frozen=True)
class Before:
    """The sessions before one, as an archive gives them."""

    sessions: tuple[tuple[Header, Unit], ...]

    @property
    def count(self) -> int:
        return len(self.sessions)

    def session(self, distance: int) -> EarlierSession:
        if not 1 <= distance <= self.count:
            raise FormatError("no such session")
        header, unit = self.sessions[-distance]
        return EarlierSession(header, lambda number: unit, 1, Before(self.sessions[:-distance]))


@pytest.fixture(autouse=True)
def micro(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small network in place of the preset tiny."""
    monkeypatch.setitem(PRESETS, "tiny", MICRO)


def clip(number: int, height: int = 24, width: int = 40) -> list[Planes]:
    frames = moving(height, width, 3)
    return [(np.roll(y, 7 * number, 1), u, np.roll(v, number, 0)) for y, u, v in frames]


def added(before: Before, frames: list[Planes], preset: str | None = "tiny") -> Before:
    """The sessions after one more."""
    assert VIDEOS is not None
    height, width = frames[0][0].shape
    info = Info(width, height, frames=0, rate=RATE, color=BT601)
    options = VideoOptions(Target(quality=50.0), preset=preset, earlier=before)
    codec = VIDEOS.encoder(info, options, "cpu")
    header = codec.header(info, options)
    told: list[VideoProgress] = []
    task = ChainTask(Chain(0, len(frames)), lambda: iter(pictures(frames)), options, told.append)
    (unit,) = codec.encode(header, task, [])
    assert told[0].frames == len(frames)
    return Before((*before.sessions, (header, unit)))


def decoded(sessions: Before, number: int, before: Before | None = None) -> list[Planes]:
    """The frames of a session, with what is before it alone."""
    assert VIDEOS is not None
    header, unit = sessions.sessions[number]
    earlier = Before(sessions.sessions[:number]) if before is None else before
    return [picture.planes for picture in VIDEOS.decoder(header, "cpu", False, earlier).decode(header, [unit])]


def alike(one: list[Planes], other: list[Planes]) -> bool:
    return all(same(a, b) for a, b in zip(one, other, strict=True))


@pytest.fixture(scope="module")
def three() -> Before:
    """Three sessions, the second of which is of another size."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, "tiny", MICRO)
        sessions = added(Before(()), clip(0))
        sessions = added(sessions, clip(1, 30, 25))
        return added(sessions, clip(2))


def test_nothing_that_is_decoded_changes_with_later_sessions(three: Before) -> None:
    first = decoded(Before(three.sessions[:1]), 0)
    second = decoded(Before(three.sessions[:2]), 1)
    assert [plane.shape for plane in second[0]] == [(30, 25), (15, 13), (15, 13)]
    assert alike(decoded(three, 0), first) and alike(decoded(three, 1), second)
    wanted = clip(0)
    assert np.mean([np.square(a[0].astype(float) - b[0]).mean() for a, b in zip(first, wanted, strict=True)]) < 40**2


def test_a_session_uses_weights_of_earlier_ones_and_writes_over_none(three: Before) -> None:
    store, stores = Store(MICRO.shape), []
    for header, unit in three.sessions:
        parsed = head.parse(header, unit)
        assert parsed.distance == min(len(stores), 1) and parsed.number == len(stores) + 1
        session = payload.unpack(parsed.data, store, MICRO.shape.grid(header.height, header.width), parsed.number)
        assert payload.pack(session, store) == parsed.data
        store, network = store.add(session)
        assert network.checksum == unit.checksum
        stores.append((store, session))
    for (before, _), (after, session) in pairwise(stores):
        for name, values in before.values.items():
            frozen = before.writers[name] > 0
            assert np.array_equal(after.values[name][frozen], values[frozen])
            assert np.array_equal(after.writers[name][frozen], before.writers[name][frozen])
        reused = session.masks["conv_0"] & (before.writers["conv_0"] > 0)
        assert reused.any() and len(session.values["conv_0"]) == (session.masks["conv_0"] & ~reused).sum()
    assert set(np.unique(store.writers["conv_0"])) >= {0, 1, 2}


def test_where_too_little_is_free_a_new_network_begins(three: Before) -> None:
    assert VIDEOS is not None
    sessions = three
    for number in range(3, 9):
        sessions = added(sessions, clip(number))
        needed = VIDEOS.needs(*sessions.sessions[-1])
        if not needed:
            break
    assert needed == frozenset()
    page = Before(sessions.sessions[-1:])
    assert alike(decoded(page, 0), decoded(sessions, len(sessions.sessions) - 1))  # it needs none of the others
    assert head.parse(*page.sessions[0]).number == 1
    assert VIDEOS.needs(*added(sessions, clip(1)).sessions[-1]) == {1}  # and is gone on from


def test_a_session_of_another_preset_stands_between(three: Before, monkeypatch: pytest.MonkeyPatch) -> None:
    assert VIDEOS is not None
    monkeypatch.setitem(PRESETS, "small", replace(MICRO, keep=0.3))
    sessions = added(added(Before(three.sessions[:1]), clip(3), "small"), clip(2))
    assert [VIDEOS.needs(*one) for one in sessions.sessions[1:]] == [frozenset(), {2}]
    assert alike(decoded(sessions, 0), decoded(three, 0))
    assert len(decoded(sessions, 2)) == 3
    wrong = Before((sessions.sessions[1],) * 2)
    with pytest.raises(FormatError, match="of another kind"):
        decoded(sessions, 2, wrong)


def test_without_what_is_before_it_a_session_says_what_is_missing(three: Before) -> None:
    assert VIDEOS is not None
    header, unit = three.sessions[2]
    with pytest.raises(FormatError, match="decode it in its archive"):
        list(VIDEOS.decoder(header, "cpu", False, None).decode(header, [unit]))
    with pytest.raises(CodecError):  # another session in its place
        decoded(three, 2, Before((three.sessions[1], three.sessions[0])))


def test_damage_is_told(three: Before) -> None:
    assert VIDEOS is not None
    header, unit = three.sessions[0]
    rng = np.random.default_rng(0)
    damaged = [unit.payload[:cut] for cut in (0, 1, 3, 40, len(unit.payload) - 1)]
    for at in rng.integers(0, len(unit.payload), 40):
        other = bytearray(unit.payload)
        other[at] ^= 1 << int(rng.integers(8))
        damaged.append(bytes(other))
    damaged.append(unit.payload + b"\1")
    told = 0
    for data in damaged:
        try:
            shown = list(VIDEOS.decoder(header, "cpu", False, None).decode(header, [unit._replace(payload=data)]))
        except (FormatError, DesyncError):
            told += 1
        else:  # a time, of which a file's checksums tell
            assert len(shown) == 3 and data[1:] == unit.payload[1:]
    assert told >= len(damaged) - 1


def test_weights_beyond_what_is_exact_are_refused(three: Before) -> None:
    header, unit = three.sessions[0]
    store, grid = Store(MICRO.shape), MICRO.shape.grid(header.height, header.width)
    session = payload.unpack(head.parse(header, unit).data, store, grid, 1)
    for most in (32767, 500):  # one alone, a row of them together
        values = {name: np.full_like(part, most) for name, part in session.values.items()}
        with pytest.raises(FormatError, match="out of range"):
            store.add(replace(session, values=values, steps=dict.fromkeys(session.steps, 143)))
    store.add(replace(session, head=np.full_like(session.head, 127), head_step=143))  # never so large


def test_a_fit_is_the_same_again_and_single_weights_work() -> None:
    preset = replace(MICRO, shape=replace(MICRO.shape, kernels=False))
    one, other = (fit(preset, Store(preset.shape), clip(0), Budget(4), "cpu") for _ in range(2))
    assert payload.pack(one, Store(preset.shape)) == payload.pack(other, Store(preset.shape))
    assert one.masks["conv_1"].size == 16 * 6 * 9


def test_files_that_no_encoder_writes_are_refused(three: Before) -> None:
    header, unit = three.sessions[0]
    head.check(header, [unit])
    for wrong in ({"private": b"\0"}, {"private": b"\5"}, {"private": b"\1\1"}, {"depth": 10}, {"revision": 1}):
        with pytest.raises(FormatError):
            head.check(replace(header, **wrong))
    large = replace(header, width=2048, height=2048, private=bytes([len(NAMES)]))
    assert VIDEOS is not None
    with pytest.raises(FormatError, match="damaged"):  # so few bytes are no such network, and get no memory for one
        list(VIDEOS.decoder(large, "cpu", False, None).decode(large, [unit]))
    with pytest.raises(CodecError, match="too large"):
        head.check(replace(header, width=4096, height=4096))
    with pytest.raises(FormatError, match="no frames"):
        head.check(header, [unit._replace(frames=0)])
    values = head.describe(header, [unit]).values
    assert values["preset"] == "tiny" and values["networks"][0]["continues"] == 0


def test_presets_are_those_that_the_descriptor_names() -> None:
    assert tuple(PRESETS) == NAMES


def test_who_takes_frames_keeps_their_gradients(three: Before) -> None:
    assert VIDEOS is not None
    header, unit = three.sessions[0]
    shown = VIDEOS.decoder(header, "cpu", False, None).decode(header, [unit])
    next(shown)
    assert torch.is_grad_enabled()
