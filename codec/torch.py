"""Pictures for training: a PyTorch dataset of .ncf files, and a transform that compresses.

    data = codec.torch.Dataset("photos/", transform=crop)        # or files, or tar shards
    loader = torch.utils.data.DataLoader(data, batch_size=16, num_workers=4)
    for batch in loader:
        batch["image"], batch["key"]                             # uint8 [16, 3, H, W], names

Workers decode each by itself; a dataset may be used before they are forked, and in several processes at once. With a
GPU they do half of it, and the GPU the other half of a whole batch:

    data = codec.torch.Dataset("photos/", whole=False)
    loader = torch.utils.data.DataLoader(data, batch_size=16, num_workers=4, collate_fn=list)
    for batch in loader:
        images = codec.torch.finish([item["image"] for item in batch], "cuda")  # uint8 [3, H, W] each
"""

from __future__ import annotations

import io
import os
import tarfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor
from torch.utils import data

from codec import api, codecs, container, media, urls
from codec.codecs.base import BatchedImages, Descriptor
from codec.codecs.options import ImageOptions
from codec.container import MAGIC
from codec.device import resolve
from codec.errors import CodecError
from codec.media import SUFFIXES
from codec.surroundings import on_our_own

_NCF = ".ncf"
_SHARD = ".tar"
_CHANNELS = (1, 3, 4)

Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
Transform = Callable[[Tensor], Any]


class _Part(NamedTuple):
    """Where the bytes of a file are: all of it, or a member of a shard."""

    path: urls.Place
    start: int = 0
    size: int = -1


class Dataset(data.Dataset[dict[str, Any]]):
    """Items are dicts: "image", uint8 [channels, H, W] or what `transform` makes of it; "key", the file's name without
    suffixes; and of a shard's other members of this name their bytes by suffix ("cls", "json"), as WebDataset has them.

    `paths`: folders, which are searched through, files and tar shards; or their URLs. All kinds of pictures that
    `codec encode` reads may be among them. `channels`: 3, 1 (luma) or 4 (with alpha). Raises CodecError for paths with
    no picture in them, and where an item's file is damaged, which its message names.

    `whole=False`: of s2lic pictures of up to 1.5 megapixels "image" is what `finish` makes pictures of, many at once.
    """

    def __init__(
        self, paths: Paths, transform: Transform | None = None, channels: int = 3, device: str = "cpu",
        whole: bool = True,
    ) -> None:  # fmt: skip
        if channels not in _CHANNELS:
            raise CodecError(f"{channels!r} channels; give one of {', '.join(map(str, _CHANNELS))}")
        if not whole and (transform is not None or channels != 3 or device != "cpu"):
            raise CodecError("with whole=False pictures have 3 channels and get a device and transforms after finish()")
        self.transform, self.channels, self.device, self.whole = transform, channels, device, whole
        given = [paths] if isinstance(paths, str | os.PathLike) else paths
        self.items = [item for path in given for item in _items(path)]
        if not self.items:
            raise CodecError(f"no pictures in {', '.join(map(str, given)) or 'no paths'}; name files, folders or .tar")
        self._files: dict[tuple[int, int, urls.Place], IO[bytes]] = {}

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, number: int) -> dict[str, Any]:
        key, picture, more = self.items[number]
        try:
            encoded = self._read(picture)
            image: Any = None if self.whole else _begun(encoded)
            if image is None:
                image = _pixels(encoded, self.channels, self.device)
        except CodecError as error:
            raise CodecError(f"{picture.path}{f', {key}' if picture.size >= 0 else ''}: {error}") from error
        item: dict[str, Any] = {suffix: self._read(part) for suffix, part in more.items()}
        return item | {"key": key, "image": image if self.transform is None else self.transform(image)}

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_files": {}}  # open files don't go to other processes

    def _read(self, part: _Part) -> bytes:
        if part.size < 0:
            return urls.content(part.path)
        # A forked process has its parent's file, and with it the parent's place in it, as threads would have each
        # other's: each opens its own.
        name = os.getpid(), threading.get_ident(), part.path
        if name not in self._files:
            self._files[name] = urls.opened(part.path)
        file = self._files[name]
        file.seek(part.start)
        return file.read(part.size)


class Begun(NamedTuple):
    """A picture that a codec has begun to decode."""

    codec: str
    fingerprint: bytes
    what: Any


@on_our_own
def finish(images: Sequence[Begun | Tensor], device: str = "auto") -> list[Tensor]:
    """Pictures, uint8 [3, H, W], on a device, from what a Dataset with `whole=False` gives; tensors are moved there.

    Those of one size are computed at once. They are those of `codec.decode`, but for rounding a level off.
    """
    begun: dict[tuple[str, bytes], dict[int, Any]] = {}
    done: dict[int, Tensor] = {}
    for number, image in enumerate(images):
        if isinstance(image, Begun):
            begun.setdefault((image.codec, image.fingerprint), {})[number] = image.what
        else:
            done[number] = image.to(resolve(device))
    for (name, fingerprint), some in begun.items():
        finished = _batched(codecs.named(name, "image"), fingerprint, device).finish(list(some.values()))
        done |= dict(zip(some, finished, strict=True))
    return [done[number] for number in range(len(images))]


