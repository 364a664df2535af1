"""Images in and out: a file, array or Pillow image becomes an `Info` and an iterator of frames, and back.

An image is a video of one frame. What would change the meaning of pixels is settled here, once: orientation is
applied, palettes are expanded, an opaque alpha channel is dropped, and what the codecs can't carry (CMYK, LAB,
floating-point samples) is refused rather than quietly converted. docs/media.md has the table of formats.
"""

from codec.media.formats import SUFFIXES, format_for
from codec.media.info import MAX_PIXELS, Info, Source
from codec.media.read import SOURCES, from_array, from_pillow, read
from codec.media.write import check_format, left_out, of_8_bits, to_pillow, write

__all__ = [
    "MAX_PIXELS",
    "SOURCES",
    "SUFFIXES",
    "Info",
    "Source",
    "check_format",
    "format_for",
    "from_array",
    "from_pillow",
    "left_out",
    "of_8_bits",
    "read",
    "to_pillow",
    "write",
]
