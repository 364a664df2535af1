"""What `codec.decode` gives: a file whose pixels are decoded when they are asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from codec import container, media
from codec.errors import CodecError
from codec.media import yuv
from codec.media.metadata import pillow_info
from codec.originals import Original
from codec.surroundings import each_on_our_own
from codec.view import View

if TYPE_CHECKING:
    from codec import video


def info_of(header: container.Header) -> media.Info:
    """What a header says of the media."""
    h = header
    return media.Info(h.width, h.height, h.channels, h.depth, h.frames, h.rate, h.color, h.metadata)


class Frames:
    """Frames that are decoded as they are asked for, by one thread at a time, once; after an error again."""

    def __init__(self, begin: Callable[[], Iterator[NDArray[Any]]], count: int) -> None:
        self._begin, self._count, self._lock = begin, count, threading.RLock()
        self._kept: list[NDArray[Any]] = []
        self._rest: Iterator[NDArray[Any]] | None = begin()  # at once: what is wrong with a header is told then

    def __getitem__(self, number: int) -> NDArray[Any]:
        with self._lock:
            while number >= len(self._kept):
                self._rest = self._rest or islice(self._begin(), len(self._kept), None)
                try:
                    self._kept.append(next(self._rest))
                except BaseException:
                    self._rest = None  # a generator that has raised has nothing more to give
                    raise
            if len(self._kept) == self._count:
                self._rest = None  # and with it what it has worked with
            return self._kept[number]


@dataclass(frozen=True)
class Decoded:
    """A decoded file. Frames are decoded as they are asked for, once, and kept."""

    header: container.Header
    damage: list[CodecError] | None  # what was not whole, known once the frames are decoded; None: not asked for
    _frames: Frames | None
    video: video.File | None = None  # for pictures as planes with their times, whole ones
    _original: Original | None = None
    _view: View | None = None

    def __repr__(self) -> str:
        h = self.header
        width, height = (h.width, h.height) if self._view is None else self._view.size
        frames = h.frames if self.video is None else self.video.frames
        return f"<codec.Decoded {width} x {height}, {h.channels} channels of {h.depth} bits, {frames} frames>"

    @property
    def info(self) -> media.Info:
        """What the media is, as it is decoded: size, channels, depth, colour, metadata."""
        h = self.header
        if self.video is not None:
            info = self.video.info
        elif self._original is not None:
            info = self._original.picture[0]
        else:
            info = info_of(h)
        if self._view is None:
            return info
        width, height = self._view.size
        return replace(info, width=width, height=height)

    @property
    def original(self) -> bytes | None:
        """The file that was encoded, byte for byte, of a codec that keeps files (jpeg); None of others."""
        return None if self._original is None else self._original.data

    @each_on_our_own
    def frames(self) -> Iterator[NDArray[Any]]:
        """The frames, [height, width, channels]: uint8, or uint16 for a depth of more than 8 bits.

        Those of a video are decoded each time, and none is kept. Threads may ask for them at the same time.
        """
        if self.video is not None:
            for picture in self.video.pictures():
                frame = yuv.to_rgb(picture.planes, self.header.color, self.header.depth)
                yield frame if self._view is None else self._view.of(frame)
            return
        if self._original is not None:
            frame = self._original.picture[1]
            yield frame if self._view is None else self._view.of(frame)
            return
        assert self._frames is not None
        for i in range(self.header.frames):
            yield self._frames[i]

    def image(self) -> Image.Image:
        """The first frame as a Pillow image, with its profiles in `info`; deep colour at 8 bits. Of a kept JPEG of four
        components, whose frames can't be had, what Pillow makes of it, which is CMYK."""
        if self._original is not None and self.header.channels == 4:
            whole = self._original.image
            if self._view is None:
                return whole
            return Image.fromarray(self._view.of(np.asarray(whole), alpha=False), whole.mode)
        image = media.to_pillow(next(self.frames()), self.header.depth)
        image.info |= pillow_info(self.info.metadata)
        return image
