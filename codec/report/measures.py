"""What is drawn over the rate: the metrics and the tasks' scores that rows hold, with their names and directions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.evaluate.summary import Table, fields, metric_keys, task_keys
from codec.metrics import decibels, lower_is_better
from codec.tasks import create
from codec.tasks.base import Key

Float = NDArray[np.float64]

_FEATURES = "EfficientNet-Lite0 feature distance{} (unweighted, uncalibrated; not LPIPS)"
_LABELS = {
    "psnr": ("PSNR", "dB"),
    "psnr-ycbcr": ("PSNR, YCbCr 6:1:1", "dB"),
    "psnr-y": ("PSNR, luma", "dB"),
    "psnr-u": ("PSNR, U", "dB"),
    "psnr-v": ("PSNR, V", "dB"),
    "ssim": ("SSIM", ""),
    "ms-ssim": ("MS-SSIM", "dB"),
    "deep.efflite0": (_FEATURES.format(""), ""),
    **{f"deep.efflite0.s{n}": (_FEATURES.format(f" at stride {n}"), "") for n in (2, 4, 8, 16, 32)},
    "st-lpips": ("ST-LPIPS", ""),
}


@dataclass(frozen=True)
class Measure:
    """A metric (`task` is "") or a task's score. `name` is that of the rows, `key` how items are pooled."""

    name: str
    label: str
    unit: str
    key: Key
    task: str = ""

    @property
    def in_decibels(self) -> bool:
        """Whether figures and BD-rates take -10 log10(1 - value)."""
        return self.name == "ms-ssim"

    def quality(self, value: float) -> float:
        """The value on the scale of BD-rates, where higher is better."""
        if self.in_decibels:
            return decibels(value)
        return value if self.key.higher_is_better else -value

    def values(self, rows: Table, codec: str) -> Float:
        """What the measure is made of, [files, fields], nan where a row has none."""
        if self.task:
            return fields(rows, codec, self.task, self.key)
        return np.array([[_number(row.get(self.name))] for row in rows[codec].values()], np.float64).reshape(-1, 1)


def metric(name: str) -> Measure:
    """The metric of this name, one that nobody has heard of included."""
    label, unit = _LABELS.get(name, (name, ""))
    return Measure(name, label, unit, Key(name, (name,), higher_is_better=not lower_is_better(name)))


def measures(rows: Table) -> list[Measure]:
    """All metrics in rows, then all scores of tasks, of each the primary one first."""
    numbers = {k for files in rows.values() for row in files.values() for k, v in row.items() if _number(v) == v}
    metrics = [metric(name) for name in metric_keys(rows) if name in numbers]
    scores: dict[str, list[Key]] = {}
    for task, key in task_keys(rows):
        scores.setdefault(task, []).append(key)
    for task, keys in scores.items():
        primary = create(task).primary
        keys.sort(key=lambda k: k.name != primary)
        metrics += [Measure(f"task.{task}.{k.name}", k.name, "", k, task) for k in keys]
    return metrics


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else np.nan
