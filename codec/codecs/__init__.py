"""The codecs: one folder each, found by walking this package (codec/codecs/base.py says what a codec is).

named("s2lic"), of(header), default("video")       a Descriptor; opening one is the Descriptor's own business
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any

from codec.codecs.base import Descriptor, Setting
from codec.errors import CodecError, FormatError

if TYPE_CHECKING:
    from codec.codecs.options import ImageOptions
    from codec.container import Header


@cache
def all_codecs() -> Mapping[str, Descriptor]:
    """Every codec by its name, in the order of their numbers."""
    found: list[Descriptor] = []
    for module in pkgutil.iter_modules(__path__):
        if module.ispkg:
            found.append(importlib.import_module(f"{__name__}.{module.name}").CODEC)
    return {codec.name: codec for codec in sorted(found, key=lambda codec: codec.id)}


def of_kind(kind: str) -> dict[str, Descriptor]:
    """Those that do "image", "lossless" (images, every bit), "file" (image files, every byte) or "video"."""
    if kind in ("file", "video"):
        return {name: c for name, c in all_codecs().items() if (c.files if kind == "file" else c.videos)}
    return {name: c for name, c in all_codecs().items() if c.images and (c.lossless or kind == "image")}


def keeping(format: str | None) -> Descriptor | None:
    """The codec that keeps files of a format (codec.media.formats) as they are; None if none does."""
    return next((c for c in of_kind("file").values() if c.files and format in c.files.formats), None)


def named(name: str, kind: str) -> Descriptor:
    """The codec of this name; CodecError if it is none for this kind of media."""
    known = of_kind(kind)
    if name not in known:
        if name in all_codecs():
            what = {"video": "videos", "lossless": "images without loss"}.get(kind, "images")
            raise CodecError(f"{name} codes no {what}; choose one of {', '.join(known)}")
        what = "video codec" if kind == "video" else "codec"
        raise CodecError(f"no {what} {name!r} in this version; choose one of {', '.join(known)}")
    return known[name]


def default(kind: str) -> Descriptor:
    """The codec that is taken where none is named."""
    return next(codec for codec in of_kind(kind).values() if kind in codec.default_for)


def chosen(name: str | None, kind: str) -> Descriptor:
    """The codec of this name, or the one that is taken where none is named."""
    return named(name, kind) if name else default(kind)


def of(header: Header) -> Descriptor:
    """The codec that wrote a file; FormatError when this release doesn't know its number."""
    for codec in all_codecs().values():
        if codec.id == header.codec:
            return codec
    raise FormatError(f"unknown codec number {header.codec}: made by a newer version; install a newer neural-codec")


def check_settings(name: str, settings: Mapping[str, Setting], options: ImageOptions) -> None:
    """CodecError for an option that is given and that a codec doesn't take."""
    for option in fields(options):
        if getattr(options, option.name) is None:
            continue
        if option.name not in settings:
            taken = ", ".join(settings) or "no options"
            raise CodecError(f"{name} has no {option.name}; leave it out (it takes {taken})")
        _check_choice(option.name, settings[option.name], getattr(options, option.name))


def _check_choice(name: str, setting: Setting, value: Any) -> None:
    if setting.choices and value not in setting.choices:
        raise CodecError(f"no {name} {value!r}; choose one of {', '.join(setting.choices)}")
