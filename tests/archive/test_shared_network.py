"""Videos of an archive that share one network: each needs the one before, and stays what it was."""

from pathlib import Path

import numpy as np
import pytest
from helpers.archived import shown, verdicts
from helpers.coded_videos import equal
from helpers.video_clips import BT601, RATE, moving, pictures

from codec import archive
from codec.codecs.options import Target, VideoOptions
from codec.codecs.pfnr.presets import PRESETS, Preset
from codec.media import Info
from codec.media.video import Video
from codec.models.pfnr import Shape


def test_a_network_grows_and_no_video_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PRESETS, "tiny", Preset(Shape(8, 6, (6, 4), (4, 2), ((1, 2, 2),)), 0.3, 0.3, 6, 1, 2e-2))
    path, before = tmp_path / "all.ncf", []
    archive.create(path)
    for number in range(3):
        frames = [(np.roll(y, 9 * number, 1), u, v) for y, u, v in moving(24, 40, 3)]
        info = Info(40, 24, frames=0, rate=RATE, color=BT601)
        clip = Video(info, [], 3, lambda frames=frames: iter(pictures(frames)))  # type: ignore[misc]
        options = VideoOptions(Target(quality=50.0), preset="tiny")
        with archive.writing(path, device="cpu") as writer, (tmp_path / "part").open("w+b") as part:
            added = writer.add(f"video {number}", clip, part, "pfnr", options=options)
        assert added.entry.depends == ((1,) if number else ())
        before.append(shown(path, f"video {number}"))
        assert len(before[-1]) == 3
    assert list(verdicts(path).values()) == ["", "", ""]
    for number, wanted in enumerate(before):
        assert equal(shown(path, f"video {number}"), wanted)
