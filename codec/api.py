"""The library's three functions: `encode`, `decode`, `info`.

source -> media.read -> (Info, frames) -> ImageCodec.encode -> Units -> container.write -> bytes
bytes -> container.read -> (Header, Units) -> ImageCodec.decode -> frames

Videos go through codec.video, which also writes them to files group by group.
"""

import io
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from codec import codecs, container, media, originals
from codec.arguments import check_number, check_told
from codec.codecs.base import Descriptor, ImageCodec, ImageMedia, Progress
from codec.codecs.options import DEFAULT_QUALITY, VIDEO_EFFORT, ImageOptions, Target, VideoOptions
from codec.container import Limits
from codec.decoded import Decoded, Frames, info_of
from codec.errors import CodecError, FormatError, MediaError
from codec.media import previews
from codec.media.formats import is_video
from codec.media.signatures import HEAD
from codec.media.sources import file_source
from codec.originals import Original
from codec.surroundings import on_our_own
from codec.view import View, check_scale, view_of
from codec.weights import named as named_weights

NcfSource = str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes]


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
    target: Target | None = None,
    weights: str | os.PathLike[str] | None = None,
    device: str = "auto",
    strip: bool = False,
    preview: bool = False,
    max_pixels: int = media.MAX_PIXELS,
    progress: Progress | None = None,
    notes: list[str] | None = None,
    reached: dict[str, Any] | None = None,
) -> bytes:
    """Compress an image or a video to the bytes of an .ncf file.

    `source`: a path, the bytes of a file, or a binary file, which is read from its position on; a uint8 or uint16 array
    [H, W] or [H, W, 1..4] (2 and 4: the last channel is alpha, kept exactly); a Pillow image. `codec`: "s2lic", the
    default for images; "circuit", which keeps every bit of pixels, and "jpeg", which keeps every byte of a JPEG file
    (`lossless=True` chooses); "nirvana", the default for videos, whose sound is kept.

    `quality` (s2lic, nirvana): 0 to 100, any fraction, higher is better; 50 by default. `target` in place of it: what
    to reach, such as `codec.Target(psnr=35)`, `Target(ssim=0.97)` (s2lic), `Target(bpp=0.5)` or `Target(size=200_000)`:
    of a likeness no less, of a whole file no more. `effort`: 1 to 9, by default 1 (s2lic), 2 (circuit) or 3 (nirvana);
    more takes longer and makes smaller files. `tune` (s2lic): "psnr", the default, or "ssim", which moves bits from
    busy parts, where errors hide, to calm ones. `verify`: decode what was encoded and compare, as circuit and jpeg do
    by default. `seconds` (circuit): to spend on tuning, at any effort unless one is given. `weights`: a file of them,
    or the name of installed ones, in place of the codec's default. `device`: "auto", "cpu", "cuda" or "cuda:N".
    `strip`: without Exif, XMP, text, resolution, a video's tags and ICC profile (lossless: that stays, since the
    samples do). `preview`: with a small JPEG for those who show pictures without decoding them, `metadata["preview"]`
    of the header. `progress` is called with (steps done, steps in all), for images. `notes` is told what of the source
    is left out or isn't whole, a line each; None: each is a Python warning. `reached` is told what is known of a lossy
    picture: for a target how many `encodings` it took; for one of a likeness, and with `verify`, its `psnr` and
    `ms_ssim`.

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
    check_told(progress, notes, reached)
    check_number("max_pixels", max_pixels, whole=True)
    told: list[str] = [] if notes is None else notes
    if not isinstance(source, np.ndarray | Image.Image):
        source = _video_or_image(file_source(source, media.SOURCES))
        if isinstance(source, str | os.PathLike | bytes) and is_video(source):
            if lossless:
                raise CodecError("it is a video, and there is no lossless codec for videos; leave out lossless")
            if tune is not None:
                raise CodecError("a video has no tune; leave it out")
            if seconds is not None:
                raise CodecError("seconds are for lossless images; a video takes what its effort says")
            if preview:
                raise CodecError("a video has no preview; leave it out")
            goal = _goal(quality, target)
            data = _encode_video(source, codec, goal, effort, verify, weights, device, max_pixels, strip, told)
            _warn(told, notes)
            return data
    options = ImageOptions(quality, effort, tune, verify, seconds, target)
    if (keeper := originals.keeper(source, codec, lossless)) is not None:
        assert not isinstance(source, np.ndarray | Image.Image)
        if codec is None:  # chosen by what the file is, so that all files of a folder may be told the same
            options = replace(options, effort=None, seconds=None)
        data = _encode_file(source, keeper, options, weights, device, strip, preview, max_pixels, progress, told)
        _warn(told, notes)
        return data
    kind = "lossless" if lossless else "image"
    chosen = codecs.chosen(codec, kind)
    images = _images(chosen)
    codecs.check_settings(chosen.name, images.settings, options)
    which = _weights(chosen, weights)
    # Read first: what is refused is refused before networks are loaded.
    info, frames = media.read(source, max_pixels=max_pixels, strip=strip, exact=chosen.lossless)
    told += info.notes
    opened = images.open(which, device)
    if preview:
        (frame,) = frames
        frames = iter((frame,))
        with _or_no_preview(told):
            info = previews.added(info, frame)
    from codec import pictures  # metrics, which decoding does without

    encoded = pictures.encode(images, opened, info, frames, options, Limits(pixels=max_pixels), progress)
    told += encoded.notes
    if reached is not None:
        reached |= encoded.reached
    _warn(told, notes)
    return encoded.data


def _goal(quality: float | None, target: Target | None) -> Target:
    """What a video has to reach."""
    return ImageOptions(quality, target=target).target or Target(
        quality=DEFAULT_QUALITY if quality is None else quality
    )


def _encode_file(
    source: originals.File, codec: Descriptor, options: ImageOptions, weights: str | os.PathLike[str] | None,
    device: str, strip: bool, preview: bool, max_pixels: int, progress: Progress | None, told: list[str],
) -> bytes:  # fmt: skip
    """A file kept as it is."""
    files = codec.files
    assert files is not None
    if strip:
        raise CodecError("a file that is kept byte for byte keeps its metadata; leave out strip")
    codecs.check_settings(codec.name, files.settings, options)
    data = originals.content(source)
    header, units = files.open(_weights(codec, weights), device).encode(data, options, progress, max_pixels)
    if preview:
        with _or_no_preview(told):
            info, (frame,) = media.read(data, max_pixels=max_pixels)
            header = replace(header, metadata={"preview": previews.made(info, frame)})
    return container.to_bytes(header, units, Limits(pixels=max_pixels))


@contextmanager
def _or_no_preview(told: list[str]) -> Iterator[None]:
    """A picture that can't have a preview is told of, and encoded without."""
    try:
        yield
    except MediaError as error:
        told.append(f"there is no preview, since the picture {error}")


