"""Codecs are told apart by their folders, names and numbers."""

from importlib.resources import files

from codec.codecs import all_codecs, default
from codec.codecs.options import VideoOptions


def test_folders_are_names_and_numbers_are_of_one_codec_each() -> None:
    folders = files("codec.codecs").iterdir()
    found = {folder.name for folder in folders if folder.is_dir() and folder.joinpath("__init__.py").is_file()}
    assert set(all_codecs()) == found
    assert len({codec.id for codec in all_codecs().values()}) == len(found)


def test_each_kind_of_media_has_one_default() -> None:
    for kind in ("image", "lossless", "video"):
        chosen = [codec for codec in all_codecs().values() if kind in codec.default_for]
        assert [default(kind)] == chosen


def test_a_video_codec_says_what_a_frame_takes_in_each_stage() -> None:
    for codec in all_codecs().values():
        if codec.videos is not None:
            stages = codec.videos.stages(VideoOptions())
            assert stages and all(cost > 0 for cost in stages.values())
