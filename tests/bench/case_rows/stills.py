"""Rows about which picture of a file is taken, samples, damage and streams."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

import codec
from case_rows import Row, coded, refused, same


def raw(path: Path, work: Path) -> None:
    refused(lambda: codec.encode(path), "DNG", "raw")


def full_page(path: Path, work: Path) -> None:
    with Image.open(path) as image:
        image.seek(1)
        wanted = np.asarray(image)
    same(coded(path).frame, wanted)


def extra(path: Path, work: Path) -> None:
    refused(lambda: codec.encode(path, lossless=True), "beyond colour and alpha")


def signed(path: Path, work: Path) -> None:
    refused(lambda: codec.encode(path), "signed")


def pages(path: Path, work: Path) -> None:
    same(coded(path).notes, "it has 3 pages; the first is kept")


def no_end(path: Path, work: Path) -> None:
    found = coded(path)
    assert "end marker" in found.notes, found.notes
    whole = Image.open(io.BytesIO(path.read_bytes() + b"\xff\xd9"))
    same(found.frame, np.asarray(whole))
    refused(lambda: codec.encode(path.read_bytes()[:-200]), "damaged")


def bad_checksum(path: Path, work: Path) -> None:
    found = coded(path)
    assert "damaged and left out" in found.notes, found.notes
    same(found.frame.shape, (64, 96, 3))


def second(path: Path, work: Path) -> None:
    data = path.read_bytes()
    start = data.index(b"\x89PNG", 1)
    with path.open("rb") as fp:
        fp.seek(start)
        decoded = codec.decode(codec.encode(fp, lossless=True, effort=1))
    same(next(decoded.frames()), np.asarray(Image.open(io.BytesIO(data[start:])).convert("RGB")))


EXTRA = (
    "tiff_rgb_plus_infrared_8bit.tif", "tiff_rgb_plus_infrared_16bit.tif", "tiff_rgb_3_extra_8bit.tif",
    "tiff_2channels_no_extrasamples.tif",
)  # fmt: skip
ROWS = [
    Row(("camera_raw_preview_first.dng",), "refused by its name", raw),
    Row(("tiff_thumbnail_page_first.tif",), "the page that is not marked reduced is taken", full_page),
    Row(EXTRA, "samples beyond colour and alpha are refused", extra),
    Row(("tiff_int8_signed.tif",), "refused as signed", signed),
    Row(("tiff_three_pages.tif",), "further pages are said", pages),
    Row(("jpeg_without_eoi.jpg",), "read with a warning", no_end),
    Row(("png_bad_crc_in_phys_chunk.png", "png_bad_crc_in_text_chunk.png"), "read with a warning", bad_checksum),
    Row(("two_pngs_in_one_stream.bin",), "read from the file's position", second),
]
