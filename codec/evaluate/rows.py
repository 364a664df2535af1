"""The rows of one item: encoded by every spec to real bytes, decoded, measured, and looked at by the tasks' models."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from codec import media, urls
from codec.content import digest
from codec.errors import CodecError
from codec.evaluate.clip import check_count, measured, read_clip
from codec.evaluate.coders import Coder, audio_coder, image_coder, require, video_coder
from codec.evaluate.plan import ORIGINAL, Plan, is_file
from codec.evaluate.specs import Spec
from codec.media.audio import read_audio
from codec.metrics import Metric, bits_per_pixel, create, kilobits_per_second
from codec.metrics.picture import colour, rgb8
from codec.output import write_whole
from codec.peers import AUDIO_PEERS
from codec.peers.audio import align
from codec.tasks import create as create_task
from codec.tasks.base import Task
from codec.urls import Place

Row = dict[str, Any]

_KEPT = 48  # characters of a name: what is put behind it must not push it over the limit of the file system


class Evaluator:
    """A plan with its metrics and tasks ready. CodecError, before any work, for what can't be had.

    A row is a flat JSON object: file, codec (the spec as given), media, content (a hash, by which a file that has
    changed is known), bytes, rate (pixels and bpp, seconds and kbps, or pixels, frames, bpp and kbps), encode_s,
    decode_s, encode_cpu_s, decode_cpu_s, device, settings (with versions), then the metrics (null where one does not
    apply) and `task.<task>.<field>`; or file, codec, error. One bad file never ends a run.
    """

    def __init__(self, plan: Plan, kind: str) -> None:
        self.plan, self.kind = plan, kind
        for name in dict.fromkeys(s.codec for s in plan.specs):
            require(name, kind)
        weights = dict(plan.weights)
        self.metrics: list[Metric] = [create(name, kind) for name in plan.metrics]
        self.tasks: list[Task] = [create_task(name) for name in plan.tasks]
        for task in self.tasks:
            if task.media != kind:
                raise CodecError(f"task {task.name} is about {task.media}, and these files are {kind}; leave it out")
        for metric in self.metrics:
            metric.load(weights)
        for task in self.tasks:
            task.load(weights)
        self._labels: dict[tuple[str, Path], dict[str, Any]] = {}

    def fields(self) -> dict[str, str | None]:
        """The names that a whole row has at least, besides those of all rows, and what it has there if that is known
        beforehand."""
        models: dict[str, str | None] = {f"task.{t.name}.model": t.identity()["model"] for t in self.tasks}
        return {key: None for m in self.metrics for key in m.keys} | models

    def rows(self, path: Place, done: Collection[tuple[str, str]] = ()) -> Iterator[Row]:
        """One row for each codec of the plan that knows one file at a time, but for those in `done` (file, codec)."""
        wanted = [name for name in self.plan.separate if (str(path), name) not in done]
        if not wanted:
            return
        try:
            content, item = self.opened(path)
        except (CodecError, OSError) as error:
            yield from ({"file": str(path), "codec": name, "error": line_of(error)} for name in wanted)
            return
        specs: dict[str, Spec] = {str(s): s for s in self.plan.specs}
        for name in wanted:
            row: Row = {"file": str(path), "codec": name, "media": self.kind, "content": content}
            try:
                row |= item.original() if name == ORIGINAL else item.coded(specs[name])
            except (CodecError, OSError) as error:
                row["error"] = line_of(error)
            yield row

    def opened(self, path: Place) -> tuple[str, Item]:
        """A file by its content's hash, and what is in it."""
        if not is_file(path):  # opened, a pipe would wait for who writes into it, and be empty the next time
            raise CodecError(f"{path} is not a regular file; give a file on a disk")
        content = digest(path)
        item = _ITEMS[self.kind](self, path)
        for task in self.tasks:
            label = None if isinstance(path, str) else self.labels(task, path.parent).get(path.name)
            item.looked_at[task.name] = label, task.reference(item.seen(item.content), label)
        return content, item

    def labels(self, task: Task, folder: Path) -> dict[str, Any]:
        """A task's labels of a folder, read once."""
        key = task.name, folder
        if key not in self._labels:
            self._labels[key] = task.labels(folder)
        return self._labels[key]


class Item:
    """A file's content and what the tasks made of it."""

    content: Any
    peak: int

    def __init__(self, evaluator: Evaluator, path: Place) -> None:
        self.evaluator, self.path = evaluator, path
        self.looked_at: dict[str, tuple[Any, Any]] = {}

    def rate(self, size: int) -> Row:
        raise NotImplementedError

    def coder(self, spec: Spec) -> Coder:
        raise NotImplementedError

    def seen(self, decoded: Any) -> Any:
        """The item as tasks look at it."""
        return decoded

    def aligned(self, decoded: Any, spec: Spec, data: bytes) -> tuple[Any, Row]:
        """The decoded item over the original, and what more there is to say of it."""
        return decoded, {}

    def metrics(self, decoded: Any) -> dict[str, float | None]:
        """All metrics of the decoded item."""
        found: dict[str, float | None] = {}
        for metric in self.evaluator.metrics:
            found |= metric(self.content, decoded, self.peak)
        return found

    def original(self) -> Row:
        """The file as it is given: its own size, and what the tasks see in it."""
        row = self.rate(urls.size(self.path)) | {"device": "cpu"}
        return row | self.measured(self.content)

    def coded(self, spec: Spec) -> Row:
        coder = self.coder(spec)
        start = now()
        data = coder.encode(self.content)
        middle = now()
        decoded = coder.decode(data)
        row = self.rate(len(data)) | told(start, middle, now(), coder.device, coder.settings)
        row |= {} if coder.file is None else {"file_bytes": coder.file.size, "file_kind": coder.file.kind}
        decoded, more = self.aligned(decoded, spec, data)
        row |= more | self.measured(decoded)
        if self.evaluator.plan.keep is not None:
            row["kept"] = str(_keep(self.evaluator.plan.keep, self.path, spec, coder.suffix, data))
        return row

    def measured(self, decoded: Any) -> Row:
        """Metrics and scores of the decoded item."""
        row: Row = {key: _rounded(value) for key, value in self.metrics(decoded).items()}
        seen = self.seen(decoded) if self.evaluator.tasks else None
        for task in self.evaluator.tasks:
            label, reference = self.looked_at[task.name]
            start = time.perf_counter()
            scores = task.score(seen, label, reference)
            row |= {f"task.{task.name}.{key}": _rounded(value) for key, value in scores.items()}
            row[f"task.{task.name}.model"] = task.identity()["model"]
            row[f"sec.task.{task.name}"] = round(time.perf_counter() - start, 4)
        return row


