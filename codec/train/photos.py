"""Training photos held in memory as decoded uint8 arrays, and random crops of them.

Sources are tar files or folders of images. Everything random is drawn from a generator that the caller
seeds per step, so that a resumed run sees the crops that an unbroken one would have seen.
"""

import io
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from codec.errors import CodecError

SUFFIXES = {".avif", ".webp", ".png", ".jpg", ".jpeg"}


def load(paths: Sequence[str | Path]) -> list[np.ndarray]:
    """All images of tar files and folders, uint8 [H, W, 3], in the order of the paths and of their names."""
    photos = [np.asarray(Image.open(io.BytesIO(data)).convert("RGB")) for p in paths for _, data in files(Path(p))]
    if not photos:
        raise ValueError(f"no images in {', '.join(map(str, paths))}")
    return photos


def files(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of each image file of a folder (by name) or a tar file (as it lies)."""
    if path.is_dir():
        for file in sorted(f for f in path.rglob("*") if f.suffix.lower() in SUFFIXES):
            yield file.relative_to(path).as_posix(), file.read_bytes()
        return
    if not tarfile.is_tarfile(path):
        raise CodecError(f"{path}: neither a folder nor a tar file; give one of photos")
    with tarfile.open(path) as tar:
        for member in tar:
            data = tar.extractfile(member) if Path(member.name).suffix.lower() in SUFFIXES else None
            if data is not None:
                yield member.name, data.read()


class Crops:
    """Random square crops: photos by area, one of eight orientations, half of them shrunk by up to 2."""

    def __init__(self, photos: Sequence[np.ndarray], size: int) -> None:
        self.photos = [p for p in photos if min(p.shape[:2]) >= size]
        self.size = size
        area = np.array([p.shape[0] * p.shape[1] for p in self.photos], dtype=np.float64)
        self.weights = area / area.sum()

    def batch(self, n: int, rng: np.random.Generator) -> Tensor:
        """float32 [n, 3, size, size] in 0..1."""
        chosen = rng.choice(len(self.photos), n, p=self.weights)
        return torch.stack([self._crop(self.photos[i], rng) for i in chosen])

    def _crop(self, photo: np.ndarray, rng: np.random.Generator) -> Tensor:
        h, w = photo.shape[:2]
        size = self.size
        if rng.random() < 0.5:
            size = min(int(size * rng.uniform(1, 2)), h, w)
        top, left = rng.integers(h - size + 1), rng.integers(w - size + 1)
        crop = photo[top : top + size, left : left + size]
        crop = np.rot90(crop, rng.integers(4))
        if rng.random() < 0.5:
            crop = crop[:, ::-1]
        x = torch.from_numpy(np.ascontiguousarray(crop)).permute(2, 0, 1).float() / 255
        if size != self.size:
            shape = (self.size, self.size)
            x = F.interpolate(x[None], shape, mode="bicubic", antialias=True, align_corners=False)[0].clamp(0, 1)
        return x


def principal_components(photos: Sequence[np.ndarray], components: int, seed: int) -> tuple[Tensor, Tensor]:
    """PCA of random 16x16 patches: basis [components, 768] (colour, row, column), deviations [components]."""
    rng = np.random.default_rng(seed)
    crops = Crops(photos, 64)
    rows = []
    for _ in range(64):
        x = crops.batch(64, rng) - 0.5
        patches = F.unfold(x, 16, stride=16)  # [64, 768, 16]
        rows.append(patches.transpose(1, 2).reshape(-1, 768).double())
    data = torch.cat(rows)
    # Not centred: the transform is applied to x - 1/2 and has no bias.
    values, vectors = torch.linalg.eigh(data.T @ data / len(data))
    order = values.argsort(descending=True)[:components]
    return vectors[:, order].T.float(), values[order].clamp(min=0).sqrt().float()
