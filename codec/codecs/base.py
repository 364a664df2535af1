"""What a video codec is to the rest: chains of pictures to units and back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from codec.container import Header, Unit
from codec.media import Info
from codec.media.video import Layout, Picture
from codec.video.cuts import Chain
from codec.video.options import Options, Told

OTHER = "the partial file is of another video or was made with other options; remove it"


@dataclass(frozen=True)
class Task:
    """A chain to be encoded: its pictures, from the first one again with each call, and how. The target of the options
    is a quality, their time is that of this chain."""

    chain: Chain
    pictures: Callable[[], Iterator[Picture]]
    options: Options
    tell: Callable[[Told], None]


class VideoCodec(Protocol):
    """Encodes and decodes chains of at most `length` frames, of pictures in one of `layouts`."""

    length: int
    layouts: tuple[Layout, ...]
    steps: int  # of a Searchable: a quality is a multiple of 100 / steps; of others 0

    def header(self, info: Info, options: Options) -> Header:
        """Of a video to be encoded at a quality; the number of frames is left open."""
        ...

    def encode(self, header: Header, task: Task, done: Sequence[Unit]) -> Iterator[Unit]:
        """A chain's units, numbered from 0; without the first of them, if an interrupted run made these already."""
        ...

    def starts_chain(self, header: Header, unit: Unit) -> bool:
        """Whether decoding can begin with a unit."""
        ...

    def decode(self, header: Header, units: Iterable[Unit], first: int = 0) -> Iterator[Picture]:
        """The pictures of a chain's units, the first of which has the number `first` in the video."""
        ...


class Searchable(VideoCodec, Protocol):
    """One that is quick enough to look for the quality that reaches another target."""

    def trial(self, header: Header, task: Task, fitted: bool) -> tuple[int, float]:
        """Bytes of a chain, about, and the sum of its frames' PSNR (6:1:1); before anything is fitted, or after."""
        ...

    def quality(self, header: Header) -> float:
        """That a file was made with."""
        ...
