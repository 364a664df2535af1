"""Image files that a codec keeps as they are: who keeps which, and what is decoded of one."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import IO, Any, TypeAlias

import numpy as np
from PIL import Image

from codec import codecs, media, urls
from codec.codecs.base import Descriptor
from codec.errors import CodecError, LimitError
from codec.media.formats import recognise
from codec.media.jpeg import as_pillow
from codec.media.signatures import HEAD

_MOST = 2**29  # bytes of a file, of which a few copies are in memory
File: TypeAlias = "str | os.PathLike[str] | bytes | IO[bytes]"


def keeper(source: File | np.ndarray | Image.Image, codec: str | None, lossless: bool) -> Descriptor | None:
    """The codec that keeps a file: the one that is named, or without a name and `lossless` the one of its format. None
    if no codec is to keep it. CodecError if the one that is named doesn't take it."""
    named = codecs.of_kind("file").get(codec or "")
    if named is None and (codec or not lossless):
        return None
    found = None
    if not isinstance(source, np.ndarray | Image.Image):
        found = codecs.keeping(recognise(_start(source)))
    if named is not None and found is not named:
        assert named.files is not None
        formats = " and ".join(named.files.formats)
        raise CodecError(f"{named.name} keeps {formats} files, and it is none; leave out the codec")
    return found


def content(source: File) -> bytes:
    """All bytes of a file. LimitError for so many that the memory might not do."""
    if isinstance(source, bytes):
        data = source
    elif isinstance(source, str | os.PathLike):
        with urls.opened(source) as fp:
            data = fp.read(_MOST)
    else:
        data = source.read(_MOST)
    if len(data) >= _MOST:
        raise LimitError(f"is a file of {_MOST >> 20:,} MiB or more, too large to be kept; keep it as it is")
    return data


def _start(source: File) -> bytes:
    if isinstance(source, bytes | str | os.PathLike):
        with urls.stream(source) as fp:
            return fp.read(HEAD)
    head = source.read(HEAD)
    source.seek(0)
    return head


class Original:
    """A file that is decoded when it is asked for, by one thread at a time, once; after an error again."""

    def __init__(self, decode: Callable[[], bytes], max_pixels: int) -> None:
        self._decode, self._max_pixels, self._lock = decode, max_pixels, threading.RLock()
        self._data: bytes | None = None
        self._read: tuple[media.Info, np.ndarray[Any, Any]] | None = None

    @property
    def data(self) -> bytes:
        """Its bytes."""
        with self._lock:
            if self._data is None:
                self._data = self._decode()
            return self._data

    @property
    def image(self) -> Image.Image:
        """The file as Pillow has it, upright: of any mode, those that `picture` refuses too."""
        return as_pillow(self.data, self._max_pixels)

    @property
    def picture(self) -> tuple[media.Info, np.ndarray[Any, Any]]:
        """What a reader of the file makes of it."""
        with self._lock:
            if self._read is None:
                data = self.data
                try:
                    info, (frame,) = media.read(data, max_pixels=self._max_pixels)
                except CodecError as error:
                    why = str(error).partition(";")[0]
                    raise type(error)(f"holds a JPEG that {why}; name an output .jpg to get the JPEG itself") from error
                self._read = info, frame
            return self._read
