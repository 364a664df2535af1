"""The learned start of the sine network: crops of clips, and the command that writes a start."""

from __future__ import annotations

import random
from pathlib import Path

import av
import numpy as np
import pytest

from codec.codecs.nirvana.sine import init
from codec.codecs.nirvana.sine.presets import PRESETS
from codec.errors import CodecError
from codec.train.clips import read_clip
from codec.train.nirvana_init import Crops, main


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """64 x 48, 12 frames; the brightness is four times the frame's number."""
    path = tmp_path_factory.mktemp("clips") / "clip.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", 25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for k in range(12):
            planes = np.full((72, 64), 4 * k, np.uint8)
            planes[:48] += np.arange(64, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
        container.mux(stream.encode(None))
    return path


def test_crops_are_whole_patches_of_consecutive_frames(video: Path) -> None:
    clip = read_clip(video, 48, 100)
    assert len(clip) == 12 and [plane.shape for plane in clip[0]] == [(48, 64), (24, 32), (24, 32)]
    crops = Crops([clip], PRESETS["tiny"].shape, (1, 2), (2, 9), random.Random(0))
    for _ in range(20):
        crop = crops.draw()
        luma, u, v = crop[0]
        assert luma.shape[0] in (16, 32) and luma.shape[1] in (32, 48, 64) and len(crop) == 4
        assert u.shape == v.shape == (luma.shape[0] // 2, luma.shape[1] // 2)
        steps = np.diff([int(frame[1][0, 0]) for frame in crop])
        assert set(steps) in ({4}, {8})
        # Luma and chroma are of the same frame.
        assert int(luma[0, 0]) - int(u[0, 0]) == int(crop[-1][0][0, 0]) - int(crop[-1][1][0, 0])


def test_clips_are_scaled_to_the_lines_wanted(video: Path) -> None:
    clip = read_clip(video, 24, 5)
    assert len(clip) == 5 and clip[0][0].shape == (24, 32)


def test_the_command_writes_a_start_that_loads(video: Path, tmp_path: Path) -> None:
    path = tmp_path / "nirvana-tiny.safetensors"
    rows = ["--rows", "1-2", "--columns", "2"]
    main([str(video), "--preset", "tiny", "-o", str(path), "--minutes", "0.01", "--steps", "10", *rows])
    preset, start = init.load(path)
    random_start = PRESETS["tiny"].random_weights()
    assert preset == "tiny"
    assert any(not np.array_equal(t, random_start.tensors[name]) for name, t in start.tensors.items())


def test_a_clip_without_a_whole_group_is_refused(video: Path, tmp_path: Path) -> None:
    with pytest.raises(CodecError, match="too short or too small"):
        main([str(video), "-o", str(tmp_path / "x.safetensors"), "--frames", "3"])


@pytest.mark.parametrize("preset", ["tiny", "small"])
def test_shipped_starts_are_of_their_presets(preset: str) -> None:
    path = init.shipped(preset)
    assert path is not None and init.load(path)[0] == preset