class _Picture(Item):
    def __init__(self, evaluator: Evaluator, path: Place) -> None:
        super().__init__(evaluator, path)
        self.info, (self.content,) = media.read(path)
        self.peak = 2**self.info.depth - 1

    def rate(self, size: int) -> Row:
        pixels = self.info.width * self.info.height
        return {"bytes": size, "pixels": pixels, "bpp": round(bits_per_pixel(size, pixels), 6)}

    def seen(self, decoded: Any) -> Any:
        """The decoded picture at 8 bits, without what alpha hides in the original."""
        return rgb8(colour(self.content, decoded)[1], self.peak)

    def coder(self, spec: Spec) -> Coder:
        return image_coder(spec, self.path, self.info, self.evaluator.plan.device)


class _Sound(Item):
    peak = 1

    def __init__(self, evaluator: Evaluator, path: Place) -> None:
        super().__init__(evaluator, path)
        self.content = read_audio(path)

    def rate(self, size: int) -> Row:
        seconds = self.content.seconds
        return {"bytes": size, "seconds": round(seconds, 4), "kbps": round(kilobits_per_second(size, seconds), 4)}

    def coder(self, spec: Spec) -> Coder:
        return audio_coder(spec, self.content)

    def aligned(self, decoded: Any, spec: Spec, data: bytes) -> tuple[Any, Row]:
        payload = kilobits_per_second(AUDIO_PEERS[spec.codec].payload(data), self.content.seconds)
        found, delay = align(decoded, self.content)
        return found, {"kbps_payload": round(payload, 4), "delay": delay}


class Video(Item):
    """A video: `content` is a Clip."""

    def __init__(self, evaluator: Evaluator, path: Place) -> None:
        super().__init__(evaluator, path)
        self.content = read_clip(path)

    def rate(self, size: int) -> Row:
        clip = self.content
        return {
            "bytes": size, "pixels": clip.pixels, "frames": len(clip.pictures),
            "bpp": round(bits_per_pixel(size, clip.pixels), 6),
            "kbps": round(kilobits_per_second(size, clip.seconds), 4),
        }  # fmt: skip

    def coder(self, spec: Spec) -> Coder:
        return video_coder(spec, self.content, self.evaluator.plan.device)

    def aligned(self, decoded: Any, spec: Spec, data: bytes) -> tuple[Any, Row]:
        check_count(self.content, decoded)
        return decoded, self.notes()

    def notes(self) -> Row:
        """What isn't kept of the file."""
        notes = "; ".join(self.content.notes)
        return {"notes": notes} if notes else {}

    def metrics(self, decoded: Any) -> dict[str, float | None]:
        return measured(self.evaluator.metrics, self.content, decoded)


_ITEMS: dict[str, type[Item]] = {"image": _Picture, "audio": _Sound, "video": Video}


def _keep(folder: Path, path: Place, spec: Spec, suffix: str, data: bytes) -> Path:
    """Write an encoded file into the folder, under a name that no other file and setting gets."""
    place = hashlib.sha256(os.fsencode(path)).hexdigest()[:8]
    target = folder / f"{urls.leaf(path).stem[:_KEPT]}-{place}.{str(spec).replace(':', '-')}{suffix}"
    write_whole(target, data)
    return target


def _rounded(value: float | None) -> float | int | None:
    if value is None or isinstance(value, (int, np.integer)):
        return None if value is None else int(value)
    return round(float(value), 6)


class Moment(NamedTuple):
    """Seconds of the clock, and those of all cores that this process and its children have spent."""

    clock: float
    cpu: float


def now() -> Moment:
    """This moment."""
    times = os.times()
    return Moment(time.perf_counter(), time.process_time() + times.children_user + times.children_system)


def told(start: Moment, middle: Moment, end: Moment, device: str, settings: str) -> Row:
    """What a row says of the coding that began, was encoded and was decoded at these moments."""
    row: Row = {
        "encode_s": round(middle.clock - start.clock, 4), "decode_s": round(end.clock - middle.clock, 4),
        "encode_cpu_s": round(middle.cpu - start.cpu, 4), "decode_cpu_s": round(end.cpu - middle.cpu, 4),
        "device": device,
    }  # fmt: skip
    return row | ({"settings": settings} if settings else {})


def line_of(error: BaseException) -> str:
    """An error in one line."""
    return " ".join(str(error).split())
