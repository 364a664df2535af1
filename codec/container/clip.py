"""Values of a video's metadata: for how long its last picture is shown, and tags."""

import re
from collections.abc import Mapping
from fractions import Fraction

from codec.container.fields import Cursor, varint
from codec.container.limits import LIMITS
from codec.errors import FormatError, LimitError

LAST, TAGS = "last", "tags"
_PARTS = 2**31  # numerators and denominators are below
_NAME = re.compile(r"[a-z0-9_]{1,64}", re.ASCII)


def pack_last(seconds: Fraction) -> bytes:
    """The value LAST; FormatError for what is no positive ratio of 31-bit integers."""
    if not (seconds > 0 and max(seconds.numerator, seconds.denominator) < _PARTS):
        raise FormatError(f"invalid metadata: {seconds} s is no positive ratio of 31-bit integers")
    return varint(seconds.numerator) + varint(seconds.denominator)


def unpack_last(value: bytes) -> Fraction:
    """The inverse of pack_last, in seconds; FormatError for what it would not have written."""
    cursor = Cursor(value, "section 'l'")
    above, below = cursor.varint(), cursor.varint()
    if not below or pack_last(Fraction(above, below)) != value:
        raise FormatError("damaged: section 'l' holds no duration; get a whole copy of the file")
    return Fraction(above, below)


def pack_tags(tags: Mapping[str, str]) -> bytes:
    """The value TAGS of texts by their names; FormatError for a name or text that it can't hold."""
    if len(tags) > LIMITS.tags:
        raise LimitError(f"{len(tags):,} tags are too many: the limit is {LIMITS.tags:,}")
    parts = []
    for name, text in sorted(tags.items()):
        if not _NAME.fullmatch(name) or not text or "\0" in text:
            raise FormatError(f"invalid metadata: the tag {name!r} has no name or no text")
        for part in (name.encode(), text.encode()):
            parts.append(varint(len(part)) + part)
    return b"".join(parts)


def unpack_tags(value: bytes) -> dict[str, str]:
    """The inverse of pack_tags; FormatError for what it would not have written."""
    cursor = Cursor(value, "section 't'")
    tags: dict[str, str] = {}
    try:
        while cursor.position < len(value) and len(tags) < LIMITS.tags:
            name, text = (cursor.take(cursor.varint()).decode() for _ in range(2))
            tags[name] = text
        whole = pack_tags(tags) == value
    except UnicodeDecodeError:
        whole = False
    if not whole:
        raise FormatError("damaged: section 't' does not hold tags; get a whole copy of the file")
    return tags


def check_clip(metadata: Mapping[str, bytes], rate: Fraction | None) -> None:
    """FormatError for values of this kind that no file of this rate (None: an image) can have."""
    if LAST in metadata and unpack_last(metadata[LAST]) * (rate or 0) in (0, 1):
        raise FormatError("damaged: section 'l' says what goes without saying; get a whole copy of the file")
    if TAGS in metadata and (rate is None or not unpack_tags(metadata[TAGS])):
        raise FormatError("damaged: section 't' in a file that is no video; get a whole copy of the file")
