"""Pillow opens and saves .ncf files, once `register` was called.

    import codec.pillow
    codec.pillow.register()
    image = Image.open("photo.ncf")                  # the header alone; pixels when they are asked for
    image.save("small.ncf", quality=30)              # or lossless=True, effort=, tune=, exif=, icc_profile=, xmp=

`draft`, and so `thumbnail`, has pictures decoded smaller, which is quicker. Pictures are of mode L, LA, RGB or RGBA,
deep grey I;16, a kept CMYK JPEG CMYK; deep colours are rounded to 8 bits, as Pillow has no more.
Videos have frames: `seek`, `tell`, `n_frames`, and in `info` the duration of one in milliseconds.
"""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING, Any, cast

from PIL import Image, ImageFile

from codec import codecs, container
from codec.container import ANY_SIZE, MAGIC
from codec.errors import CodecError, LimitError
from codec.media.metadata import PILLOW_NAMES, pillow_info
from codec.view import SCALES, view_of

if TYPE_CHECKING:
    from codec import video

FORMAT, SUFFIX, MIME = "NCF", ".ncf", "image/x-ncf"
_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_TOLD = ("quality", "lossless", "effort", "tune", "target", "preview")  # what `save` passes on to `codec.encode`


def register() -> None:
    """Have Pillow know the format, by its first bytes and by the suffix .ncf. A second time changes nothing."""
    Image.register_open(FORMAT, NcfImageFile, _accept)
    Image.register_save(FORMAT, _save)
    Image.register_extension(FORMAT, SUFFIX)
    Image.register_mime(FORMAT, MIME)


class NcfImageFile(ImageFile.ImageFile):
    """An opened .ncf file. What is damaged raises OSError when it is loaded; with Pillow's
    `ImageFile.LOAD_TRUNCATED_IMAGES` what is whole is shown, the rest grey."""

    format = FORMAT
    format_description = "neural-codec"

    def _open(self) -> None:
        assert self.fp is not None
        self._fp = self.fp  # which Pillow closes with the image
        try:
            # Pillow has limits of its own for pixels.
            self._header = container.read_header(self.fp, ANY_SIZE)
        except LimitError as error:
            raise Image.DecompressionBombError(str(error)) from error
        except CodecError as error:
            raise SyntaxError(str(error)) from error
        header = self._header
        self._size = header.width, header.height
        self._mode = _mode(header)
        self.info |= pillow_info(header.metadata)
        if "preview" in header.metadata:
            self.info["preview"] = header.metadata["preview"]
        if header.rate is not None:
            self.info["duration"] = float(1000 / header.rate)
        self._video: video.File | None = None
        self._at, self._loaded = 0, -1  # frames
        self._scale = 1

    @property
    def is_animated(self) -> bool:
        """Whether there is more than one frame."""
        return self.n_frames > 1

    @property
    def n_frames(self) -> int:
        """How many frames there are."""
        return 1 if self._header.rate is None else self._opened().frames

    def seek(self, frame: int) -> None:
        """Go to a frame; EOFError if there is none of this number."""
        if self._seek_check(frame):
            self._at = frame

    def tell(self) -> int:
        """The number of the frame."""
        return self._at

    def draft(self, mode: str | None, size: tuple[int, int] | None) -> tuple[str, tuple[int, int, float, float]] | None:
        """Have a picture that isn't loaded yet decoded 2, 4, 8 or 16 times smaller, but no smaller than `size`."""
        header = self._header
        if size is None or header.rate is not None or self._loaded >= 0:
            return None
        most = min(header.width // max(size[0], 1), header.height // max(size[1], 1))
        self._scale = max(scale for scale in SCALES if scale <= max(most, 1))
        self._size = view_of(header.width, header.height, None, self._scale).size
        return self.mode, (0, 0, header.width / self._scale, header.height / self._scale)

    def load(self) -> Any:
        """Decode the frame, unless that was done."""
        if self._loaded != self._at:
            partial = ImageFile.LOAD_TRUNCATED_IMAGES
            try:
                image = self._still(partial) if self._header.rate is None else self._frame()
            except CodecError as error:
                raise OSError(str(error)) from error
            self.info |= {key: value for key, value in image.info.items() if key not in self.info}  # of a kept JPEG
            self._mode, self._loaded = image.mode, self._at
            self.fp = io.BytesIO(image.tobytes())
            self.tile = [ImageFile._Tile("raw", (0, 0, *self.size), 0, image.mode)]
        return super().load()

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Pickled and copied as the picture that it is, without the file."""
        return _given, (self.copy(),)

    def load_seek(self, pos: int) -> None:
        """Pixels are in memory: Pillow must not map the file."""

    def verify(self) -> None:
        """Check all checksums without decoding anything; OSError for a file that isn't whole."""
        fp = self._bytes()
        try:
            _, units = container.read(fp, ANY_SIZE)
            for _ in units:
                pass
        except CodecError as error:
            raise OSError(str(error)) from error
        super().verify()

    def _still(self, partial: bool) -> Image.Image:
        from codec import api

        pixels = self._header.width * self._header.height
        image = api.decode(self._bytes(), scale=self._scale, partial=partial, max_pixels=pixels).image()
        if self._exclusive_fp:
            self._bytes().close()  # there is nothing more in it
        return image

    def _frame(self) -> Image.Image:
        from codec.media import to_pillow, yuv

        (picture,) = self._opened().pictures(self._at, self._at)
        header = self._header
        return to_pillow(yuv.to_rgb(picture.planes, header.color, header.depth), header.depth)

    def _opened(self) -> video.File:
        from codec import video

        if self._video is None:
            self._video = video.open_file(self._bytes(), max_pixels=self.width * self.height)
        return self._video

    def _bytes(self) -> IO[bytes]:
        fp = cast("IO[bytes]", self._fp)  # of a closed image it raises what Pillow says then
        fp.seek(0)
        return fp


def _given(image: Image.Image) -> Image.Image:
    """What a pickled picture is made of, which is a picture already."""
    return image


def _mode(header: container.Header) -> str:
    """The mode of a file's pictures. Four channels of a kept JPEG are CMYK."""
    if header.channels == 1 and header.depth > 8:
        return "I;16"
    kept = header.channels == 4 and any(one.id == header.codec for one in codecs.of_kind("file").values())
    return "CMYK" if kept else _MODES[header.channels]


def _accept(prefix: bytes) -> bool:
    return prefix.startswith(MAGIC)


def _save(image: Image.Image, fp: IO[bytes], filename: str | bytes) -> None:
    from codec import api

    told = image.encoderinfo
    copy = image.copy()
    for name in PILLOW_NAMES.values():
        value = told.get(name, image.info.get(name))
        copy.info.pop(name, None)
        if value:
            copy.info[name] = value.tobytes() if isinstance(value, Image.Exif) else value
    if dpi := told.get("dpi", image.info.get("dpi")):
        copy.info["dpi"] = dpi
    try:
        fp.write(api.encode(copy, **{name: told[name] for name in _TOLD if name in told}))
    except CodecError as error:
        raise OSError(str(error)) from error
