"""The library's three functions: `encode`, `decode`, `info`.

source -> media.read -> (Info, frames) -> ImageCodec.encode -> Units -> container.write -> bytes
bytes -> container.read -> (Header, Units) -> ImageCodec.decode -> frames

Videos go through codec.video, which also writes them to files group by group.
"""

import io
import os
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from codec import codecs, container, media, originals
from codec.arguments import check_number, check_told
from codec.codecs.base import Descriptor, ImageCodec, ImageMedia, Progress
from codec.codecs.options import VIDEO_EFFORT, ImageOptions, Target, VideoOptions
from codec.container import Limits
from codec.errors import CodecError, FormatError
from codec.media import yuv
from codec.media.formats import is_video
from codec.media.metadata import pillow_info
from codec.media.signatures import HEAD
from codec.media.sources import file_source
from codec.originals import Original
from codec.surroundings import each_on_our_own, on_our_own
from codec.weights import named as named_weights

if TYPE_CHECKING:
    from codec import video

NcfSource = str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes]


class _Frames:
    """Frames that are decoded as they are asked for, by one thread at a time, once; after an error again."""

    def __init__(self, begin: Callable[[], Iterator[NDArray[Any]]]) -> None:
        self._begin, self._lock = begin, threading.RLock()
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
            return self._kept[number]


@dataclass(frozen=True)
class Decoded:
    """A decoded file. Frames are decoded as they are asked for, once, and kept."""

    header: container.Header
    damage: list[CodecError] | None  # what was not whole, known once the frames are decoded; None: not asked for
    _frames: _Frames | None
    video: "video.File | None" = None  # for pictures as planes with their times
    _original: Original | None = None

    def __repr__(self) -> str:
        h = self.header
        frames = h.frames if self.video is None else self.video.frames
        return f"<codec.Decoded {h.width} x {h.height}, {h.channels} channels of {h.depth} bits, {frames} frames>"

    @property
    def info(self) -> media.Info:
        """What the media is: size, channels, depth, colour, metadata."""
        h = self.header
        if self.video is not None:
            return self.video.info
        if self._original is not None:
            return self._original.picture[0]
        return media.Info(
            h.width, h.height, h.channels, h.depth, h.frames, h.rate, h.color, h.metadata
        )  # fmt: skip

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
                yield yuv.to_rgb(picture.planes, self.header.color, self.header.depth)
            return
        if self._original is not None:
            yield self._original.picture[1]
            return
        assert self._frames is not None
        for i in range(self.header.frames):
            yield self._frames[i]

    def image(self) -> Image.Image:
        """The first frame as a Pillow image, with its profiles in `info`; deep colour at 8 bits. Of a kept JPEG of four
        components, whose frames can't be had, what Pillow makes of it, which is CMYK."""
        if self._original is not None and self.header.channels == 4:
            return self._original.image
        image = media.to_pillow(next(self.frames()), self.header.depth)
        image.info |= pillow_info(self.info.metadata)
        return image


