"""Rows about Exif, resolution, text, orientation and the tags of TIFFs."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from case_rows import Row, chunk, coded, pillow, same

MAKE, MODEL, ORIENTATION = 271, 272, 274


def to_tiff(path: Path, work: Path) -> None:
    found = coded(path)
    image = pillow(found.written("tiff"))
    same(np.asarray(image).reshape(found.frame.shape), found.frame)
    with Image.open(path) as original:
        wanted = {tag: original.getexif().get(tag) for tag in (MAKE, MODEL)}
    same({tag: image.getexif().get(tag) for tag in (MAKE, MODEL)}, wanted)


def upright(path: Path, work: Path) -> None:
    with Image.open(path) as original:
        wanted = np.asarray(ImageOps.exif_transpose(original).convert("RGB"))
        make = original.getexif().get(MAKE)
    found = coded(path)
    same(found.frame, wanted)
    for format in ("png", "jpeg", "tiff"):
        image = pillow(found.written(format))
        same(image.getexif().get(ORIENTATION, 1), 1)
        same(image.size, wanted.shape[1::-1])
        same(image.getexif().get(MAKE), make)


def odd_tag(path: Path, work: Path) -> None:
    found = coded(path)
    with Image.open(path) as original:
        same(found.frame, np.asarray(original.convert("RGB")))
    for format in ("png", "jpeg", "tiff", "webp", "avif"):
        same(pillow(found.written(format)).size, found.frame.shape[1::-1])


def resolution(path: Path, work: Path) -> None:
    found = coded(path)
    for format in ("png", "jpeg", "tiff", "bmp"):
        same([round(float(v)) for v in pillow(found.written(format)).info["dpi"]], [300, 300])


def texts(path: Path, work: Path) -> None:
    found = coded(path)
    data = found.written("png")
    for tag in (b"tEXt", b"iTXt"):
        same(chunk(data, tag), chunk(path.read_bytes(), tag))


LAYOUT = (
    "phone_exif_imagewidth_in_ifd0.jpg", "edited_exif_tiff_layout_tags.jpg", "exif_ifd0_fillorder2_predictor2.jpg",
    "exif_ifd0_imagewidth_2million.jpg", "exif_ifd0_photometric_rgb_on_grey.jpg", "exif_ifd0_planar2.jpg",
    "exif_ifd0_sampleformat_float.jpg", "exif_ifd0_stripoffsets.jpg", "exif_ifd0_subifds_makernote.jpg",
)  # fmt: skip
TAGS = (
    "artist_shorts", "artist_unknown_type", "copyright_two_strings", "datetime_as_long", "datetime_count0",
    "description_bytes", "description_undefined", "description_utf8", "make_float", "make_rational", "make_short",
    "make_slong", "model_signed_rational", "resolution_0_0", "resolution_double", "resolution_float",
    "resolution_short", "resolution_srational_negative", "resolution_two_values", "resunit_long_70000",
    "software_bytes",
)  # fmt: skip
TURNED = (
    "orientation6.tif", "orientation6_exif_prefix_twice.jpg", "orientation6_type_slong.jpg",
    "orientation6_type_sshort.jpg",
)  # fmt: skip
ROWS = [
    Row(LAYOUT, "a TIFF of the right pixels and size; Make and Model stay", to_tiff),
    Row(tuple(f"tifftag_{name}.tif" for name in TAGS), "read; a tag that can't be rebuilt is dropped", odd_tag),
    Row(TURNED, "upright, the tag that was honoured reset", upright),
    Row(("scan_300dpi.jpg", "scan_300dpi.png"), "the resolution is kept", resolution),
    Row(("png_text_chunks.png",), "text is kept", texts),
]
