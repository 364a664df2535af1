"""Errors that a user can act on. Anything else that escapes `decode` is a bug.

Every message is one line: what is wrong, then what to do.
"""


class CodecError(ValueError):
    """Base of all errors that this package raises on bad input."""


class FormatError(CodecError):
    """The bytes are not an .ncf file, or are damaged, truncated or of a newer version."""


class LimitError(CodecError):
    """The input is valid but larger than the limits in force."""


class MediaError(CodecError):
    """The image or video can't be read, or has a pixel format that the codec doesn't take."""


class WeightsMissing(CodecError):
    """The weights that a file names by fingerprint are not installed."""


class DesyncError(CodecError):
    """The decoded symbols are not those that were encoded (checksum mismatch)."""