@on_our_own
def encode(
    source: media.Source,
    codec: str | None = None,
    *,
    lossless: bool = False,
    quality: float | None = None,
    effort: int | None = None,
    tune: str | None = None,
    verify: bool | None = None,
    seconds: float | None = None,
    weights: str | os.PathLike[str] | None = None,
    device: str = "auto",
    strip: bool = False,
    max_pixels: int = media.MAX_PIXELS,
    progress: Progress | None = None,
    notes: list[str] | None = None,
) -> bytes:
    """Compress an image or a video to the bytes of an .ncf file.

    `source`: a path, the bytes of a file, or a binary file, which is read from its position on; a uint8 or uint16 array
    [H, W] or [H, W, 1..4] (2 and 4: the last channel is alpha, kept exactly); a Pillow image. `codec`: "s2lic", the
    default for images; "circuit", which keeps every bit of pixels, and "jpeg", which keeps every byte of a JPEG file
    (`lossless=True` chooses); "nirvana", the default for videos, whose sound is kept.

    `quality` (s2lic, nirvana): 0 to 100, any fraction, higher is better; 50 by default. `effort`: 1 to 9, by
    default 1 (s2lic), 2 (circuit) or 3 (nirvana); more takes longer and makes smaller files. `tune` (s2lic): "psnr",
    the default, or "ssim", which moves bits from busy parts, where errors hide, to calm ones. `verify` (circuit,
    jpeg): decode what was encoded and compare, as by default. `seconds` (circuit): to spend on tuning, at any effort
    unless one is given. `weights`: a file of them, or the name of
    installed ones, in place of the codec's default. `device`: "auto", "cpu", "cuda" or "cuda:N". `strip`: without
    Exif, XMP, text, resolution, a video's tags and ICC profile (lossless: that stays, since the samples do).
    `progress` is called with (steps done, steps in all), for images. `notes` is told what of the source is left out or
    isn't whole, a line each; None: each is a Python warning.

    Raises MediaError for what is no image or can't be carried, LimitError for too many pixels, CodecError for
    wrong arguments, OSError for files that can't be read.

    >>> import numpy as np
    >>> grey = np.full((48, 64), 128, np.uint8)
    >>> data = encode(grey, quality=30)
    >>> decode(data).image().size
    (64, 48)
    >>> bool((next(decode(encode(grey, lossless=True)).frames()) == 128).all())
    True
    """
    check_told(progress, notes)
    check_number("max_pixels", max_pixels, whole=True)
    told: list[str] = [] if notes is None else notes
    if not isinstance(source, np.ndarray | Image.Image):
        source = _video_or_image(file_source(source, media.SOURCES))
        if not lossless and isinstance(source, str | os.PathLike | bytes) and is_video(source):
            if tune is not None:
                raise CodecError("a video has no tune; leave it out")
            if seconds is not None:
                raise CodecError("seconds are for lossless images; a video takes what its effort says")
            data = _encode_video(source, codec, quality, effort, verify, weights, device, max_pixels, strip, told)
            _warn(told, notes)
            return data
    options = ImageOptions(quality, effort, tune, verify, seconds)
    if (keeper := originals.keeper(source, codec, lossless)) is not None:
        assert not isinstance(source, np.ndarray | Image.Image)
        if codec is None:  # chosen by what the file is, so that all files of a folder may be told the same
            options = replace(options, effort=None, seconds=None)
        return _encode_file(source, keeper, options, weights, device, strip, max_pixels, progress)
    kind = "lossless" if lossless else "image"
    chosen = codecs.chosen(codec, kind)
    images = _images(chosen)
    codecs.check_settings(chosen.name, images.settings, options)
    which = _weights(chosen, weights)
    # Read first: what is refused is refused before networks are loaded.
    info, frames = media.read(source, max_pixels=max_pixels, strip=strip, exact=chosen.lossless)
    told += info.notes
    opened = images.open(which, device)
    header, units = opened.encode(info, frames, options, progress)
    buffer = io.BytesIO()
    container.write(buffer, header, units, Limits(pixels=max_pixels))
    _warn(told, notes)
    return buffer.getvalue()


def _encode_file(
    source: originals.File, codec: Descriptor, options: ImageOptions, weights: str | os.PathLike[str] | None,
    device: str, strip: bool, max_pixels: int, progress: Progress | None,
) -> bytes:  # fmt: skip
    """A file kept as it is."""
    files = codec.files
    assert files is not None
    if strip:
        raise CodecError("a file that is kept byte for byte keeps its metadata; leave out strip")
    codecs.check_settings(codec.name, files.settings, options)
    header, units = files.open(_weights(codec, weights), device).encode(
        originals.content(source), options, progress, max_pixels
    )
    buffer = io.BytesIO()
    container.write(buffer, header, units, Limits(pixels=max_pixels))
    return buffer.getvalue()


def _warn(told: list[str], notes: list[str] | None) -> None:
    """Say what nobody took, as warnings of the caller of `encode`."""
    for note in told if notes is None else ():
        warnings.warn(note, stacklevel=3)


def _video_or_image(source: str | os.PathLike[str] | bytes | IO[bytes]) -> str | os.PathLike[str] | bytes | IO[bytes]:
    """A file's bytes if a video is in it, since videos are opened more than once; all else as it is."""
    if isinstance(source, str | os.PathLike | bytes):
        return source
    head = source.read(HEAD)
    source.seek(0)
    return source.read() if is_video(head) else source


def _encode_video(
    source: str | os.PathLike[str] | bytes, codec: str | None, quality: float | None, effort: int | None,
    verify: bool | None, weights: str | os.PathLike[str] | None, device: str, max_pixels: int, strip: bool,
    told: list[str],
) -> bytes:  # fmt: skip
    from codec import video
    from codec.media.video import read_video

    if verify is not None:
        raise CodecError("a video has no verify; leave it out")
    chosen = codecs.chosen(codec, "video")
    assert chosen.videos is not None
    options = VideoOptions(
        Target(quality=50.0 if quality is None else quality), effort or VIDEO_EFFORT, weights=_weights(chosen, weights)
    )
    opened = read_video(source, max_pixels=max_pixels, layouts=chosen.videos.layouts(options), strip=strip)
    options = replace(options, frames=opened.expected)
    buffer = io.BytesIO()
    video.encode(opened, buffer, chosen.name, options=options, device=device, max_pixels=max_pixels)
    told += opened.notes
    return buffer.getvalue()


