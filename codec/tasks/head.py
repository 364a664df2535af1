"""The head that finds boundaries in EfficientNet-Lite0's features: two linear layers for every cell of 2x2 pixels."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from codec.errors import CodecError
from codec.perception.classifiers import features

if TYPE_CHECKING:
    import torch

    from codec.models.perception.efficientnet_lite import EfficientNetLite


def probability(network: EfficientNetLite, head: Mapping[str, torch.Tensor], rgb: np.ndarray) -> np.ndarray:
    """The probability of a boundary in every cell of 2x2 pixels, float32 [H / 2, W / 2], rounded up."""
    import torch
    import torch.nn.functional as F

    height, width = (-(-n // 2) for n in rgb.shape[:2])
    whole = np.zeros((height, width), np.float32)
    for tile, taps in features(network, rgb):
        with torch.inference_mode():
            # The linear layer comes before the upsampling, which is linear too: 48 channels at full size, not 512.
            weights = head["w1"] / head["std"]
            total = (head["b1"] - weights @ head["mean"])[:, None, None]
            for tap, w in zip(taps, weights.split([t.shape[1] for t in taps], 1), strict=True):
                hidden = F.conv2d(tap, w[..., None, None])
                total = total + F.interpolate(hidden, size=taps[0].shape[2:], mode="bilinear")[0]
            part = F.conv2d(total.relu(), head["w2"][..., None, None], head["b2"])[0].sigmoid().numpy()
        top, left = tile.top // 2, tile.left // 2
        inside = whole[top : top + part.shape[0], left : left + part.shape[1]]
        inside[:] = part[: inside.shape[0], : inside.shape[1]]
    return whole


def read_head(path: Path) -> tuple[dict[str, torch.Tensor], str]:
    """A head's tensors mean, std [C], w1 [hidden, C], b1, w2 [1, hidden], b2 [1], and its file's SHA-256.

    From safetensors, or from arrays of these names in .npz. CodecError for other files.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load as from_safetensors

    from codec.models.perception.efficientnet_lite import TAP_CHANNELS

    try:
        data = path.read_bytes()
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                head = {k: torch.from_numpy(arrays[k]) for k in arrays.files}
        else:
            head = from_safetensors(data)
    except OSError as e:
        raise CodecError(
            f"{path}: can't be read ({e.strerror}); name a head that `codec train boundary` wrote"
        ) from None
    except (SafetensorError, ValueError, TypeError, zipfile.BadZipFile):
        raise CodecError(f"{path}: not a head; make one with `codec train boundary`") from None
    channels = sum(TAP_CHANNELS)
    hidden = head["b1"].numel() if "b1" in head else 0
    shapes = {"mean": (channels,), "std": (channels,), "w1": (hidden, channels), "b1": (hidden,)}
    shapes |= {"w2": (1, hidden), "b2": (1,)}
    for name, shape in shapes.items():
        if name not in head or tuple(head[name].shape) != shape or head[name].dtype != torch.float32:
            raise CodecError(f"{path}: no tensor {name} of {shape}, float32; make a head with `codec train boundary`")
    return head, hashlib.sha256(data).hexdigest()
