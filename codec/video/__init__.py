"""A video file's life, whatever its codec: cut into chains, encoded, written, resumed, opened, sought in.

encode(video, fp, "nirvana", options=...)      chains in order, or several at once
open_file(fp).pictures(first, last)            only what holds them is read and decoded
"""

from codec.video.encode import encode
from codec.video.file import File, open_file

__all__ = ["File", "encode", "open_file"]
