"""Adapter of the JPEG codec: a file to one unit, and back.

    file -> rest, components (codec.media.jpeg_bits) -> coefficients as bytes -> Unit
    Unit -> rest, coefficients -> file

The unit's checksum is that of the file. Every file is put together again when it is encoded; what does not come apart
well is kept as it is.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from codec import weights
from codec.codecs.base import Progress
from codec.codecs.checksum import compare
from codec.codecs.jpeg import CODEC, payload
from codec.codecs.jpeg.coefficients import Geometry, Tell, decode, encode
from codec.codecs.jpeg.weights import load
from codec.codecs.options import ImageOptions
from codec.codecs.partial import Found, check_plain, expect
from codec.container import LIMITS, UNIT_BYTES, Header, Unit
from codec.container.fields import varint
from codec.errors import CodecError, FormatError, LimitError, MediaError
from codec.media import read
from codec.media.jpeg import turned
from codec.media.jpeg_bits import (
    Component,
    Jpeg,
    check_pixels,
    frame_before_scans,
    frame_of,
    join,
    split,
)

_STEPS = 1000  # of what is told of progress
_SPLIT = 0.05  # of an encoding's work: until the coefficients are there
_READABLE = 2**25  # pixels: of larger pictures it isn't tried whether they can be read


class _Share:
    """Tells whoever waits which share of the work is done."""

    def __init__(self, progress: Progress | None, low: float = 0.0, high: float = 1.0) -> None:
        self._progress, self._low, self._high = progress, low, high

    def __call__(self, share: float) -> None:
        if self._progress:
            self._progress(round(_STEPS * (self._low + (self._high - self._low) * share)), _STEPS)

    def part(self, low: float, high: float) -> _Share:
        """For a part of the work, which goes from one share to another."""
        return _Share(self._progress, low, high)


class JpegFiles:
    """A FileCodec with one set of weights (None: it reads files that need none). It runs on the processor, whatever
    the device."""

    def __init__(self, path: Path | None) -> None:
        self.fingerprint = b"" if path is None else weights.fingerprint(path)
        self.networks = {} if path is None else load(path)

    def encode(
        self, data: bytes, options: ImageOptions, progress: Progress | None = None, max_pixels: int = 2**28
    ) -> tuple[Header, Iterator[Unit]]:
        """See FileCodec. `verify`: decode the coefficients again, too, and compare."""
        verify = options.verify is not False
        tell = _Share(progress)
        coding = 0.5 if verify else 1.0
        width, height, channels = _picture(data, max_pixels)
        header = Header(
            codec=CODEC.id, revision=CODEC.revision, width=width, height=height, channels=channels,
            fingerprint=self.fingerprint, private=varint(len(data)),
        )  # fmt: skip
        coded = self._coded(data, max_pixels, tell, coding)
        if coded is None or len(coded) > len(data):
            header, coded = replace(header, fingerprint=b""), payload.pack_whole(data)
        try:
            LIMITS.check_dense(width, height, UNIT_BYTES + len(coded), CODEC.dense)
        except LimitError:  # a flat picture that gets too small to be believed
            header, coded = replace(header, fingerprint=b""), payload.store(data)
            LIMITS.check_dense(width, height, UNIT_BYTES + len(coded), CODEC.dense)
        unit = Unit(0, zlib.crc32(data), 0, coded)
        if verify and self._decoded(header, unit, tell.part(coding, 1.0)) != data:
            raise MediaError("does not decode to the file; please report this file")
        return header, iter([unit])

    def _coded(self, data: bytes, max_pixels: int, tell: _Share, end: float) -> bytes | None:
        """A JPEG in parts as the payload of a unit; None for one that doesn't come together again as it was."""
        jpeg = _apart(data, max_pixels)
        if jpeg is None:
            return None
        tell(_SPLIT)
        coefficients = encode(self.networks, jpeg.components, tell.part(_SPLIT, end))
        if not payload.fits(coefficients, frame_of(jpeg.rest)[2]):
            return None
        return payload.pack(payload.Parts(jpeg.rest, coefficients))

    def decode(self, header: Header, units: Iterable[Found], progress: Progress | None = None) -> bytes:
        """See FileCodec."""
        payload.check_header(header)
        (unit,) = expect(units, 1, None)
        assert unit is not None  # all are read
        if not isinstance(unit, Unit):
            raise unit
        return self._decoded(header, unit, _Share(progress))

    def _decoded(self, header: Header, unit: Unit, tell: Tell) -> bytes:
        check_plain(unit)
        parts = payload.unpack(unit.payload)
        if isinstance(parts, bytes):
            data = payload.whole(parts, payload.file_size(header))
        else:
            shapes = payload.shapes(header, parts)
            geometry = [Geometry(*shape) for shape in shapes]
            blocks = decode(self.networks, parts.coded, geometry, tell)
            components = [Component(*shape[2:], one) for shape, one in zip(shapes, blocks, strict=True)]
            with payload.damaged():
                data = join(components, parts.rest)
        compare(zlib.crc32(data), unit.checksum, "the JPEG's bytes")
        tell(1.0)
        return data


def _picture(data: bytes, max_pixels: int) -> tuple[int, int, int]:
    """Width and height of a JPEG's picture, turned upright, and how many components it has. MediaError for one that
    can't be kept; LimitError for more than `max_pixels`."""
    try:
        frame = frame_before_scans(data)
    except MediaError as error:
        raise MediaError(f"{error}, so it can't be kept byte for byte; {_otherwise(data)}") from error
    check_pixels(frame, max_pixels)
    width, height = (frame.height, frame.width) if turned(data) else (frame.width, frame.height)
    return width, height, len(frame.parts)


def _otherwise(data: bytes) -> str:
    """What can be done with a JPEG that can't be kept."""
    try:
        read(data, max_pixels=_READABLE)
    except CodecError:
        return "keep the JPEG itself"
    return "--codec circuit (codec='circuit') keeps its pixels"


def _apart(data: bytes, max_pixels: int) -> Jpeg | None:
    """A JPEG in its parts, if those give it again."""
    try:
        jpeg = split(data, max_pixels)
        frame_of(jpeg.rest)
        return jpeg if join(jpeg.components, jpeg.rest) == data else None
    except (MediaError, FormatError):
        return None


def open_codec(which: bytes | Path | None) -> JpegFiles:
    """The codec that encodes by default (None) or with a file of weights, or the one that a fingerprint names; b"": a
    file that needs no weights."""
    return _loaded(None if which == b"" else weights.resolve(CODEC.name, CODEC.weights, which))


@lru_cache(maxsize=2)
def _loaded(path: Path | None) -> JpegFiles:
    return JpegFiles(path)
