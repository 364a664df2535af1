"""Videos in and out: a file becomes an `Info`, planes of pictures with their times and a copy of the sound, and back.

A few pictures are in memory at a time, both ways. Matrix, range and times stay as they are; docs/media.md says what
can't be kept.
"""

from codec.media.formats import VIDEO_SUFFIXES, is_video
from codec.media.video.layout import Layout, Planes
from codec.media.video.picture import Picture, Turn, turn_of, turned
from codec.media.video.read import Video, read_video
from codec.media.video.tags import left_out, without_sound
from codec.media.video.write import VIDEO_FORMATS, write_folder, write_video

__all__ = [
    "VIDEO_FORMATS",
    "VIDEO_SUFFIXES",
    "Layout",
    "Picture",
    "Planes",
    "Turn",
    "Video",
    "is_video",
    "left_out",
    "read_video",
    "turn_of",
    "turned",
    "without_sound",
    "write_folder",
    "write_video",
]
