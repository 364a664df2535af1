"""One process of the determinism matrix, under the instruction sets that its environment allows.

    worker.py encode THREADS COMPANY ORDER FOLDER NAME...    FOLDER/sources -> FOLDER/files
    worker.py decode THREADS COMPANY ORDER FOLDER NAME...    FOLDER/files -> FOLDER/decoded, with records of all symbols

COMPANY: "alone" and "among" code one file after the other (alone: there is only one), "pair" two at once in two
threads. ORDER: "forward", or "backward" for the units' symbols from the last to the first.
"""

import json
import os
import sys
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matrix import CODECS, given, options_of

import codec
from codec import codecs, container, tiling
from codec.codecs.circuit import image as images
from codec.codecs.circuit import wavefront
from codec.codecs.circuit.head import parse
from codec.codecs.partial import Found
from codec.codecs.s2lic import image as s2lic
from codec.codecs.s2lic.latents import code_latents
from codec.codecs.s2lic.ratemap import Rates, code_offsets
from codec.container import Header, Unit
from codec.entropy import Coder, Decoder, Tables
from codec.entropy.planes import code_alpha
from codec.errors import CodecError, FormatError
from codec.models.s2lic.model import PATCH

wavefront._WORTH = 0  # kernels for small pictures too
if "NO_NUMBA" in os.environ:
    sys.modules["codec.codecs.circuit.compiled"] = None  # type: ignore[assignment]


class Recorder:
    """A coder that keeps checksums of what passes through another: the symbols, and the tables chosen for them."""

    def __init__(self, coder: Coder) -> None:
        self.coder = coder
        self.count = self.symbols = self.tables = 0

    @property
    def checksum(self) -> int:
        return self.coder.checksum

    def code(self, symbols: Any, index: Any, tables: Tables) -> Any:
        coded = self.coder.code(symbols, index, tables)
        self.count += coded.size
        self.symbols = zlib.crc32(coded.astype("<i4").tobytes(), self.symbols)
        self.tables = zlib.crc32(np.asarray(index).astype("<u2").tobytes(), self.tables)
        return coded


def records(data: bytes, frame: np.ndarray, backward: bool) -> list[dict[str, int]]:
    """For each unit: the number of its symbols, checksums of symbols and table indices, and the checksum stored."""
    header, lazy = container.read(data)
    units, codec = list(lazy), codecs.of(header)
    if codec.name in RECORDS:
        return RECORDS[codec.name](header, units, backward)
    # Of any other codec: decoding it has compared the symbols, and what is lossless has to be the same picture.
    tables = zlib.crc32(frame.tobytes()) if codec.lossless else 0
    return [
        {"count": frame.size // len(units), "symbols": u.checksum, "tables": tables, "stored": u.checksum}
        for u in units
    ]


def exact_records(header: Header, units: list[Unit], backward: bool) -> list[dict[str, int]]:
    """The circuit codec's symbols are samples: each unit is decoded alone, and `tables` is the frame's CRC-32."""
    opened = images.open_codec(header.fingerprint)
    found: dict[int, dict[str, int]] = {}
    for unit in reversed(units) if backward else units:
        # With a tuned network the first unit is what the others need.
        tuned = parse(header).tuned
        alone: list[Found] = [u if u is unit or (tuned and not u.index) else FormatError("left out") for u in units]
        damage: list[CodecError] = []
        (frame,) = opened.decode(header, alone, None, damage)
        left_out = sum(isinstance(u, FormatError) for u in alone)
        symbols = unit.checksum if len(damage) == left_out else ~unit.checksum
        found[unit.index] = {
            "count": frame.size // len(units), "symbols": symbols, "tables": zlib.crc32(frame.tobytes()),
            "stored": unit.checksum,
        }  # fmt: skip
    return [found[i] for i in range(len(units))]


@torch.inference_mode()
def lossy_records(header: Header, units: list[Unit], backward: bool) -> list[dict[str, int]]:
    opened = s2lic.open_codec(header.fingerprint, "cpu")
    size = tiling.padded(header.height), tiling.padded(header.width)
    rates = Rates(opened.rate(header), *size, mapped=s2lic.is_mapped(header))
    tiles = tiling.tiles(header.height, header.width)
    plane = np.empty((header.height, header.width), np.uint16)
    found: dict[int, dict[str, int]] = {}
    for unit in reversed(units) if backward else units:
        tile = tiles[unit.index % len(tiles)]
        recorder = Recorder(Decoder(unit.payload))
        if unit.index < len(tiles):
            shape = tile.height // PATCH, tile.width // PATCH
            offsets = rates.offsets_of(tile)
            if offsets is not None:
                offsets[:] = code_offsets(recorder, None, offsets.shape, opened.tables[1])
            code_latents(opened.entropy, opened.tables, recorder, rates.of(tile), shape, unit.phase, None)
        else:
            code_alpha(recorder, None, tile.of(plane).shape, header.depth)
        found[unit.index] = {
            "count": recorder.count, "symbols": recorder.symbols, "tables": recorder.tables, "stored": unit.checksum
        }  # fmt: skip
    return [found[i] for i in range(len(units))]


RECORDS: dict[str, Callable[[Header, list[Unit], bool], list[dict[str, int]]]] = {
    "s2lic": lossy_records,
    "circuit": exact_records,
}


def encode(folder: Path, name: str) -> None:
    source = folder / "sources" / name
    picture = np.load(source) if source.suffix == ".npy" else source
    for coder in CODECS:
        data = codec.encode(given(coder, name, picture), coder, device="cpu", **options_of(coder, name))
        (folder / "files" / f"{name}.{coder}.ncf").write_bytes(data)


def decode(folder: Path, name: str, backward: bool) -> None:
    data = (folder / "files" / name).read_bytes()
    (frame,) = codec.decode(data, device="cpu").frames()
    (folder / "decoded" / f"{name}.json").write_text(json.dumps(records(data, frame, backward)))
    np.save(folder / "decoded" / f"{name}.npy", frame)


def main(mode: str, threads: str, company: str, order: str, folder: str, *names: str) -> None:
    torch.set_num_threads(int(threads))
    work: Callable[[str], None]
    if mode == "encode":
        work = lambda name: encode(Path(folder), name)  # noqa: E731
    else:
        work = lambda name: decode(Path(folder), name, order == "backward")  # noqa: E731
    if company == "pair":
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(work, names))
    else:
        for name in names:
            work(name)


if __name__ == "__main__":
    main(*sys.argv[1:])
