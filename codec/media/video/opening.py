"""Opening a video file: only containers of video, only the file itself, and plain errors."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, NamedTuple, TypeAlias

from codec import urls
from codec.container import MAGIC
from codec.errors import CodecError, MediaError
from codec.media.formats import is_video
from codec.media.signatures import HEAD

if TYPE_CHECKING:
    import av

VideoSource: TypeAlias = "str | os.PathLike[str] | bytes"

# Only these are tried: FFmpeg also knows playlists, which would make it open other files than the one given.
_DEMUXERS = "mov,matroska,webm,avi,yuv4mpegpipe,mpegts,mpeg,mpegvideo,m4v,h264,hevc,obu,av1,ivf,ogg,flv,asf,nut,mxf,dv"
_BUFFER = 2**18  # bytes asked of the file at once


@contextmanager
def named(source: VideoSource) -> Iterator[None]:
    """Errors begin with the name of the file."""
    try:
        yield
    except CodecError as error:
        if isinstance(source, bytes):
            raise
        raise type(error)(f"{os.fspath(source)}: {error}") from error.__cause__


class Version(NamedTuple):
    """By what a file is known to be the one that it was: a video is read several times, and others may write to it."""

    size: int
    changed: int  # when, in ns; of a URL 0


def version(source: VideoSource) -> Version | None:
    """That of a file as it is now; OSError if there is none. None: it can't change."""
    if isinstance(source, bytes):
        return None
    return Version(urls.size(source), 0) if urls.is_url(source) else _version(os.stat(source))


def _version(status: os.stat_result) -> Version:
    return Version(status.st_size, status.st_mtime_ns)


def changed() -> MediaError:
    """What is told of a file that isn't of its version any more."""
    return MediaError("has changed while it was read; encode it when nothing writes to it")


class _Same(io.FileIO):
    """A file that gives MediaError where it isn't of this version any more."""

    def __init__(self, source: str | os.PathLike[str], wanted: Version) -> None:
        super().__init__(os.fspath(source))
        self._wanted = wanted

    def readinto(self, buffer: Any, /) -> int:
        count = super().readinto(buffer)
        if _version(os.fstat(self.fileno())) != self._wanted:
            raise changed()
        return count or 0


def _file(source: VideoSource, wanted: Version | None) -> IO[bytes]:
    if isinstance(source, bytes):
        return io.BytesIO(source)
    assert wanted is not None
    if urls.is_url(source):
        if version(source) != wanted:
            raise changed()
        return urls.opened(source)
    return io.BufferedReader(_Same(source, wanted))


@contextmanager
def opened(source: VideoSource, wanted: Version | None) -> Iterator[av.container.InputContainer]:
    """The file, opened by FFmpeg. MediaError for what it can't make out, or isn't of the `version` that is wanted;
    OSError if it can't be read."""
    import av

    with _file(source, wanted) as fp:
        head = fp.read(HEAD)
        fp.seek(0)
        if not head:
            raise MediaError("the file is empty; give a video")
        if head.startswith(MAGIC):
            raise MediaError("is an .ncf file already; decode it, or give a video")
        # No protocol either: what a file names is never opened. Options of the container only: PyAV before 18 crashes
        # over those of streams that turn up late.
        options = {"format_whitelist": _DEMUXERS, "protocol_whitelist": ""}
        try:
            container = av.open(fp, "r", container_options=options, metadata_errors="replace", buffer_size=_BUFFER)
        except av.error.FFmpegError as error:
            if is_video(head):
                raise MediaError("is damaged or cut off: its index can't be read; get a whole copy of it") from error
            raise MediaError("is no video, is damaged or of a rare kind; convert it to mp4 first") from error
        with container:
            yield container


def video_stream(container: av.container.InputContainer) -> av.VideoStream:
    """The first stream of pictures that is no cover picture. MediaError if there is none, or none that can be read."""
    from av.stream import Disposition

    covers = Disposition.attached_pic | Disposition.timed_thumbnails
    for stream in container.streams.video:
        if not Disposition(stream.disposition) & covers:
            if stream.codec_context is None:
                raise MediaError("is video of a kind that this FFmpeg can't decode; convert it to mp4 first")
            return stream
    raise MediaError("has no video in it; give a file that has one")


def whole_packets(container: av.container.InputContainer, *streams: av.VideoStream) -> Iterator[av.Packet]:
    """The packets of these streams (of all, if none is given) up to where the file is cut off, without half ones."""
    import av

    try:
        for packet in container.demux(*streams):
            if packet.size and not packet.is_corrupt:
                yield packet
    except av.error.FFmpegError:
        return
