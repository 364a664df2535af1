"""What a JPEG will take, by its own size: about, as Kodak's pictures of quality 90 do."""

from __future__ import annotations

from codec.codecs.base import Expected
from codec.codecs.options import ImageOptions
from codec.media.look import Look

_SHARE = 0.74  # of its bytes
_SECONDS = 5.5e-6  # of one core for each of its bytes, each way


def expected(look: Look, options: ImageOptions) -> Expected:
    """Bytes and CPU seconds of a file."""
    return Expected(_SHARE * look.size, _SECONDS * look.size * (1 if options.verify is False else 2), False)
