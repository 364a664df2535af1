"""What a task of machine perception is: a model that looks at originals and at decoded copies, and scores both.

A task never opens files of media and never compresses. Where scores are pooled over items (a word error rate, an
F-measure) it returns what is summed, not the ratio: a mean of ratios would weigh short items more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from codec.requirements import Need


@dataclass(frozen=True)
class Key:
    """One score of a task. `fields` are what rows carry for it (`task.<task>.<field>`), pooled over items:

    "mean": the mean of one field; "ratio": the sum of the first over the sum of the second; "f": the F-measure of
    hits and all of precision, hits and all of recall; "iou": the mean over classes of the ratio of two families of
    fields, "inter.*" and "union.*" with the class for the star. `labelled`: it needs labels, not only the original.
    """

    name: str
    fields: tuple[str, ...]
    pool: str = "mean"
    higher_is_better: bool = True
    labelled: bool = False


class Task(Protocol):
    """One task. `name` is that of the command line; `media` "image" or "audio"; `primary` the key to show first."""

    name: str
    media: str
    needs: tuple[Need, ...]
    keys: tuple[Key, ...]
    primary: str

    def load(self, weights: Mapping[str, Path]) -> None:
        """Make ready; `weights` are the files that the user gave, by name. CodecError says what is wrong with one."""

    def labels(self, folder: Path) -> dict[str, Any]:
        """The labels of a folder's items by file name; empty if it has none. CodecError if their file is damaged."""

    def reference(self, original: Any, label: Any | None) -> Any:
        """What the scores of all decoded copies of an item need of the original: predictions, features."""

    def score(self, decoded: Any, label: Any | None, reference: Any) -> dict[str, float]:
        """Fields of a decoded item, without prefix; those that need labels only where there is one."""

    def identity(self) -> dict[str, str]:
        """`model` (name@start of the weights' SHA-256), `licence`, `preprocessing` (a revision)."""
