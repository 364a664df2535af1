"""Turns whatever an image library raises into one clear line of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

from codec.errors import CodecError, LimitError, MediaError

# How the libraries say that a file is whole but of a kind that they have no decoder for.
_RARE = ("unknown", "unsupported", "not supported", "not implemented", "cannot handle")


@contextmanager
def reading() -> Iterator[None]:
    """Turn what Pillow's plugins raise on bad data, almost anything, into a MediaError: damaged, or of a rare kind.

    Errors of the machine (an OSError with a number, no memory) and our own pass through.
    """
    try:
        yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise LimitError("has more pixels than Pillow decodes; scale it down") from error
    except Exception as error:
        _let_pass(error)
        cause = _one_line(error)
        if any(word in cause.lower() for word in _RARE):
            raise MediaError(f"is of a kind that can't be read ({cause}); convert it to PNG first") from error
        raise MediaError(f"is damaged ({cause}); get a whole copy of it") from error


@contextmanager
def writing(format: str) -> Iterator[None]:
    """The same for encoders, which refuse what their format can't hold."""
    try:
        yield
    except Exception as error:
        _let_pass(error)
        raise MediaError(f"can't be written as {format.upper()} ({_one_line(error)}); write PNG instead") from error


def _let_pass(error: Exception) -> None:
    if isinstance(error, (CodecError, MemoryError)) or (isinstance(error, OSError) and error.errno is not None):
        raise error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
