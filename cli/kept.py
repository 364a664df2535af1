"""Files that are kept byte for byte, on the command line: when that is the better choice, and what they become."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from codec.cli.streams import size_of
from codec.errors import CodecError

_WORTH = 0.7  # of a file: what is encoded with loss to less is smaller than the file can be kept in


def kept_is_smaller(source: str | bytes, size: int, options: dict[str, Any]) -> list[str]:
    """What to say where a picture was encoded with loss to so many bytes and its file can be kept in no more."""
    from codec import api, originals

    before = size_of(source)
    if options["lossless"] or options["strip"] or size < _WORTH * before:
        return []
    with suppress(CodecError):
        keeper = originals.keeper(source, None, True)
        if keeper is not None:
            kept = len(api.encode(source, keeper.name, verify=False, max_pixels=options["max_pixels"]))
            if kept <= size:
                return [f"--lossless keeps the {keeper.name.upper()} itself, byte for byte, in {kept:,} bytes"]
    return []
