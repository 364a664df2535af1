"""What an evaluation is to do: which codecs at which settings, what to measure, on which files."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from codec import urls
from codec.errors import CodecError
from codec.evaluate.specs import Spec
from codec.media.audio import AUDIO_SUFFIXES
from codec.media.formats import SUFFIXES, VIDEO_SUFFIXES, is_video
from codec.tasks import labels
from codec.urls import Place

# A file that could be either, .webm, is a video.
_SUFFIXES = {"image": SUFFIXES, "audio": AUDIO_SUFFIXES - VIDEO_SUFFIXES, "video": VIDEO_SUFFIXES}
KINDS = tuple(_SUFFIXES)
METRICS = {
    "image": ("psnr", "ms-ssim"),
    "audio": ("si-sdr",),
    "video": ("psnr-ycbcr", "psnr-y", "psnr-u", "psnr-v", "ssim"),
}
ORIGINAL = "original"  # the codec of the rows that score the files as they are given


@dataclass(frozen=True)
class Plan:
    """`weights`: files that the user gave, by the name of the task or metric. `keep`: a folder for encoded files."""

    specs: tuple[Spec, ...]
    metrics: tuple[str, ...] = ("psnr", "ms-ssim")
    tasks: tuple[str, ...] = ()
    weights: tuple[tuple[str, Path], ...] = ()
    device: str = "cpu"
    keep: Path | None = None

    def codecs(self) -> list[str]:
        """The codecs of the rows that every file gives; with tasks the original is among them."""
        return [ORIGINAL] * bool(self.tasks) + [str(s) for s in self.specs]

    @property
    def archives(self) -> list[Spec]:
        """The specs by which all files are sessions of one archive."""
        return [s for s in self.specs if s.archived]

    @property
    def separate(self) -> list[str]:
        """The other codecs, which know one file at a time."""
        return [ORIGINAL] * bool(self.tasks) + [str(s) for s in self.specs if not s.archived]


def media_of(path: Place) -> str:
    """ "image", "audio" or "video", by the name's end; by what is in it where that tells nothing, or Ogg alone. What is
    none of them is tried as an image."""
    suffix = urls.leaf(path).suffix.lower()
    kind = next((kind for kind, suffixes in _SUFFIXES.items() if suffix in suffixes), None)
    if (kind is None or suffix == ".ogg") and is_file(path) and is_video(path):
        return "video"
    return kind or "image"


def is_file(path: Place) -> bool:
    """Whether this is a regular file; of what is behind a URL that is seen when it is read."""
    return urls.is_url(path) or Path(path).is_file()


def is_folder(path: Place) -> bool:
    """Whether this is a folder; of URLs those that end as one does."""
    return path.endswith("/") if urls.is_url(path) else Path(path).is_dir()


def find_items(paths: Iterable[Place], media: str) -> list[Place]:
    """The given files, and the images (audio files, videos) below the given folders, sorted within each."""
    suffixes = _SUFFIXES[media]
    found: dict[Place, Path | None] = {}  # each with the folder that it was found in
    for path in paths:
        if urls.is_url(path) and is_folder(path):
            below = (name for name in urls.below(path) if urls.leaf(name).suffix.lower() in suffixes)
            found |= {f"{path.rstrip('/')}/{name}": None for name in below}
        elif isinstance(path, Path) and path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in suffixes and p.is_file())
            found |= {p: path for p in inside if p not in found}
        else:
            found.setdefault(path, None)
    items = [p for p, top in found.items() if isinstance(p, str) or not _is_answer(p, top or p.parent)]
    if not items:
        raise CodecError(f"no {media} files there; give some, or folders that hold some")
    return items


def _is_answer(path: Path, top: Path) -> bool:
    """Whether a file is what labels are made of, by those of its folder or of one around it, up to `top`."""
    around = path.parents
    return any(path in _answers(folder) for folder in around[: around.index(top) + 1])


@lru_cache(maxsize=256)
def _answers(folder: Path) -> frozenset[Path]:
    """The segmentations of a folder's pictures, as its labels name them; of labels of other people's none."""
    found = set()
    for layout in (labels.SEGMENTATIONS, labels.MASKS):
        with suppress(CodecError):  # the task that needs them says what is wrong
            found |= {folder / name for *_, name in labels.rows(folder, layout)}
    return frozenset(found)


def shard(items: list[Place], text: str) -> list[Place]:
    """Every n-th item, from the i-th on, for a text "i/n" with i from 1 to n; CodecError for other texts."""
    first, slash, count = text.partition("/")
    if not (slash and first.isdecimal() and count.isdecimal() and 1 <= int(first) <= int(count)):
        raise CodecError(f"--shard {text}: give I/N with I from 1 to N, such as 2/8")
    return items[int(first) - 1 :: int(count)]
