"""Weight files: safetensors of parameters and coding tables, found by the fingerprint in a file's header.

Looked for in the folders of `CODEC_WEIGHTS` (separated like PATH) first, then in the package's assets, so that a file
there takes the place of a shipped one of its name. Any file may lie in those folders: what is no regular file of a
sane size, or isn't what its header says, is left out with an OddWeights warning. Only the standard library here:
`codec info` and `codec models` need no torch.
"""

import hashlib
import json
import math
import os
import stat
import struct
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from codec.errors import CodecError, FormatError, LimitError, WeightsMissing

FINGERPRINT_BYTES = 8
RELEASE = "0.1"  # the release that shipped the weights in assets/
FILE_LIMIT = 2**30  # bytes: eighty times the largest that there is
_HEADER_LIMIT = 4 * 2**20  # bytes: fifty times the largest; safetensors itself allows 100 MB
_CHUNK = 2**20
_SIZES = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8, "U32": 4, "U16": 2,
    "U8": 1, "BOOL": 1,
}  # fmt: skip


class OddWeights(UserWarning):
    """A file among the weights that is none, and is left out."""


@dataclass(frozen=True)
class WeightsInfo:
    """One weights file: `fingerprint` in hex, `parameters` without the coding tables, `bytes` of the file."""

    name: str
    codec: str
    fingerprint: str
    path: Path
    parameters: int
    bytes: int
    description: str


class _Found(NamedTuple):
    """A file of the folders whose header is in order."""

    path: Path
    entries: dict[str, dict[str, Any]]
    metadata: dict[str, str]


def read_header(path: Path) -> tuple[dict[str, dict[str, Any]], dict[str, str], int]:
    """Tensor entries, metadata and offset of the data of a safetensors file, of which no more than this is read.

    FormatError if it is none, is no regular file, or its tensors aren't exactly what follows; LimitError if it is too
    large; OSError if it can't be read.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise FormatError(f"{path}: not a regular file; name a .safetensors file of weights")
    size = status.st_size
    if size > FILE_LIMIT:
        raise LimitError(f"{path}: {size:,} bytes are too many for weights: the limit is {FILE_LIMIT:,}")
    with path.open("rb") as f:
        start = f.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 2 <= length <= min(_HEADER_LIMIT, size - 8):
            raise FormatError(f"{path}: not a safetensors file; get a whole copy of the weights")
        try:
            entries = json.loads(f.read(length))
            metadata = entries.pop("__metadata__", {})
            if not all(isinstance(text, str) for text in metadata.values()):
                raise ValueError
            _check_entries(entries, size - 8 - length)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise FormatError(f"{path}: the safetensors header is damaged; get a whole copy of the weights") from None
    return entries, metadata, 8 + length


def _check_entries(entries: dict[str, dict[str, Any]], size: int) -> None:
    """ValueError, or another error of Python's, unless tensors lie one after the other in `size` bytes."""
    end = 0
    for entry in sorted(entries.values(), key=lambda e: tuple(e["data_offsets"])):
        (begin, after), shape = entry["data_offsets"], entry["shape"]
        if not all(type(n) is int and n >= 0 for n in (begin, after, *shape)):
            raise ValueError
        if begin != end or after - begin != math.prod(shape) * _SIZES[entry["dtype"]]:
            raise ValueError
        end = after
    if end != size:
        raise ValueError


def fingerprint(path: Path) -> bytes:
    """First 8 bytes of SHA-256 over codec, config and the tensors sorted by name: independent of the wrapping."""
    status = path.stat()
    return _digest(path, status.st_mtime_ns, status.st_size)


@lru_cache(64)
def _digest(path: Path, written: int, size: int) -> bytes:
    """`written`, `size`: those of the file, which may be replaced while we run."""
    entries, metadata, offset = read_header(path)
    digest = hashlib.sha256()
    for key in ("codec", "config"):
        digest.update(f"{key}={metadata.get(key, '')}\n".encode())
    with path.open("rb") as f:
        for name in sorted(entries):
            e = entries[name]
            begin, end = e["data_offsets"]
            digest.update(f"{name} {e['dtype']} {e['shape']}\n".encode())
            f.seek(offset + begin)
            for left in range(end - begin, 0, -_CHUNK):
                digest.update(f.read(min(left, _CHUNK)))
    return digest.digest()[:FINGERPRINT_BYTES]


