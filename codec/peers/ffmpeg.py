"""What the peers through PyAV share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codec.errors import CodecError

if TYPE_CHECKING:
    import av

# For containers: no version of the muxer and no number drawn at random goes into the file.
BITEXACT = ("fflags", "+bitexact")


def pyav() -> str:
    """The versions of PyAV and of FFmpeg's libraries in it, for rows."""
    import av

    return f"PyAV {av.__version__}, FFmpeg {av.ffmpeg_version_info}"


def encoder(name: str) -> av.Codec:
    """FFmpeg's encoder of this name; CodecError if the installed PyAV was built without it."""
    import av

    try:
        return av.Codec(name, "w")
    except av.codec.codec.UnknownCodecError:
        raise CodecError(f"this PyAV has no {name}: pip install --force-reinstall --only-binary av av") from None
