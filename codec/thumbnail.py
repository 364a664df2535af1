"""A picture of at most so many pixels a side, by the quickest way that there is."""

from __future__ import annotations

from typing import IO

from PIL import Image

from codec import api, container, urls
from codec.media import MAX_PIXELS, of_8_bits, previews, to_pillow, yuv
from codec.view import SCALES


def thumbnail(source: str | bytes, size: int, *, device: str = "auto", max_pixels: int = MAX_PIXELS) -> Image.Image:
    """What a path, a URL or the bytes of a file show, of mode L, LA, RGB or RGBA, no side longer than `size` pixels.

    Of a video the first frame. Nothing is enlarged. A preview in the file is taken if it is large enough, else the
    picture is decoded no larger than that takes. Raises what `codec.decode` does.
    """
    return with_header(source, size, device=device, max_pixels=max_pixels)[0]


def with_header(
    source: str | bytes, size: int, *, device: str, max_pixels: int
) -> tuple[Image.Image, container.Header]:
    """The same, and the file's header."""
    with urls.stream(source) as fp:
        header = container.read_header(fp, container.Limits(pixels=max_pixels))
        image = _preview(header, size)
        if image is None and header.rate is not None:
            image = _first_frame(fp, device, max_pixels)
    if image is None:
        scale = max(scale for scale in SCALES if scale == 1 or max(header.width, header.height) // scale >= size)
        image = api.decode(source, scale=scale, device=device, max_pixels=max_pixels).image()
    if image.mode == "CMYK":
        image = image.convert("RGB")
        image.info.pop("icc_profile", None)  # which is of the inks
    image = of_8_bits(image)
    image.thumbnail((size, size), Image.Resampling.LANCZOS)
    return image, header


def _preview(header: container.Header, size: int) -> Image.Image | None:
    """The preview in a file, if it is large enough."""
    if header.rate is None and previews.by_code_points(header.color, header.metadata):
        return None  # none that is right
    image = previews.of(header.metadata, header.width, header.height)
    enough = image is not None and max(image.size) >= min(size, max(header.width, header.height))
    return image if enough else None


def _first_frame(fp: IO[bytes], device: str, max_pixels: int) -> Image.Image:
    from codec import video

    file = video.open_file(fp, device=device, max_pixels=max_pixels)
    (picture,) = file.pictures(0, 0)
    return to_pillow(yuv.to_rgb(picture.planes, file.header.color, file.header.depth), file.header.depth)
