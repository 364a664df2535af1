"""Videos of an archive that share one network: each needs the one before, and stays what it was."""

from pathlib import Path

import numpy as np
import pytest
from helpers.archived import shown, verdicts
from helpers.archives import found
from helpers.coded_videos import equal
from helpers.video_clips import BT601, RATE, moving, pictures

from codec import archive
from codec.archive.describe import reused
from codec.codecs.options import Target, VideoOptions
from codec.codecs.pfnr import codec
from codec.codecs.pfnr.presets import PRESETS, Preset
from codec.media import Info
from codec.media.video import Video
from codec.models.pfnr import Shape


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(PRESETS, "tiny", Preset(Shape(8, 6, (6, 4), (4, 2), ((1, 2, 2),)), 0.3, 0.3, 6, 1, 2e-2))
    archive.create(tmp_path / "all.ncf")
    return tmp_path / "all.ncf"


def add(path: Path, number: int) -> archive.Added:
    frames = [(np.roll(y, 9 * number, 1), u, v) for y, u, v in moving(24, 40, 3)]
    info = Info(40, 24, frames=0, rate=RATE, color=BT601)
    clip = Video(info, [], 3, lambda: iter(pictures(frames)))
    options = VideoOptions(Target(quality=50.0), preset="tiny")
    with archive.writing(path, device="cpu") as writer, path.with_name("part").open("w+b") as part:
        return writer.add(f"video {number}", clip, part, "pfnr", options=options)


def test_a_network_grows_and_no_video_changes(path: Path) -> None:
    before = []
    for number in range(3):
        assert add(path, number).entry.depends == ((1,) if number else ())
        before.append(shown(path, f"video {number}"))
        assert len(before[-1]) == 3
    assert list(verdicts(path).values()) == ["", "", ""]
    with archive.opened(path) as found:
        first, *later = (reused(found, number) for number in range(3))
    assert first == (0, 0, 0) and all(begun == 1 and 0 < kept < used for begun, kept, used in later)
    for number, wanted in enumerate(before):
        assert equal(shown(path, f"video {number}"), wanted)


def test_another_network_begins_where_the_last_one_is_damaged(path: Path) -> None:
    start = path.stat().st_size
    add(path, 0)
    data = bytearray(path.read_bytes())
    data[start + found(bytes(data))[0].entry.content // 2] ^= 1
    path.write_bytes(data)
    assert add(path, 1).entry.depends == ()
    assert add(path, 2).entry.depends == (1,)
    assert [bool(error) for error in verdicts(path).values()] == [True, False, False]


def test_a_chain_has_an_end(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "CHAIN", 1)
    assert [add(path, number).entry.depends for number in range(3)] == [(), (1,), ()]
    assert list(verdicts(path).values()) == ["", "", ""]
    monkeypatch.setattr(codec, "CHAIN", 0)
    assert "more than 0 others" in verdicts(path)["video 1"]
