"""By what an input is known when a run goes on that was interrupted: its content, not its name, size or time."""

from __future__ import annotations

import hashlib
import os

from codec import urls


def digest(source: str | os.PathLike[str] | bytes) -> str:
    """16 hex digits of a file's content (a path or URL), or of bytes; OSError if it can't be read."""
    found = hashlib.blake2b(digest_size=8)
    with urls.stream(source) as fp:
        while piece := fp.read(2**20):
            found.update(piece)
    return found.hexdigest()
