"""Learned compression of images and video: `encode`, `decode`, `info`.

Names are imported when they are first used, so that `import codec` costs nothing.

>>> import codec, numpy as np
>>> data = codec.encode(np.zeros((64, 64, 3), np.uint8), quality=40)
>>> codec.decode(data).image().size
(64, 64)
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from codec.api import decode, encode, info
    from codec.codecs.options import Target
    from codec.decoded import Decoded
    from codec.errors import CodecError, DesyncError, FormatError, LimitError, MediaError, WeightsMissing

__version__ = "0.0.1"

_API = ("Decoded", "decode", "encode", "info")
_ERRORS = ("CodecError", "DesyncError", "FormatError", "LimitError", "MediaError", "WeightsMissing")

__all__ = [
    "CodecError",
    "Decoded",
    "DesyncError",
    "FormatError",
    "LimitError",
    "MediaError",
    "Target",
    "WeightsMissing",
    "decode",
    "encode",
    "info",
]


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})


def __getattr__(name: str) -> Any:
    if name in _API:
        return getattr(importlib.import_module("codec.api"), name)
    if name == "Target":
        return importlib.import_module("codec.codecs.options").Target
    if name in _ERRORS:
        return getattr(importlib.import_module("codec.errors"), name)
    raise AttributeError(f"module 'codec' has no attribute {name!r}")
