"""An archive of videos in one file, to which sessions are added and in which no session ever changes.

create(path); with writing(path) as writer: writer.add(name, video, part, ...)
with opened(path) as archive: open_session(archive, archive.number(name)).pictures(first, last)

What a session shares with earlier ones is stored once: runs of frames that they have are pointers (match.py), and
a codec may code against what they hold (`earlier`, codec/codecs/base.py). Bytes: codec/FORMAT.md, codec/container.
"""

from codec.archive.add import Added, Writer, create, writing
from codec.archive.archive import Archive, opened, read
from codec.archive.session import Session, digest_of, open_session
from codec.archive.verify import Verdict, verify

__all__ = [
    "Added",
    "Archive",
    "Session",
    "Verdict",
    "Writer",
    "create",
    "digest_of",
    "open_session",
    "opened",
    "read",
    "verify",
    "writing",
]
