"""Semantic segmentation by a model of the user's: mean IoU over classes, against labels and against the original.

No packaged model segments without a network connection, so this one is a file: ONNX, which is data and not code.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from codec.errors import CodecError
from codec.requirements import Need, require
from codec.tasks import labels
from codec.tasks.base import Key

IGNORED = 255  # in labels: no class
_MEAN, _DEVIATION = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
_STRIDE = 32  # pixels that sides are padded to where the model takes any size


class Segment:
    """Classes of pixels by an ONNX model [1, 3, H, W] -> [1, K, h, w], scores of up to 255 classes.

    It is shown RGB less ImageNet's mean over its deviation: the whole picture, its sides padded to multiples of 32, or
    squeezed to the model's size where that is fixed. Labels are pictures of class numbers (255: ignored), lines
    `file,mask` of labels.csv. Fields, summed over items: `inter.K` and `union.K` of class K with the label, and
    `inter_self.K`, `union_self.K` with the classes of the original.
    """

    name = "segment"
    media = "image"
    needs = (
        Need("onnxruntime", "pip install onnxruntime"),
        Need(file="a segmentation model in ONNX, [1, 3, H, W] -> [1, K, h, w]"),
    )
    keys = (
        Key("miou", ("inter.*", "union.*"), pool="iou", labelled=True),
        Key("miou_self", ("inter_self.*", "union_self.*"), pool="iou"),
    )
    primary = "miou_self"

    def __init__(self) -> None:
        self._session: Any = None
        self._digest = "FILE"

    def load(self, weights: Mapping[str, Path]) -> None:
        require(self.name, self.needs, weights)
        import onnxruntime

        data = weights[self.name].read_bytes()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
            shapes = session.get_inputs()[0].shape, session.get_outputs()[0].shape
        except Exception as error:  # whatever onnxruntime raises for what is no model of its kind
            line = str(error).splitlines()[0]
            raise CodecError(f"{weights[self.name]}: not a model that onnxruntime loads ({line})") from None
        if [len(s) for s in shapes] != [4, 4] or shapes[0][1] not in (3, None):
            raise CodecError(
                f"{weights[self.name]}: takes {shapes[0]}, gives {shapes[1]}; it must be {self.needs[1].file}"
            )
        self._session, self._digest = session, hashlib.sha256(data).hexdigest()[:8]

    def labels(self, folder: Path) -> dict[str, Path]:
        found = {}
        for line, file, mask in labels.rows(folder, labels.MASKS):
            if not (folder / mask).is_file():
                raise CodecError(f"{folder / labels.FILE}, line {line}: {mask} isn't in the folder; put it there")
            found[file] = folder / mask
        return found

    def reference(self, original: np.ndarray, label: Path | None) -> tuple[np.ndarray, np.ndarray | None]:
        """The original's classes [H, W], and the label's."""
        return self._classes(original), None if label is None else _mask(label, original.shape[:2])

    def score(
        self, decoded: np.ndarray, label: Path | None, reference: tuple[np.ndarray, np.ndarray | None]
    ) -> dict[str, float]:
        found = self._classes(decoded)
        fields = _overlaps(found, reference[0], "_self")
        return fields if reference[1] is None else fields | _overlaps(found, reference[1], "")

    def identity(self) -> dict[str, str]:
        return {"model": f"segment@{self._digest}", "licence": "the file's own", "preprocessing": "whole, ImageNet, 1"}

    def _classes(self, frame: np.ndarray) -> np.ndarray:
        """The class of every pixel, uint8 [H, W]; frame uint8 [H, W, 3]."""
        entry = self._session.get_inputs()[0]
        h, w = frame.shape[:2]
        height, width = entry.shape[2:]
        if isinstance(height, int) and isinstance(width, int):
            shown = np.asarray(Image.fromarray(frame).resize((width, height), Image.Resampling.BILINEAR))
            seen = h, w
        else:
            shown = np.pad(frame, ((0, -h % _STRIDE), (0, -w % _STRIDE), (0, 0)), mode="edge")
            seen = shown.shape[0], shown.shape[1]
        x = ((shown.astype(np.float32) / 255 - _MEAN) / _DEVIATION).transpose(2, 0, 1)[None]
        scores: np.ndarray = self._session.run(None, {entry.name: np.ascontiguousarray(x)})[0][0]
        if len(scores) > IGNORED:
            raise CodecError(f"the segmentation model has {len(scores)} classes; up to {IGNORED} can be scored")
        import torch

        full = torch.nn.functional.interpolate(
            torch.from_numpy(scores)[None].float(), seen, mode="bilinear", align_corners=False
        )
        classes: np.ndarray = full[0, :, :h, :w].argmax(0).byte().numpy()
        return classes


def _mask(path: Path, size: tuple[int, ...]) -> np.ndarray:
    try:
        with Image.open(path) as image:
            found = np.asarray(image if image.mode in ("L", "P") else image.convert("L"))
    except (OSError, ValueError, SyntaxError) as error:
        raise CodecError(f"{path}: can't be read as a picture of classes ({error}); write it again") from None
    if found.shape != tuple(size):
        raise CodecError(f"{path}: is {found.shape[1]} x {found.shape[0]}, its picture {size[1]} x {size[0]}")
    return found


def _overlaps(found: np.ndarray, truth: np.ndarray, end: str) -> dict[str, float]:
    """Pixels in which both have a class and in which either has, of the classes that are there."""
    counted = truth != IGNORED
    a, b = found[counted], truth[counted]
    both = np.bincount(a[a == b], minlength=256)
    either = np.bincount(a, minlength=256) + np.bincount(b, minlength=256) - both
    there = np.flatnonzero(either).tolist()
    return {f"{name}{end}.{k}": float(n[k]) for name, n in (("inter", both), ("union", either)) for k in there}