@on_our_own
def decode(
    source: NcfSource,
    *,
    device: str = "auto",
    partial: bool = False,
    max_pixels: int = media.MAX_PIXELS,
    progress: Progress | None = None,
) -> Decoded:
    """Open an .ncf file (a path, its bytes or a binary file); pixels are decoded when they are asked for.

    `partial`: decode what is whole of a damaged, seekable file; what is not becomes mid-grey, and `damage` of the
    result tells of it.

    Raises FormatError for what is not a whole .ncf file, LimitError, WeightsMissing; DesyncError, on decoding,
    where the symbols are not those that were encoded.

    >>> import numpy as np
    >>> decoded = decode(encode(np.zeros((20, 30, 3), np.uint8)))
    >>> decoded.info.width, decoded.info.height, [f.shape for f in decoded.frames()]
    (30, 20, [(20, 30, 3)])
    """
    check_told(progress)
    check_number("max_pixels", max_pixels, whole=True)
    limits = Limits(pixels=max_pixels)
    found: list[container.Unit] | list[container.Unit | CodecError]
    with _opened(source) as fp:
        damage: list[CodecError] | None = [] if partial else None
        if container.read_header(fp, limits, [] if partial else None).rate is not None:
            fp.seek(0)
            return _decode_video(fp.read(), device, partial, max_pixels)
        fp.seek(0)
        if partial:
            header, found = container.salvage(fp, limits, damage)
        else:
            header, units = container.read(fp, limits)
            found = list(units)  # every checksum is right before anything is decoded
    codec = codecs.of(header)
    whole = [unit for unit in found if isinstance(unit, container.Unit)]
    size = sum(container.UNIT_BYTES + len(unit.payload) for unit in whole)
    limits.check_dense(header.width, header.height, size, codec.dense)
    if not partial:
        codec.check(header, whole)
    if codec.files is not None:
        kept = codec.files.open(header.fingerprint, device)
        return Decoded(header, damage, None, None, Original(lambda: kept.decode(header, found, progress), max_pixels))
    opened: ImageCodec = _images(codec).open(header.fingerprint, device)
    before = len(damage or ())

    def begin() -> Iterator[NDArray[Any]]:
        if damage is not None:
            del damage[before:]  # what an attempt that was broken off has told
        return opened.decode(header, found, progress, damage)

    return Decoded(header, damage, _Frames(begin))


def _decode_video(data: bytes, device: str, partial: bool, max_pixels: int) -> Decoded:
    from codec import video

    file = video.open_file(io.BytesIO(data), device=device, partial=partial, max_pixels=max_pixels)
    return Decoded(file.header, file.damage, None, file)


def info(source: NcfSource) -> container.Header:
    """The header of an .ncf file, without decoding it or loading any network.

    >>> import numpy as np
    >>> describe(info(encode(np.zeros((20, 30, 3), np.uint8), quality=12.5)))["quality"]
    12.5
    """
    with _opened(source) as fp:
        return container.read_header(fp)


def describe(header: container.Header) -> dict[str, Any]:
    """A header as plain values for people and JSON; needs no torch."""
    codec = codecs.of(header)
    values: dict[str, Any] = {
        "codec": codec.name,
        "revision": header.revision,
        "width": header.width,
        "height": header.height,
        "channels": header.channels,
        "depth": header.depth,
        "frames": header.frames,
        "weights": header.fingerprint.hex(),
        "metadata": {k: len(v) for k, v in header.metadata.items()},
    }
    if isinstance(header.rate, Fraction):
        values["rate"] = str(header.rate)
    elif header.color != container.SRGB:
        values["color"] = list(header.color[:2])
    return values | codec.values(header)


def _weights(codec: Descriptor, name: str | os.PathLike[str] | None) -> Path | None:
    """The file of the weights that are named, to encode with."""
    return None if name is None else named_weights(codec.name, name)


def _images(codec: Descriptor) -> ImageMedia:
    """How a codec does images; FormatError if it doesn't, which a file's header may claim."""
    if codec.images is None:
        raise FormatError(f"{codec.name} codes no images; get a whole copy of the file")
    return codec.images


@contextmanager
def _opened(source: NcfSource) -> Iterator[IO[bytes]]:
    """A path, bytes or file as a binary file at its start; only what was opened here is closed."""
    given = file_source(source, "a path, the bytes of an .ncf file or a binary file")
    if isinstance(given, bytes):
        yield io.BytesIO(given)
    elif isinstance(given, str | os.PathLike):
        with open(given, "rb") as fp:
            yield fp
    else:
        yield given
