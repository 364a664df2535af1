"""Videos as sessions of one archive, one after the other; each time those before are decoded again.

Rows are those of other codecs, with what is said of a session besides:
archive.number, from 0; archive.after, a hash of the videos before it; archive.content_bytes and archive.entry_bytes
(the first session's `bytes` have the archive's own head, too, so that all together are the file); archive.taken: frames
that are pointers; archive.begun: networks that begin from earlier sessions (of pfnr: of a unit), archive.kept and
archive.weights: how many of their weights are as they are there, of how many; archive.psnr: 6:1:1, dB;
archive.backward: of each earlier session the PSNR that it has now less the one that it had when it was added (null
where that isn't known); archive.changed: the numbers of those that have another SHA-256.
"""

from __future__ import annotations

import hashlib
import math
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from codec import archive, urls
from codec.archive.describe import reused
from codec.errors import CodecError
from codec.evaluate.clip import Clip, check_count, measured, read_clip
from codec.evaluate.coders import archived, settings_of
from codec.evaluate.rows import Evaluator, Row, Video, line_of, now, told
from codec.evaluate.specs import Spec
from codec.media.video import Planes
from codec.metrics import create
from codec.urls import Place

_PSNR = "psnr-ycbcr"
_NAME = 48  # characters of a session's name


class History:
    """A hash of the videos that were added, in their order."""

    def __init__(self) -> None:
        self._found = hashlib.blake2b(digest_size=8)

    def add(self, content: str) -> None:
        """One more, by the hash of its content."""
        self._found.update(content.encode())

    def __str__(self) -> str:
        return self._found.hexdigest()


def rows(evaluator: Evaluator, spec: Spec, files: Sequence[Place]) -> Iterator[Row]:
    """A row for each file, in this order, as soon as it is ready. One that fails is no session, and the others go on.

    The archive is a temporary file, or with the plan's `keep` one of that folder, which has all sessions that have
    rows at any time.
    """
    with _archive(evaluator.plan.keep, spec, files) as path:
        archive.create(path, replace=True)
        sequence = _Sequence(evaluator, spec, path)
        for file in files:
            row: Row = {"file": str(file), "codec": str(spec), "media": evaluator.kind}
            try:
                sequence.add(file, row)
            except (CodecError, OSError) as error:
                row["error"] = line_of(error)
            yield row


@contextmanager
def _archive(keep: Path | None, spec: Spec, files: Sequence[Place]) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="codec-") as folder:
            yield Path(folder, "all.ncf")
        return
    keep.mkdir(parents=True, exist_ok=True)
    place = hashlib.sha256(b"\0".join(map(os.fsencode, files))).hexdigest()[:8]
    yield keep / f"sessions-{place}.{str(spec).replace(':', '-')}.ncf"


class _Sequence:
    """An archive that grows. `_added`: of each session its file and its PSNR when it was added."""

    def __init__(self, evaluator: Evaluator, spec: Spec, path: Path) -> None:
        self._evaluator, self._spec, self._path = evaluator, spec, path
        self._device = evaluator.plan.device
        self._added: list[tuple[Place, float | None]] = []
        self._before = History()
        self._psnr = create(_PSNR, evaluator.kind)

    def add(self, file: Place, row: Row) -> None:
        """Add a video, and tell its row. CodecError or OSError for one that can't be."""
        content, opened = self._evaluator.opened(file)
        row["content"] = content
        item, history = cast(Video, opened), str(self._before)
        row |= self._coded(item, file)
        self._before.add(content)
        row["archive.after"] = history
        if self._evaluator.plan.keep is not None:
            row["kept"] = str(self._path)
        del item, opened  # its frames are as many as may be held
        row |= self._earlier(row["archive.number"])

    def _coded(self, item: Video, file: Place) -> Row:
        """The session, as rows of videos have it, and what there is to say of it besides."""
        clip: Clip = item.content
        number, before = len(self._added), self._path.stat().st_size if self._added else 0
        name = f"{number} " + "".join(c if c.isprintable() else "_" for c in urls.leaf(file).stem[:_NAME])
        codec, options = archived(self._spec, clip)
        start = now()
        with archive.writing(self._path, device=self._device) as writer, tempfile.TemporaryFile() as part:
            added = writer.add(name, clip.video(), part, codec, options=options)
        self._added.append((file, None))
        middle = now()
        with archive.opened(self._path) as found:
            decoded = self._decoded(found, number)[0]
            end = now()
            begun, kept, weights = reused(found, number)
        check_count(clip, decoded)
        settings = ", ".join(filter(None, (settings_of(options), "in one archive")))
        row = item.rate(self._path.stat().st_size - before) | told(start, middle, end, self._device, settings)
        psnr = measured([self._psnr], clip, decoded)[_PSNR]
        self._added[number] = file, psnr
        return row | item.notes() | item.measured(decoded) | {
            "archive.number": number, "archive.content_bytes": added.entry.content,
            "archive.entry_bytes": added.size - added.entry.content, "archive.taken": added.taken,
            "archive.begun": begun, "archive.kept": kept, "archive.weights": weights,
            "archive.psnr": None if psnr is None else round(psnr, 6),
        }  # fmt: skip

    def _earlier(self, number: int) -> Row:
        """What the sessions before this one are now."""
        backward: list[float | None] = []
        changed: list[int] = []
        with archive.opened(self._path) as found:
            for earlier, (file, then) in enumerate(self._added[:number]):
                decoded, same = self._decoded(found, earlier)
                changed += [] if same else [earlier]
                now = measured([self._psnr], read_clip(file), decoded)[_PSNR]
                backward.append(None if now is None or then is None else 0.0 if now == then else now - then)
        rounded = [b if b is None or not math.isfinite(b) else round(b, 6) for b in backward]
        return {"archive.backward": rounded, "archive.changed": changed}

    def _decoded(self, found: archive.Archive, number: int) -> tuple[list[Planes], bool]:
        """A session's frames, and whether they are those that were added."""
        pictures = list(archive.open_session(found, number, device=self._device).pictures())
        same = archive.digest_of(pictures) == found.placed(number).entry.digest
        return [picture.planes for picture in pictures], same
