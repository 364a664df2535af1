"""What the viewer shows of a file, as RGB: a picture itself, a few frames of a video; the original, and as decoded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import Protocol

import numpy as np

from codec import api, archive, container, media, video
from codec.errors import CodecError
from codec.media import yuv
from codec.media.video import Layout, Picture, Planes, read_video
from codec.peers import JPEG_FILES, PEERS
from codec.peers.tried import tried
from codec.report.curves import family
from codec.report.data import Row

_PLACES = (1, 3, 5)  # sixths of a video at which its frames are taken: the middle one, and two apart from the ends


class Stills(Protocol):
    """An original: `pixels` of each shown frame, uint8 [H, W, 3], and what stands there in an encoded file."""

    pixels: list[np.ndarray]

    def decoded(self, row: Row, folder: Path) -> list[np.ndarray]:
        """The same frames of the file that a row's codec made. CodecError or OSError for what can't be had."""


def stills(kind: str, row: Row) -> Stills:
    """The original that a row of pictures ("image") or of videos is about. CodecError or OSError without it."""
    return _Clip(row) if kind == "video" else _Still(row)


def numbers(kind: str, row: Row) -> list[int | None]:
    """Which frames are shown, counted from 0; [None] for a picture, which is not counted."""
    if kind != "video":
        return [None]
    count = row.get("frames")
    count = count if isinstance(count, int) and count > 0 else 1
    return list(dict.fromkeys(count * place // 6 for place in _PLACES))


class _Still:
    def __init__(self, row: Row) -> None:
        self.pixels = [_pixels(media.read(Path(row["file"])))]  # never a URL, which rows of others may name

    def decoded(self, row: Row, folder: Path) -> list[np.ndarray]:
        data = _kept(row, folder).read_bytes()
        if data.startswith(container.MAGIC):
            decoded = api.decode(data)
            return [_rgb8(next(iter(decoded.frames())), decoded.info.depth)]
        if family(row["codec"]) in PEERS:
            name = family(row["codec"])
            return [_rgb8(tried(name, lambda: PEERS[name].decode(data, 3)), 8)]
        if family(row["codec"]) in JPEG_FILES:
            data = JPEG_FILES[family(row["codec"])].decode(data)
        return [_pixels(media.read(data))]


class _Clip:
    """Both sides get their RGB by the original's matrix and range, as the metrics see them."""

    def __init__(self, row: Row) -> None:
        self._numbers = [n for n in numbers("video", row) if n is not None]
        original = read_video(Path(row["file"]), audio=False)
        self._color = original.info.color
        self._sizes = Layout().sizes(original.info.height, original.info.width)
        self.pixels = self._rgb(_some(original.pictures(), self._numbers))

    def decoded(self, row: Row, folder: Path) -> list[np.ndarray]:
        path = _kept(row, folder)
        with path.open("rb") as fp:
            if fp.read(len(container.MAGIC)) == container.MAGIC:
                if isinstance(number := row.get("archive.number"), int):
                    return self._rgb(_of_session(archive.read(fp), number, self._numbers))
                return self._rgb(_of_chains(video.open_file(fp), self._numbers))
        return self._rgb(_some(read_video(path, audio=False).pictures(), self._numbers))

    def _rgb(self, frames: Iterable[Planes]) -> list[np.ndarray]:
        """RGB of frames, without the rows and columns that a codec of even sizes adds."""
        cut = ([p[:h, :w] for p, (h, w) in zip(planes, self._sizes, strict=True)] for planes in frames)
        return [yuv.to_rgb((y, u, v), self._color) for y, u, v in cut]


def _of_chains(file: video.File, chosen: Sequence[int]) -> Iterator[Planes]:
    """These frames; their chains are decoded once, up to the last of them in each."""
    if chosen[-1] >= file.frames:
        raise _lacking(chosen[-1])
    for _, each in groupby(chosen, file.chain_start):
        mine = list(each)
        for number, picture in enumerate(file.pictures(mine[0], mine[-1]), mine[0]):
            if number in mine:
                yield picture.planes


def _of_session(found: archive.Archive, number: int, chosen: Sequence[int]) -> Iterator[Planes]:
    """These frames of a session."""
    if not 0 <= number < len(found.sessions):
        raise CodecError(f"there is no session {number} in it; evaluate again")
    session = archive.open_session(found, number)
    if chosen[-1] >= session.frames:
        raise _lacking(chosen[-1])
    for frame in chosen:
        yield from (picture.planes for picture in session.pictures(frame, frame))


def _some(pictures: Iterator[Picture], chosen: Sequence[int]) -> list[Planes]:
    """These frames; nothing behind the last of them is decoded."""
    found = [p.planes for n, p in enumerate(islice(pictures, chosen[-1] + 1)) if n in chosen]
    if len(found) < len(chosen):
        raise _lacking(chosen[-1])
    return found


def _lacking(number: int) -> CodecError:
    return CodecError(f"there is no frame {number} in it; evaluate again")


def _kept(row: Row, folder: Path) -> Path:
    # Only the name: a row can't lead out of the folder.
    return folder / Path(str(row["kept"])).name


def _pixels(read: tuple[media.Info, Iterator[np.ndarray]]) -> np.ndarray:
    return _rgb8(next(read[1]), read[0].depth)


def _rgb8(frame: np.ndarray, depth: int) -> np.ndarray:
    """[H, W, 3] uint8 of a frame of any kind; alpha is left out."""
    colour = frame[..., :1] if frame.shape[2] < 3 else frame[..., :3]
    eight = colour if depth == 8 else np.rint(colour * (255 / (2**depth - 1))).astype(np.uint8)
    return np.repeat(eight, 3, 2) if eight.shape[2] == 1 else eight
