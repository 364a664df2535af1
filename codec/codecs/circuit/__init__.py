"""Lossless images with probabilistic circuits, in integers that every machine computes alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from codec.codecs.base import (
    VERIFY,
    Descriptor,
    Expected,
    ImageCodec,
    ImageMedia,
    Setting,
    UnitsDescription,
    Variant,
    effort,
)

if TYPE_CHECKING:
    from pathlib import Path

    from codec.codecs.options import ImageOptions
    from codec.container import Header, Unit
    from codec.media.look import Look

EFFORT = 2  # by default
QUICK = "circuit-xs"  # weights of photos of colour at effort 1


def _open(weights: bytes | Path | None, device: str) -> ImageCodec:
    from codec.codecs.circuit.image import open_codec

    return open_codec(weights)


def _check(header: Header, units: Sequence[Unit]) -> None:
    from codec.codecs.circuit.head import check

    check(header, units)


def _describe(header: Header, units: Sequence[Unit]) -> UnitsDescription:
    from codec.codecs.circuit.describe import describe

    return describe(header, units)


def _expected(look: Look, options: ImageOptions) -> Expected:
    from codec.codecs.circuit.expected import expected

    return expected(look, options, EFFORT)


def _fast() -> None:
    from codec.codecs.circuit.stored import steps

    steps()


CODEC = Descriptor(
    name="circuit",
    id=2,
    revision=0,
    title="lossless images",
    lossless=True,
    default_for=("lossless",),
    images=ImageMedia(
        _open,
        {"effort": effort(EFFORT), "verify": VERIFY, "seconds": Setting()},
        {"circuit": Variant("e")},
        expected=_expected,
    ),
    weights="circuit-s",
    other_weights={QUICK: "photos at effort 1"},
    check=_check,
    describe=_describe,
    training={
        "circuit": "codec.train.circuit",
        "experts": "codec.train.experts",
        "export-circuit": "codec.train.circuit_export",
    },
    fast=_fast,
)
