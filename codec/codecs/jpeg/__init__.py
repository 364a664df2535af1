"""JPEG files, smaller and byte for byte: their coefficients by a network in integers, the rest as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from codec.codecs.base import VERIFY, Descriptor, Expected, FileCodec, FileMedia, UnitsDescription, Variant

if TYPE_CHECKING:
    from pathlib import Path

    from codec.codecs.options import ImageOptions
    from codec.container import Header, Unit
    from codec.media.look import Look


def _open(weights: bytes | Path | None, device: str) -> FileCodec:
    from codec.codecs.jpeg.files import open_codec

    return open_codec(weights)


def _check(header: Header, units: Sequence[Unit]) -> None:
    from codec.codecs.jpeg.payload import check

    check(header, units)


def _values(header: Header) -> dict[str, Any]:
    from codec.codecs.jpeg.payload import file_size

    return {"file_bytes": file_size(header)}


def _describe(header: Header, units: Sequence[Unit]) -> UnitsDescription:
    from codec.codecs.jpeg.describe import describe

    return describe(header, units)


def _expected(look: Look, options: ImageOptions) -> Expected:
    from codec.codecs.jpeg.expected import expected

    return expected(look, options)


CODEC = Descriptor(
    name="jpeg",
    id=5,
    revision=0,
    title="JPEG files, byte for byte",
    lossless=True,
    files=FileMedia(
        _open,
        ("JPEG",),
        (".jpg", ".jpeg", ".jpe", ".jfif"),
        settings={"verify": VERIFY},
        variants={"jpeg-file": Variant("")},
        expected=_expected,
    ),
    weights="jpeg",
    check=_check,
    values=_values,
    describe=_describe,
    training={"jpeg": "codec.train.jpeg", "export-jpeg": "codec.train.jpeg_export"},
)