def _warn(told: list[str], notes: list[str] | None) -> None:
    """Say what nobody took, as warnings of the caller of `encode`."""
    for note in told if notes is None else ():
        warnings.warn(note, stacklevel=4)  # past `encode` as it is wrapped


def _video_or_image(source: str | os.PathLike[str] | bytes | IO[bytes]) -> str | os.PathLike[str] | bytes | IO[bytes]:
    """A file's bytes if a video is in it, since videos are opened more than once; all else as it is."""
    if isinstance(source, str | os.PathLike | bytes):
        return source
    head = source.read(HEAD)
    source.seek(0)
    return source.read() if is_video(head) else source


def _encode_video(
    source: str | os.PathLike[str] | bytes, codec: str | None, goal: Target, effort: int | None,
    verify: bool | None, weights: str | os.PathLike[str] | None, device: str, max_pixels: int, strip: bool,
    told: list[str],
) -> bytes:  # fmt: skip
    from codec import video
    from codec.media.video import read_video

    if verify is not None:
        raise CodecError("a video has no verify; leave it out")
    chosen = codecs.chosen(codec, "video")
    assert chosen.videos is not None
    if effort is not None and "effort" not in chosen.videos.settings:
        raise CodecError(f"{chosen.name} has no effort for videos; leave it out")
    options = VideoOptions(goal, VIDEO_EFFORT if effort is None else effort, weights=_weights(chosen, weights))
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
    region: Sequence[int] | None = None,
    scale: int = 1,
    device: str = "auto",
    partial: bool = False,
    max_pixels: int = media.MAX_PIXELS,
    progress: Progress | None = None,
) -> Decoded:
    """Open an .ncf file (a path, its bytes or a binary file); pixels are decoded when they are asked for.

    `region`: only the rectangle (x, y, width, height) of the picture, in its pixels from the top left; of a file that
    can seek no more is read and computed than that takes. `scale`: 2, 4, 8 or 16 times smaller each way, which is
    quicker; with a region, of the rectangle grown to whole small pixels. docs/pipelines.md says what that takes.
    `partial`: decode what is whole of a damaged, seekable file; what is not becomes mid-grey, and `damage` of the
    result tells of it.

    Raises FormatError for what is not a whole .ncf file (with a region, as far as that was read), LimitError,
    WeightsMissing, CodecError for a region that isn't in the picture; DesyncError, on decoding, where the symbols are
    not those that were encoded.

    >>> import numpy as np
    >>> decoded = decode(encode(np.zeros((20, 30, 3), np.uint8)))
    >>> decoded.info.width, decoded.info.height, [f.shape for f in decoded.frames()]
    (30, 20, [(20, 30, 3)])
    >>> decode(encode(np.zeros((20, 30, 3), np.uint8)), region=(10, 0, 20, 10), scale=2).image().size
    (10, 5)
    """
    check_told(progress)
    check_number("max_pixels", max_pixels, whole=True)
    check_scale(scale)
    limits = Limits(pixels=max_pixels)
    with _opened(source) as fp:
        damage: list[CodecError] | None = [] if partial else None
        header = container.read_header(fp, limits, [] if partial else None)
        view = None
        if region is not None or scale > 1:
            view = view_of(header.width, header.height, region, scale)
        fp.seek(0)
        if header.rate is not None:
            return replace(_decode_video(fp.read(), device, partial, max_pixels), _view=view)
        codec = codecs.of(header)
        if view is not None and not partial:
            small = previews.standing_in(info_of(header), view) if codec.lossless else None
            if small is not None:
                return Decoded(header, None, Frames(lambda: iter([small]), 1), _view=view)
            if codec.images is not None:
                return _decode_view(fp, codec.images.open(header.fingerprint, device), view, limits, progress)
        found: list[container.Unit] | list[container.Unit | CodecError]
        if partial:
            header, found = container.salvage(fp, limits, damage)
        else:
            header, units = container.read(fp, limits)
            found = list(units)  # every checksum is right before anything is decoded
    whole = [unit for unit in found if isinstance(unit, container.Unit)]
    size = sum(container.UNIT_BYTES + len(unit.payload) for unit in whole)
    limits.check_dense(header.width, header.height, size, codec.dense)
    if not partial:
        codec.check(header, whole)
    if codec.files is not None:
        kept = codec.files.open(header.fingerprint, device)
        original = Original(lambda: kept.decode(header, found, progress), max_pixels)
        return Decoded(header, damage, None, None, original, view)
    opened: ImageCodec = _images(codec).open(header.fingerprint, device)
    before = len(damage or ())

    def begin() -> Iterator[NDArray[Any]]:
        if damage is not None:
            del damage[before:]  # what an attempt that was broken off has told
        return opened.decode(header, found, progress, damage, view)

    return Decoded(header, damage, Frames(begin, header.frames), _view=view)


def _decode_view(fp: IO[bytes], opened: ImageCodec, view: View, limits: Limits, progress: Progress | None) -> Decoded:
    """Of a picture, with no more of a file read than a view needs."""
    index = container.read_index(fp, limits)
    header = index.header
    limits.check_dense(header.width, header.height, sum(index.lengths), codecs.of(header).dense)
    needed = opened.needs(header, view)
    count = len(index.offsets)
    units = [container.read_unit(fp, index, number, limits) if number in needed else None for number in range(count)]
    return Decoded(header, None, Frames(lambda: opened.decode(header, units, progress, None, view), 1), _view=view)


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
        return container.read_header(fp, container.ANY_SIZE)


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
