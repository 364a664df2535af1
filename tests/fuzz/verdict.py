"""One case of fuzzing: what a file leads to, and what it must never lead to."""

import contextlib
import io
import resource
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from bases import Base, samples, written
from mutations import split

import codec
from codec import api, archive, container
from codec.archive.describe import describe, totals
from codec.codecs import of
from codec.container import METADATA_TAGS, Header, Unit, pack_entry
from codec.errors import CodecError

SECONDS = 2.0  # of processor time that a case may take
BYTES = 2**30  # of memory that a case may take

SAME, OTHER, READ = "same picture", "valid other file", "read (nothing decodes it)"


class Outcome(NamedTuple):
    what: str  # SAME, OTHER, READ, the name of a CodecError, or a failure's message
    failed: bool
    seconds: float  # of processor time
    grown: int  # bytes of memory at the peak, beyond those before


def run(data: bytes, base: Base) -> Outcome:
    """Read and decode a file; anything that escapes but CodecError is a failure, panics of native code too."""
    before, start = _fresh_peak(), time.process_time()
    failed = False
    try:
        what = _outcome(data, base)
    except CodecError as error:
        what = type(error).__name__
        if "\n" in str(error) or not str(error):
            what, failed = f"a message of several lines: {error!r}", True
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic of native code is no Exception
        what, failed = f"{type(error).__name__}: {str(error)[:300]}", True
    seconds, grown = time.process_time() - start, _peak() - before
    if seconds > SECONDS and not failed:
        what, failed = f"too slow: {seconds:.1f} s, then {what}", True
    if grown > BYTES and not failed:
        what, failed = f"too large: {grown >> 20} MiB, then {what}", True
    return Outcome(what, failed, seconds, grown)


def _outcome(data: bytes, base: Base) -> str:
    if base.archive:
        return _archived(data, base)
    header, units = _read(data)
    api.describe(header)
    if base.picture is None:
        return READ
    told: CodecError | None = None
    try:  # as `codec info` does
        of(header).check(header, units)
        of(header).describe(header, units)
    except CodecError as error:
        told = error
    if header.rate is not None:
        found = samples(data)
        assert units, "a file without units was read"
        assert told is None, f"decoded, and refused by info: {told}"
        return SAME if np.array_equal(found, base.picture) else OTHER
    decoded = codec.decode(data, device="cpu")
    frames = list(decoded.frames())
    assert told is None, f"decoded, and refused by info: {told}"
    if header.depth == 8:
        decoded.image()
    same = len(frames) == 1 and np.array_equal(frames[0], base.picture)
    assert units, "a file without units was read"
    return SAME if same else OTHER


def _archived(data: bytes, base: Base) -> str:
    """The same of an archive: each session that is whole, and what is told of it."""
    found = archive.read(io.BytesIO(data))
    totals(found)
    wrong: CodecError | None = next((one for one in found.sessions if isinstance(one, CodecError)), None)
    shown: list[np.ndarray] = []
    for placed in found.entries:
        number = placed.entry.number
        try:
            assert max(found.needed(number)) == number, "it needs a later one"
            describe(found, number)
            pictures = list(archive.open_session(found, number, device="cpu").pictures())
            assert len(pictures) == placed.entry.frames, f"{len(pictures)} pictures of {placed.entry.frames}"
            shown += [plane.ravel() for picture in pictures for plane in picture.planes]
        except CodecError as error:
            wrong = error
    if wrong:
        raise wrong
    if not found.unfinished:
        parts = [data[p.start : p.start + p.entry.content] + pack_entry(p.entry, found.limits) for p in found.entries]
        assert data[:13] + b"".join(parts) == data, "written again, the archive differs"
    return SAME if shown and np.array_equal(np.concatenate(shown), base.picture) else OTHER


def _read(data: bytes) -> tuple[Header, list[Unit]]:
    """Header and units; a whole file reads the same by its index, and written again gives the same bytes."""
    indexed: tuple[Header, list[Unit]] | CodecError
    fp = io.BytesIO(data)
    try:
        index = container.read_index(fp)
        indexed = index.header, [container.read_unit(fp, index, i) for i in range(len(index.offsets))]
    except CodecError as error:
        indexed = error
    header, lazy = container.read(data)
    units = list(lazy)
    assert not isinstance(indexed, CodecError), f"read from front to back, but not by its index: {indexed}"
    assert indexed == (header, units), "the index leads to other units"
    tags = [tag for tag, _ in split(data)]
    unknown = any(tag.islower() and tag not in METADATA_TAGS.values() for tag in tags)
    if not unknown and tags.count(b"Z") < 2:  # unknown sections are dropped, sessions joined
        assert written(header, units) == data, "written again, the file differs"
    return header, units


def _fresh_peak() -> int:
    """Peak memory after it was set back to what is in use, where the system can do that (Linux)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
