"""What every video codec needs: opening, chains, targets, writing and resuming, seeking.

encode(video, fp, codec, options=...)          chains in order, or several at once
open_file(fp).pictures(first, last)            only what holds them is read and decoded
"""

from codec.video.codecs import CODECS, DEFAULT, layouts_of, open_codec
from codec.video.encode import encode
from codec.video.file import File, open_file
from codec.video.options import EFFORT, EFFORTS, Options, Target, Told

__all__ = [
    "CODECS",
    "DEFAULT",
    "EFFORT",
    "EFFORTS",
    "File",
    "Options",
    "Target",
    "Told",
    "encode",
    "layouts_of",
    "open_codec",
    "open_file",
]
