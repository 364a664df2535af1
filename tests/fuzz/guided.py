"""Coverage-guided fuzzing of the readers of files and media; optional, since it needs atheris (`pip install atheris`).

    python tests/fuzz/guided.py container FOLDER -max_total_time=3600
    python tests/fuzz/guided.py media FOLDER -max_total_time=3600

FOLDER keeps the inputs that reach new code, begun with the fuzzer's base files; other options are libFuzzer's. Anything
that escapes but CodecError and OSError ends the run, and so do 120 s by the clock or 1.5 GiB for one input; it is then
in `crash-*`, `timeout-*` or `oom-*`, and a run with its name in place of FOLDER replays it.
"""

from __future__ import annotations

import io
import os
import struct
import sys
import warnings
import zlib
from contextlib import suppress
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["codec"]):
    from codec import api, codecs, container, media
    from codec.container import times
    from codec.container.fields import Cursor, varint
    from codec.errors import CodecError
    from codec.standard import packets

MAX_PIXELS = 2**20


def of_container(data: bytes) -> None:
    """Everything that is read of a file without decoding; half of the inputs get right checksums first."""
    if data[:1] < b"\x80":
        data = repaired(data[1:])
    for work in (_forwards, _by_index, _salvaged, _told, _recovered, _listed):
        try:
            work(data)
        except CodecError as error:
            assert "\n" not in str(error)


def repaired(data: bytes) -> bytes:
    """The sections of a file with checksums that are right, and a right size in the last one."""
    out, cursor = data[:5], Cursor(data, "an input")
    try:
        cursor.take(5)
        while cursor.position < len(data):
            tag, length = cursor.take(1), cursor.varint()
            payload = cursor.take(min(length, len(data) - cursor.position))
            cursor.take(min(4, len(data) - cursor.position))
            frame = tag + varint(len(payload))
            if tag in b"NZ":
                payload = payload[:-4] + struct.pack("<I", len(frame) + len(payload) + 4)
            out += frame + payload + struct.pack("<I", zlib.crc32(frame + payload))
    except CodecError:
        pass
    return out


def _listed(data: bytes) -> None:
    for found in container.read_directory(io.BytesIO(data)).sessions:
        if isinstance(found, container.Placed):
            container.pack_entry(found.entry, container.LIMITS)


def _forwards(data: bytes) -> None:
    for unit in container.read(data)[1]:
        with suppress(CodecError):
            packets.unpack(unit.packets)
        with suppress(CodecError):
            _times(unit.payload)


def _times(payload: bytes) -> None:
    from fractions import Fraction

    times.unpack(Cursor(payload, "a unit"), 3, 0, Fraction(25))


def _by_index(data: bytes) -> None:
    fp = io.BytesIO(data)
    index = container.read_index(fp)
    for number in range(len(index.offsets)):
        container.read_unit(fp, index, number)


def _salvaged(data: bytes) -> None:
    damage: list[CodecError] = []
    container.salvage(io.BytesIO(data), damage=damage)


def _told(data: bytes) -> None:
    header, units = container.read(data)
    found = list(units)
    codec = codecs.of(header)
    api.describe(header)
    codec.check(header, found)
    codec.describe(header, found)


def _recovered(data: bytes) -> None:
    container.recover(io.BytesIO(data))


def of_media(data: bytes) -> None:
    """An image file, with its metadata."""
    for strip in (False, True):
        try:
            _, frames = media.read(data, max_pixels=MAX_PIXELS, strip=strip)
            next(frames)
        except CodecError as error:
            assert "\n" not in str(error)
        except (OSError, MemoryError):
            pass


def seeds(kind: str, folder: Path) -> None:
    """Files to begin with."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    if kind == "container":
        from helpers.containers import SAMPLES

        for name, data in SAMPLES.items():
            (folder / f"{name}-repaired").write_bytes(b"\0" + data)
            (folder / name).write_bytes(data)
        return
    import numpy as np
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 4), np.uint8)
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "maker"
    for mode in ("RGB", "RGBA", "L", "LA", "P", "1"):
        image = Image.fromarray(pixels).convert(mode)
        for suffix in ("png", "jpeg", "webp", "tiff", "gif", "bmp", "ppm", "avif"):
            try:
                image.save(folder / f"{mode}.{suffix}", exif=exif, icc_profile=b"no profile", xmp=b"<x/>")
            except (OSError, ValueError, KeyError, TypeError):
                continue
    deep = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
    deep.save(folder / "deep.png")
    deep.save(folder / "deep.tiff")


def main() -> None:
    kind, place, *options = sys.argv[1:]
    folder = Path(place)
    if not folder.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        seeds(kind, folder)
    warnings.simplefilter("ignore")
    limits = ["-timeout=120", "-rss_limit_mb=1536", f"-artifact_prefix={os.path.join(os.getcwd(), '')}"]
    target = {"container": of_container, "media": of_media}[kind]
    atheris.Setup([sys.argv[0], str(folder), *limits, *options], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
