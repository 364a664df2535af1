"""Videos in and out: a file becomes an `Info`, 8-bit 4:2:0 pictures with their times and a copy of the sound, and back.

A few pictures are in memory at a time, both ways. Matrix, range and times stay as they are; docs/media.md says what
can't be kept.
"""

from codec.media.formats import VIDEO_SUFFIXES, is_video
from codec.media.video.picture import Picture, Planes
from codec.media.video.read import Video, read_video
from codec.media.video.write import VIDEO_FORMATS, write_folder, write_video

__all__ = [
    "VIDEO_FORMATS",
    "VIDEO_SUFFIXES",
    "Picture",
    "Planes",
    "Video",
    "is_video",
    "read_video",
    "write_folder",
    "write_video",
]