class Recode:
    """A transform: what is left of a picture [3 or 1, H, W] after compression, for training on compressed pictures.

    `quality`: 0 to 100, or a range of which each picture gets one at random (torch's generator). Other options as of
    `codec.encode`; `codec`: "s2lic" by default. CodecError for what is no quality, and for other tensors.
    """

    def __init__(self, quality: float | tuple[float, float] = 50, codec: str = "s2lic", **options: Any) -> None:
        self.codec, self.options = codec, options
        self.low, self.high = quality if isinstance(quality, tuple) and len(quality) == 2 else (quality, quality)
        for one in (self.low, self.high):
            ImageOptions(quality=one)  # of 0 to 100
        if self.low > self.high:
            raise CodecError(f"no quality lies between {self.low} and {self.high}; give the lower one first")

    def __call__(self, image: Tensor) -> Tensor:
        if image.dim() != 3 or len(image) not in (1, 3) or image.dtype != torch.uint8:
            shape = f"{str(image.dtype).removeprefix('torch.')} {list(image.shape)}"
            raise CodecError(f"a tensor {shape} is no picture to recode; give uint8 [3 or 1, H, W]")
        quality = self.low + (self.high - self.low) * torch.rand(()).item()
        frame = np.ascontiguousarray(image.permute(1, 2, 0).cpu().numpy())
        encoded = api.encode(frame, self.codec, quality=quality, **self.options)
        return _pixels(encoded, len(image), "cpu")


def _items(given: str | os.PathLike[str]) -> Iterator[tuple[str, _Part, dict[str, _Part]]]:
    """Name, picture and what else belongs to it, of all pictures of a path in the order of their names."""
    if urls.is_url(given):
        yield from _behind_url(given)
        return
    path = Path(urls.plain(given) if isinstance(given, str) else given)
    if path.suffix == _SHARD and path.is_file():
        yield from _members(path)
    elif path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.suffix.lower() in (_NCF, *SUFFIXES) and file.is_file():
                yield file.relative_to(path).with_suffix("").as_posix(), _Part(file), {}
    elif path.exists():
        yield path.stem, _Part(path), {}
    else:
        raise CodecError(f"{path}: no such file or folder; check the name")


def _behind_url(url: str) -> Iterator[tuple[str, _Part, dict[str, _Part]]]:
    """The same of a URL: of a shard, a picture, or else a folder."""
    name = urls.leaf(url)
    if name.suffix == _SHARD:
        yield from _members(url)
    elif name.suffix.lower() in (_NCF, *SUFFIXES):
        yield name.stem, _Part(url), {}
    else:
        for file in map(PurePosixPath, urls.below(url)):
            if file.suffix.lower() in (_NCF, *SUFFIXES):
                yield str(file.with_suffix("")), _Part(f"{url.rstrip('/')}/{file}"), {}


def _members(path: urls.Place) -> Iterator[tuple[str, _Part, dict[str, _Part]]]:
    """Those of a shard: what has the same name up to the first dot of its last part belongs together."""
    samples: dict[str, dict[str, _Part]] = {}
    try:
        with urls.opened(path) as fp, tarfile.open(fileobj=fp, mode="r:") as shard:
            for member in filter(tarfile.TarInfo.isfile, shard):
                folder, slash, name = member.name.rpartition("/")
                stem, _, suffix = name.partition(".")
                part = _Part(path, member.offset_data, member.size)
                samples.setdefault(folder + slash + stem, {})[suffix] = part
    except tarfile.TarError as error:
        raise CodecError(f"{path}: not a whole, uncompressed tar file ({error}); get or make it again") from error
    for key, parts in samples.items():
        pictures = [suffix for suffix in parts if f".{suffix.lower()}" in (_NCF, *SUFFIXES)]
        if pictures:
            picture = parts.pop(pictures[0])
            yield key, picture, parts


@on_our_own
def _begun(encoded: bytes) -> Begun | None:
    """What can be done of a picture without its pixels, if its codec decodes in two halves."""
    if not encoded.startswith(MAGIC):
        return None
    header, units = container.read(io.BytesIO(encoded))
    codec = codecs.of(header)
    if header.rate is not None or codec.images is None or not codec.images.batched:
        return None
    found = list(units)
    codec.check(header, found)
    begun = _batched(codec, header.fingerprint, "cpu").begin(header, found)
    return None if begun is None else Begun(codec.name, header.fingerprint, begun)


def _batched(codec: Descriptor, fingerprint: bytes, device: str) -> BatchedImages:
    assert codec.images is not None
    return cast(BatchedImages, codec.images.open(fingerprint, device))


def _pixels(encoded: bytes, channels: int, device: str) -> Tensor:
    """A picture's tensor from the bytes of a file."""
    if encoded.startswith(MAGIC):
        image = api.decode(encoded, device=device).image()
    else:
        info, frames = media.read(encoded)
        image = media.to_pillow(next(iter(frames)), info.depth)
    image = media.of_8_bits(image).convert({1: "L", 3: "RGB", 4: "RGBA"}[channels])
    pixels = np.asarray(image)
    return torch.from_numpy(pixels.reshape(*pixels.shape[:2], channels).transpose(2, 0, 1).copy())
