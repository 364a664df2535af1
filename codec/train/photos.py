"""Training photos held in memory as decoded uint8 arrays, and random crops of them.

Sources are tar files or folders of images. Everything random is drawn from a generator that the caller
seeds per step, so that a resumed run sees the crops that an unbroken one would have seen.
"""

import io
import lzma
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, cast

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from codec.errors import CodecError
from codec.media.guard import reading

SUFFIXES = {".avif", ".webp", ".png", ".jpg", ".jpeg"}
# What tarfile and the decompressors under it raise on damage.
_DAMAGE = (tarfile.TarError, EOFError, lzma.LZMAError, zlib.error, ValueError, OverflowError, MemoryError)


def load(paths: Sequence[str | Path]) -> list[np.ndarray]:
    """All images of tar files and folders, uint8 [H, W, 3], in the order of the paths and of their names."""
    photos = [_pixels(Path(p), name, data) for p in paths for name, data in files(Path(p))]
    if not photos:
        raise CodecError(f"no images in {', '.join(map(str, paths))}; give folders or tar files of photos")
    return photos


def _pixels(path: Path, name: str, data: bytes) -> np.ndarray:
    try:
        with reading():
            return np.array(Image.open(io.BytesIO(data)).convert("RGB"))
    except CodecError as error:
        raise CodecError(f"{path}: {name} can't be read as a photo; mend it, or take it out") from error


def files(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of each image file of a folder (by name) or a tar file (as it lies; links have none)."""
    if path.is_dir():
        for file in sorted(f for f in path.rglob("*") if f.suffix.lower() in SUFFIXES and f.is_file()):
            yield file.relative_to(path).as_posix(), file.read_bytes()
        return
    try:
        if not tarfile.is_tarfile(path):
            raise CodecError(f"{path}: neither a folder nor a tar file; give one of photos")
        with tarfile.open(path) as tar:
            for member in tar:
                if member.isreg() and Path(member.name).suffix.lower() in SUFFIXES:
                    yield member.name, cast(IO[bytes], tar.extractfile(member)).read()
            # A head that is damaged ends the loop like the block of zeros that ends a whole file.
            end = cast(IO[bytes], tar.fileobj)
            end.seek(tar.offset)
            if end.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
                raise tarfile.ReadError("no end")
    except CodecError:  # a ValueError as well
        raise
    except _DAMAGE as error:
        raise CodecError(f"{path}: a damaged tar file ({error or type(error).__name__}); get a whole copy") from error


class Crops:
    """Random square crops: photos by area, one of eight orientations, half of a batch shrunk by up to 2.

    The photos lie on the device, and so a GPU cuts its own crops.
    """

    def __init__(self, photos: Sequence[np.ndarray], size: int, device: str | torch.device = "cpu") -> None:
        self.photos = [torch.from_numpy(p).to(device) for p in photos if min(p.shape[:2]) >= size]
        if not self.photos:
            raise CodecError(f"no photo of at least {size} x {size} pixels; give larger ones, or smaller crops")
        self.size = size
        area = np.array([p.shape[0] * p.shape[1] for p in self.photos], dtype=np.float64)
        self.weights = area / area.sum()

    def batch(self, n: int, rng: np.random.Generator) -> Tensor:
        """float32 [n, 3, size, size] in 0..1, channels last; what is shrunk has one factor, and comes first."""
        chosen = [self.photos[i] for i in rng.choice(len(self.photos), n, p=self.weights)]
        shrunk = n // 2
        large = min([int(self.size * rng.uniform(1, 2)), *(min(p.shape[:2]) for p in chosen[:shrunk])])
        crops = self._crops(chosen[shrunk:], self.size, rng)
        if not shrunk:
            return crops
        small = F.interpolate(self._crops(chosen[:shrunk], large, rng), crops.shape[2:], mode="bicubic", antialias=True)
        return torch.cat((small.clamp(0, 1), crops))

    def _crops(self, photos: Sequence[Tensor], size: int, rng: np.random.Generator) -> Tensor:
        """A crop of each: [n, 3, size, size] in 0..1."""
        crops = []
        for photo in photos:
            top, left = rng.integers(photo.shape[0] - size + 1), rng.integers(photo.shape[1] - size + 1)
            crop = torch.rot90(photo[top : top + size, left : left + size], int(rng.integers(4)))
            crops.append(crop.flip(1) if rng.random() < 0.5 else crop)
        return torch.stack(crops).permute(0, 3, 1, 2).float() / 255


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
