"""Rows of `tests/bench/cases.py`: each module has ROWS, and what several share is here."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

import codec
from codec import media


class Row(NamedTuple):
    """Files that have one right behaviour; `check(file, empty folder)` raises where it isn't seen."""

    files: tuple[str, ...]
    right: str
    check: Callable[[Path, Path], None]


class Coded(NamedTuple):
    """A picture through an .ncf: what was read, the notes, what came back."""

    info: media.Info
    frame: np.ndarray
    notes: str
    decoded: codec.Decoded

    def written(self, format: str) -> bytes:
        """The decoded picture as a file."""
        buffer = io.BytesIO()
        media.write(self.decoded.info, self.decoded.frames(), buffer, format)
        return buffer.getvalue()


def coded(source: object) -> Coded:
    """Encode without loss and decode."""
    notes: list[str] = []
    info, (frame,) = media.read(source)  # type: ignore[arg-type]
    data = codec.encode(source, lossless=True, effort=1, notes=notes)  # type: ignore[arg-type]
    decoded = codec.decode(data)
    same(next(decoded.frames()), frame)
    return Coded(info, frame, "; ".join(notes), decoded)


def same(seen: object, right: object) -> None:
    """Raise unless both are equal."""
    if isinstance(right, np.ndarray):
        assert isinstance(seen, np.ndarray)
        assert seen.shape == right.shape, f"{seen.shape}, not {right.shape}"
        assert (seen == right).all(), "other pixels"
    assert np.all(seen == right), f"{seen!r}, not {right!r}"


def refused(call: Callable[[], object], *words: str) -> None:
    """Raise unless the call is refused by one line with these words."""
    try:
        call()
    except codec.CodecError as error:
        assert "\n" not in str(error), error
        assert all(word in str(error) for word in words), error
    else:
        raise AssertionError("not refused")


def chunk(data: bytes, tag: bytes) -> bytes | None:
    """The data of a PNG's first chunk of a kind."""
    at = data.find(tag)
    return data[at + 4 : at + 4 + int.from_bytes(data[at - 4 : at], "big")] if at >= 0 else None


def pillow(data: bytes) -> Image.Image:
    """A file as Pillow reads it, loaded."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image
