"""What a library of others makes, whose errors are of any type."""

from collections.abc import Callable
from typing import TypeVar

from codec.errors import CodecError

Made = TypeVar("Made")


def tried(name: str, work: Callable[[], Made]) -> Made:
    """What `work` makes; CodecError, in a line, for whatever it raises."""
    try:
        return work()
    except CodecError:
        raise
    except Exception as error:
        raise CodecError(f"{name} doesn't take it ({' '.join(str(error).split())})") from error
