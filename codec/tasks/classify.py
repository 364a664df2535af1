"""Classification: does EfficientNet-Lite0 still see what it saw in the original, and what the label says?

A second, deeper network of the family, Lite1, gives its opinion where its package is there: fields end in ".lite1".
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from codec.errors import CodecError
from codec.metrics.picture import rgb8
from codec.perception.classifiers import LITE0, LITE1, Classifier, centre, installed, load, tensor
from codec.requirements import require
from codec.tasks import labels
from codec.tasks.base import Key

_CLASSES = 1000
_KEYS = (
    Key("top1", ("top1",), labelled=True),
    Key("top5", ("top5",), labelled=True),
    Key("agree", ("agree",)),
    Key("nll", ("nll",), higher_is_better=False, labelled=True),
    Key("kl", ("kl",), higher_is_better=False),
)


class Classify:
    """Top-1, top-5 and agreement of EfficientNet-Lite0 on the centre of each picture.

    Pictures are [H, W, 1 to 4], uint8, or uint16 of 16 bits; labels are numbers of ImageNet's classes in the order
    of their WordNet ids (0 tench .. 999), in the column `index` of labels.csv. Fields: `top1`, `top5`, `agree` with
    the prediction on the original (0 or 1), `nll` of the label in nats, and `kl`, the divergence of the distribution
    predicted on the original from that on the decoded picture, in nats.
    """

    name = "classify"
    media = "image"
    needs = (LITE0.need,)
    primary = "top1"

    def __init__(self) -> None:
        self._models: dict[str, Classifier] = {"": LITE0}
        if installed(LITE1.package):
            self._models[".lite1"] = LITE1

    @property
    def keys(self) -> tuple[Key, ...]:
        return tuple(
            Key(k.name + end, (k.name + end,), k.pool, k.higher_is_better, k.labelled)
            for end in self._models
            for k in _KEYS
        )

    def load(self, weights: Mapping[str, Path]) -> None:
        require(self.name, self.needs)
        for model in self._models.values():
            load(model)

    def labels(self, folder: Path) -> dict[str, int]:
        found = {}
        for line, file, index in labels.rows(folder, labels.CLASSES):
            if not index.isdecimal() or int(index) >= _CLASSES:
                where = f"{folder / labels.FILE}, line {line}"
                raise CodecError(f"{where}: index is {index!r}; give the number of an ImageNet class, 0 to 999")
            found[file] = int(index)
        return found

    def reference(self, original: np.ndarray, label: int | None) -> dict[str, np.ndarray]:
        """The logarithms of the classes' probabilities, [1000] float64, by model."""
        rgb = rgb8(original)
        return {end: _log_probabilities(model, rgb) for end, model in self._models.items()}

    def score(self, decoded: np.ndarray, label: int | None, reference: Mapping[str, np.ndarray]) -> dict[str, float]:
        fields: dict[str, float] = {}
        for end, now in self.reference(decoded, label).items():
            before = reference[end]
            if label is not None:
                # Ties count against the answer: a network that can't tell hasn't recognised anything.
                rank = int((now >= now[label]).sum()) - 1
                fields |= {f"top1{end}": float(rank == 0), f"top5{end}": float(rank < 5), f"nll{end}": -now[label]}
            fields[f"agree{end}"] = float(now.argmax() == before.argmax())
            fields[f"kl{end}"] = float((np.exp(before) * (before - now)).sum())
        return {k: float(v) for k, v in fields.items()}

    def identity(self) -> dict[str, str]:
        models = " ".join(model.label for model in self._models.values())
        return {"model": models, "licence": "Apache-2.0", "preprocessing": "centre bicubic (x-127)/128, 1"}


def _log_probabilities(model: Classifier, rgb: np.ndarray) -> np.ndarray:
    import torch

    with torch.inference_mode():
        logits = load(model)(tensor(centre(rgb, model.side)))[0].double()
        return logits.log_softmax(0).numpy()