def folders() -> list[Path]:
    """Where weights are looked for, in order."""
    extra = os.environ.get("CODEC_WEIGHTS", "")
    return [*(Path(p) for p in extra.split(os.pathsep) if p), Path(str(files("codec.assets")))]


def _files(places: Sequence[Path] | None = None) -> Iterator[_Found]:
    """All files of weights of ours in these folders, in the order in which they count."""
    for folder in folders() if places is None else places:
        try:
            paths = sorted(path for path in folder.iterdir() if path.suffix == ".safetensors")
        except OSError:  # no folder, or one that can't be read
            continue
        for path in paths:
            try:
                entries, metadata, _ = read_header(path)
            except (CodecError, OSError) as error:
                what = str(error) if isinstance(error, CodecError) else f"{path}: {(error.strerror or '').lower()}"
                warnings.warn(f"{what.partition(';')[0]}; it is left out", OddWeights, stacklevel=2)
                continue
            if "codec" in metadata:
                yield _Found(path, entries, metadata)


def available() -> list[WeightsInfo]:
    """All weights that can be found, in the order in which they count; files that are no weights are left out."""
    return [
        WeightsInfo(
            path.stem,
            metadata["codec"],
            fingerprint(path).hex(),
            path,
            sum(math.prod(e["shape"]) for name, e in entries.items() if not name.startswith("tables.")),
            path.stat().st_size,
            metadata.get("description", ""),
        )
        for path, entries, metadata in _files()
    ]


def find(codec: str, fingerprint_: bytes) -> Path:
    """The file with this fingerprint; WeightsMissing says which weights and where they were looked for."""
    # The same is in all files of a fingerprint: those of the package are looked at first, as they are few and small.
    for path, _, metadata in _files(folders()[::-1]):
        if metadata["codec"] == codec and fingerprint(path) == fingerprint_:
            return path
    raise WeightsMissing(
        f"the {codec} weights {fingerprint_.hex()} are not installed; get them from who trained them, or from release "
        f"{RELEASE} or later, and put them into a folder named in CODEC_WEIGHTS"
    )


def installed(codec: str, fingerprint_: bytes) -> bool:
    """Whether a file that names these weights (b"": none) can be decoded."""
    try:
        return not fingerprint_ or bool(find(codec, fingerprint_))
    except WeightsMissing:
        return False


def finite(tensors: Iterable[Any]) -> bool:
    """Whether all values of torch's tensors are finite: by the largest of each, a third of the time of one by one."""
    return all(not t.numel() or bool(t.abs().max().isfinite()) for t in tensors)


def default(codec: str, name: str) -> Path:
    """The file of the weights that `codec` encodes with, in CODEC_WEIGHTS or assets."""
    for path, _, metadata in _files():
        if path.stem == name and metadata["codec"] == codec:
            return path
    raise WeightsMissing(
        f"the {codec} weights {name}.safetensors are not installed; reinstall the package, or put them into a "
        f"folder named in CODEC_WEIGHTS"
    )


def resolve(codec: str, name: str, which: bytes | Path | None) -> Path:
    """The file that is meant: by its fingerprint, itself, or (None) the `name` that `codec` encodes with by default."""
    if isinstance(which, bytes):
        return find(codec, which)
    return default(codec, name) if which is None else which


def named(codec: str, name: str | os.PathLike[str]) -> Path:
    """The file that a user names to encode with: a path, or the name of installed weights (`codec models`).

    FormatError for a file that is none, or of another codec; WeightsMissing if there is none of this name.
    """
    if not isinstance(name, str | os.PathLike):
        raise CodecError(f"weights must be a path or a name, not {name!r} of type {type(name).__name__}")
    text = os.fsdecode(name)
    if isinstance(name, str) and os.path.basename(text) == text and not text.endswith(".safetensors"):
        known = {path.stem: path for path, _, metadata in reversed([*_files()]) if metadata["codec"] == codec}
        if text in known:
            return known[text]
        if not os.path.isfile(text):
            raise WeightsMissing(f"no {codec} weights {text!r}; name a file, or choose one of {', '.join(known)}")
    path = Path(text)
    other = read_header(path)[1].get("codec", "no codec")
    if other != codec:
        raise FormatError(f"{path}: these are weights of {other}, not of {codec}; name others, or another codec")
    return path
