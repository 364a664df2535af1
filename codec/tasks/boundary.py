"""Segmentation by boundaries and regions, against what several people drew: a small head on a frozen classifier.

No packaged model segments without a network connection. The head is a file of the user's: `codec train boundary`
makes one from pictures with human segmentations in a minute.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from codec.errors import CodecError
from codec.metrics.picture import rgb8
from codec.perception.classifiers import LITE0, load
from codec.requirements import Need, require
from codec.tasks import labels, regions
from codec.tasks.base import Key
from codec.tasks.head import probability, read_head

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Reference:
    """An original's map of boundary probability, its regions, and per person the regions and lines drawn."""

    probability: np.ndarray
    regions: np.ndarray
    people: tuple[tuple[np.ndarray, np.ndarray], ...]


class Boundary:
    """Boundaries and regions of whole pictures, found by a head on EfficientNet-Lite0's features.

    Pictures are [H, W, 1 to 4], uint8, or uint16 of 16 bits; a label is the files of a picture's segmentations
    (images whose samples are numbers of regions), lines `image,segmentation` of labels.csv. Fields with labels: hits
    and all of precision and recall of boundaries (`p_hit`, `p_all`, `r_hit`, `r_all`), and `covering`, how well the
    regions cover people's, 0 to 1. Without: `self_covering`, the mean of how well regions cover the original's and
    those cover them, and `correlation` of the probability maps.

    Any line that someone drew may be hit by any number of found cells: F is higher than a benchmark's, whose matching
    is one to one. Use differences.
    """

    name = "boundary"
    media = "image"
    needs = (
        LITE0.need,
        Need("skimage", "pip install scikit-image"),
        Need("scipy", "pip install scipy"),
        Need(file="a head as `codec train boundary` writes it"),
    )
    keys = (
        Key("f", ("p_hit", "p_all", "r_hit", "r_all"), pool="f", labelled=True),
        Key("covering", ("covering",), labelled=True),
        Key("self_covering", ("self_covering",)),
        Key("correlation", ("correlation",)),
    )
    primary = "f"

    def __init__(self) -> None:
        self._head: dict[str, torch.Tensor] = {}
        self._digest = "FILE"

    def load(self, weights: Mapping[str, Path]) -> None:
        require(self.name, self.needs, weights)
        self._head, digest = read_head(weights[self.name])
        self._digest = digest[:8]
        load(LITE0)

    def labels(self, folder: Path) -> dict[str, tuple[Path, ...]]:
        found: dict[str, tuple[Path, ...]] = {}
        for line, image, segmentation in labels.rows(folder, labels.SEGMENTATIONS):
            path = folder / segmentation
            if not path.is_file():
                raise CodecError(
                    f"{folder / labels.FILE}, line {line}: {segmentation} isn't in the folder; put it there"
                )
            found[image] = (*found.get(image, ()), path)
        return found

    def reference(self, original: np.ndarray, label: tuple[Path, ...] | None) -> Reference:
        probability = self._probability(original)
        people = tuple(regions.drawn(read_segmentation(path, original.shape[:2])) for path in label or ())
        return Reference(probability, regions.regions(probability), people)

    def score(self, decoded: np.ndarray, label: tuple[Path, ...] | None, reference: Reference) -> dict[str, float]:
        probability = self._probability(decoded)
        found, before = regions.regions(probability), reference.regions
        both = regions.covering(before, found), regions.covering(found, before)
        fields: dict[str, float] = {"self_covering": sum(both) / 2}
        fields["correlation"] = _correlation(probability, reference.probability)
        if reference.people:
            fields |= regions.matches(probability, [lines for _, lines in reference.people])
            fields["covering"] = float(np.mean([regions.covering(drawn, found) for drawn, _ in reference.people]))
        return fields

    def identity(self) -> dict[str, str]:
        model = f"boundary-head@{self._digest} {LITE0.label}"
        return {
            "model": model,
            "licence": "Apache-2.0; the head's own",
            "preprocessing": "whole picture (x-127)/128, 1",
        }

    def _probability(self, frame: np.ndarray) -> np.ndarray:
        return probability(load(LITE0), self._head, rgb8(frame))


def read_segmentation(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers of regions [H, W] of an image file; CodecError if it is none of one channel, or of another shape."""
    try:
        with Image.open(path) as image:
            found = np.asarray(image)
    except OSError:
        raise CodecError(f"{path}: can't be read as an image; give a PNG of region numbers") from None
    if found.shape != tuple(shape):
        size = f"{shape[1]}x{shape[0]}"
        raise CodecError(f"{path}: has the shape {found.shape}; give one region number for each pixel of {size}")
    return found


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's; of equal maps exactly 1, of a flat one and another 0."""
    if np.array_equal(a, b):
        return 1.0
    x, y = (v.astype(np.float64) - v.mean(dtype=np.float64) for v in (a, b))
    scale = float(np.sqrt((x * x).sum() * (y * y).sum()))
    return float((x * y).sum()) / scale if scale else 0.0
