"""The comparison of what was decoded with what was encoded, by their checksums."""

from codec.errors import DesyncError


def compare(found: int, encoded: int, what: str, where: str = "", remedy: str = "") -> None:
    """DesyncError if checksums differ. `what` was decoded, `where` says by what; `remedy`: beside a whole copy."""
    if found != encoded:
        said = f" ({where})" if where else ""
        raise DesyncError(f"{what} are not those encoded{said}; get a whole copy of the file{remedy}")
