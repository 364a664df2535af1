"""Weight files: safetensors of parameters and coding tables, found by the fingerprint in a file's header.

Looked for in the package's assets first, then in the folders of `CODEC_WEIGHTS` (separated like PATH).
Only the standard library here: `codec info` and `codec models` need no torch.
"""

import hashlib
import json
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from codec.errors import FormatError, WeightsMissing

FINGERPRINT_BYTES = 8
RELEASE = "0.1"  # the release that shipped the weights in assets/
_HEADER_LIMIT = 16 * 2**20  # a header is some kilobytes; safetensors itself allows 100 MB


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


def read_header(path: Path) -> tuple[dict[str, dict[str, Any]], dict[str, str], int]:
    """Tensor entries, metadata and offset of the data of a safetensors file; FormatError if it is none."""
    size = path.stat().st_size
    with path.open("rb") as f:
        start = f.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 2 <= length <= min(_HEADER_LIMIT, size - 8):
            raise FormatError(f"{path}: not a safetensors file; get a whole copy of the weights")
        try:
            entries = json.loads(f.read(length))
            metadata = entries.pop("__metadata__", {})
            for e in entries.values():
                begin, end = e["data_offsets"]
                if not 0 <= begin <= end <= size - 8 - length:
                    raise ValueError
        except (ValueError, KeyError, TypeError, AttributeError):
            raise FormatError(f"{path}: the safetensors header is damaged; get a whole copy of the weights") from None
    return entries, metadata, 8 + length


def fingerprint(path: Path) -> bytes:
    """First 8 bytes of SHA-256 over codec, config and the tensors sorted by name: independent of the wrapping."""
    entries, metadata, offset = read_header(path)
    digest = hashlib.sha256()
    for key in ("codec", "config"):
        digest.update(f"{key}={metadata.get(key, '')}\n".encode())
    data = path.read_bytes()[offset:]
    for name in sorted(entries):
        e = entries[name]
        begin, end = e["data_offsets"]
        digest.update(f"{name} {e['dtype']} {e['shape']}\n".encode())
        digest.update(data[begin:end])
    return digest.digest()[:FINGERPRINT_BYTES]


def folders() -> list[Path]:
    """Where weights are looked for, in order."""
    extra = os.environ.get("CODEC_WEIGHTS", "")
    return [Path(str(files("codec.assets"))), *(Path(p) for p in extra.split(os.pathsep) if p)]


def _files() -> Iterator[Path]:
    for folder in folders():
        if folder.is_dir():
            yield from sorted(folder.glob("*.safetensors"))


def available() -> list[WeightsInfo]:
    """All weights that can be found; files that are no weights of ours are left out."""
    found = []
    for path in _files():
        try:
            entries, metadata, _ = read_header(path)
            if "codec" not in metadata:
                continue
            parameters = sum(_count(e["shape"]) for name, e in entries.items() if not name.startswith("tables."))
            found.append(
                WeightsInfo(
                    path.stem,
                    metadata["codec"],
                    fingerprint(path).hex(),
                    path,
                    parameters,
                    path.stat().st_size,
                    metadata.get("description", ""),
                )
            )
        except FormatError:
            continue
    return found


def _count(shape: list[int]) -> int:
    n = 1
    for s in shape:
        n *= s
    return n


def find(codec: str, fingerprint_: bytes) -> Path:
    """The file with this fingerprint; WeightsMissing says which weights and where they were looked for."""
    for path in _files():
        try:
            if fingerprint(path) == fingerprint_:
                return path
        except FormatError:
            continue
    raise WeightsMissing(
        f"the {codec} weights {fingerprint_.hex()} are not installed; get them from release {RELEASE} or later "
        f"and put them into a folder named in CODEC_WEIGHTS"
    )


def default(codec: str, name: str) -> Path:
    """The file of the weights that `codec` encodes with, in assets or CODEC_WEIGHTS."""
    for path in _files():
        if path.stem == name:
            return path
    raise WeightsMissing(
        f"the {codec} weights {name}.safetensors are not installed; reinstall the package, or put them into a "
        f"folder named in CODEC_WEIGHTS"
    )
