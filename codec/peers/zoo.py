"""CompressAI's zoo models as peers, where their weights are at hand: the one place that imports CompressAI.

Nothing is fetched: the checkpoint must lie where torch.hub keeps downloads. Rate is that of a real file, the model's
own strings behind a few bytes of sizes.
"""

import io
import struct
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from codec.errors import CodecError
from codec.peers.frames import check, whole
from codec.requirements import Need

MODELS = (
    "bmshj2018-factorized",
    "bmshj2018-hyperprior",
    "mbt2018-mean",
    "mbt2018",
    "cheng2020-anchor",
    "cheng2020-attn",
)
_MULTIPLE = 64  # pixels: sides are padded to it
_HEAD = struct.Struct("<HHHHB")  # height, width, the hyper-latent's size, number of strings


def import_compressai() -> ModuleType:
    """CompressAI, also where torchvision's compiled operators don't fit a CPU-only torch.

    There `import compressai` fails with "operator torchvision::nms does not exist" (pytorch issue 157648):
    torchvision registers shape functions for operators that its library would have defined. Defining their
    schemas first lets the import through; nothing of ours or of the zoo calls them.
    """
    import torch

    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        library = torch.library.Library("torchvision", "DEF")
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _KEPT.append(library)  # the schemas live as long as this object
    import compressai

    return compressai


_KEPT: list[object] = []


@dataclass(frozen=True)
class ZooModel:
    """A model of the zoo, trained for MSE; the spec's q is its quality, from 1 to 6 or 8."""

    name: str
    key = "q"
    suffix = ".bin"
    needs = (Need("compressai", "pip install compressai"),)

    @property
    def description(self) -> str:
        """The model, for rows."""
        return f"CompressAI {version('compressai')}, torch {version('torch')} zoo {self.name} mse"

    def encode(self, frame: np.ndarray, value: float) -> bytes:
        """uint8 [H, W, 1 or 3] -> bytes; CodecError for other frames, other qualities, or weights that aren't there."""
        check(frame, self.name)
        if max(frame.shape[:2]) > 65535:
            raise CodecError(f"as a peer {self.name} takes sides of up to 65535 pixels; leave it out for this picture")
        import torch

        h, w = frame.shape[:2]
        below, right = -h % _MULTIPLE, -w % _MULTIPLE
        padded = np.pad(frame.repeat(4 - frame.shape[2], 2)[..., :3], ((0, below), (0, right), (0, 0)), mode="edge")
        x = torch.from_numpy(padded).permute(2, 0, 1)[None].float() / 255
        with torch.inference_mode():
            coded = _model(self.name, whole(value)).compress(x)
        strings = [s[0] for s in coded["strings"]]
        parts = [_HEAD.pack(h, w, *coded["shape"], len(strings)) + bytes([int(value)])]
        parts += [struct.pack("<I", len(s)) + s for s in strings]
        return b"".join(parts)

    def decode(self, data: bytes, channels: int = 3) -> np.ndarray:
        """What `encode` made -> uint8 [H, W, channels], 1 or 3."""
        import torch

        stream = io.BytesIO(data)
        h, w, *shape, count = _HEAD.unpack(stream.read(_HEAD.size))
        quality = stream.read(1)[0]
        strings = [[stream.read(struct.unpack("<I", stream.read(4))[0])] for _ in range(count)]
        with torch.inference_mode():
            x = _model(self.name, quality).decompress(strings, shape)["x_hat"][0].clamp(0, 1)
        pixels = (x * 255).round().byte().permute(1, 2, 0).numpy()[:h, :w]
        return pixels if channels == 3 else pixels.mean(2, keepdims=True).round().astype(np.uint8)


@lru_cache(maxsize=2)
def _model(name: str, quality: int) -> Any:
    """The model with its weights, ready to code."""
    import torch

    import_compressai()
    from compressai.zoo import image

    urls: dict[int, str] = image.model_urls[name]["mse"]
    if quality not in urls:
        raise CodecError(f"{name}: there is no quality {quality}; give {min(urls)} to {max(urls)}")
    file = Path(torch.hub.get_dir()) / "checkpoints" / urls[quality].rpartition("/")[2]
    if not file.exists():
        raise CodecError(f"{name}: needs its weights; put {urls[quality]} at {file}")
    state = image.load_pretrained(torch.load(file, map_location="cpu", weights_only=True))
    model = image.model_architectures[name].from_state_dict(state).eval()
    model.update()
    return model
