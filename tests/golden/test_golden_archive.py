"""Golden archives: their sessions decode to the pictures that were added, bit for bit, and are written as they are."""

from pathlib import Path

import pytest

from codec import archive
from codec.container import LIMITS, pack_archive, pack_entry
from codec.container.sections import MAGIC, VERSION

FOLDER = Path(__file__).parent / "archives"
# name: the first bytes of the SHA-256 of all its pictures, frames, how many are its own
SESSIONS = {
    "all": {
        "networks": ("1c34519cb4923029", 21, 21),
        "stream": ("6096da8b4d4108c4", 8, 8),
        "copy": ("6096da8b4d4108c4", 8, 0),
        "mixed": ("96def8c420b25342", 24, 6),
        "uneven": ("7685c34f98392084", 9, 0),
        "deep": ("093b655f34c3450f", 6, 6),
    },
    "growing": {"first": ("4f16f9f50baee1b2", 20, 20), "second": ("e98219c569c7f2c0", 20, 20)},
}


@pytest.mark.parametrize("name", SESSIONS)
def test_the_sessions_are_those_that_were_added(name: str) -> None:
    with archive.opened(FOLDER / f"{name}.ncf") as found:
        entries = [one.entry for one in found.entries]
        assert {e.name: (e.digest.hex()[:16], e.frames, e.own) for e in entries} == SESSIONS[name]
        assert [v.error for v in archive.verify(found, device="cpu")] == [None] * len(entries)


def test_networks_begin_from_an_earlier_session() -> None:
    with archive.opened(FOLDER / "growing.ncf") as found:
        assert [one.entry.depends for one in found.entries] == [(), (1,)]


@pytest.mark.parametrize("name", SESSIONS)
def test_it_is_rewritten_byte_for_byte(name: str) -> None:
    data = (FOLDER / f"{name}.ncf").read_bytes()
    with archive.opened(FOLDER / f"{name}.ncf") as found:
        placed = found.entries
    parts = [data[one.start : one.start + one.entry.content] + pack_entry(one.entry, LIMITS) for one in placed]
    assert MAGIC + bytes([VERSION]) + pack_archive() + b"".join(parts) == data
